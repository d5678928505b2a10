// The two files of the example: who takes part, in the format of `guardrails ssh` (docs/ssh.md), and what Dask needs. Strict,
// so that a misspelt key is an error and not a default.
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Credentials, DaskTls, Target } from '../../src/ssh/index.ts';

const hostsFile = z.strictObject({
  knownHosts: z.array(z.string()).min(1),
  privateKey: z.string(),
  hosts: z.array(z.strictObject({ host: z.string(), user: z.string(), port: z.int().default(22) })).min(2),
});
const tls = z.strictObject({ ca: z.string(), certificate: z.string(), key: z.string() });
const daskFile = z.strictObject({
  uv: z.string(),
  project: z.string(),
  tls,
  listen: z.int().min(1).max(65_535),
  client: z.strictObject({ python: z.string(), tls }),
});

export interface Hosts {
  readonly credentials: Credentials;
  /** The first host of the file. */
  readonly scheduler: Target;
  /** All others. */
  readonly workers: readonly Target[];
}

export interface DaskSetup {
  /** uv, the project with Dask in it and the files for TLS: on every host, absolute or `~/rest`. */
  readonly uv: string;
  readonly project: string;
  readonly tls: DaskTls;
  /** The port on which the scheduler listens, at the address under which it is reached. */
  readonly listen: number;
  /** On this machine: a Python with Dask in it, and its own files for TLS. */
  readonly client: { readonly python: string; readonly tls: z.infer<typeof tls> };
}

export async function readHosts(path: string): Promise<Hosts> {
  const { knownHosts, privateKey, hosts } = hostsFile.parse(JSON.parse(await readFile(path, 'utf8')));
  const [scheduler, ...workers] = hosts.map((host) => ({ ...host, knownHosts }));
  if (!scheduler) throw new TypeError('the schema asks for two hosts');
  return { credentials: { privateKey: await readFile(privateKey) }, scheduler, workers };
}

export async function readDask(path: string): Promise<DaskSetup> {
  return daskFile.parse(JSON.parse(await readFile(path, 'utf8')));
}
