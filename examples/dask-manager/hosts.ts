// The hosts file: who takes part, and how they are reached. Strict, so that a misspelt key is an error and not a default.
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { Credentials, DaskTls, Target } from '../../src/ssh/index.ts';

const host = { host: z.string(), port: z.int(), user: z.string() };
const hostsFile = z.strictObject({
  knownHosts: z.string(),
  privateKey: z.string(),
  uv: z.string(),
  project: z.string(),
  tls: z.strictObject({ ca: z.string(), certificate: z.string(), key: z.string() }),
  scheduler: z.strictObject({ ...host, listen: z.int().min(1).max(65_535) }),
  workers: z.array(z.strictObject(host)).min(1),
});

export interface Hosts {
  readonly credentials: Credentials;
  readonly scheduler: Target;
  /** The port on which the scheduler listens, at the address under which it is reached. */
  readonly listen: number;
  readonly workers: readonly Target[];
  /** uv, the project with Dask in it and the files for TLS: on every host, absolute or `~/rest`. */
  readonly uv: string;
  readonly project: string;
  readonly tls: DaskTls;
}

export async function readHosts(path: string): Promise<Hosts> {
  const file = hostsFile.parse(JSON.parse(await readFile(path, 'utf8')));
  const knownHosts = [file.knownHosts];
  const { uv, project, tls } = file;
  const { listen, ...scheduler } = file.scheduler;
  return {
    credentials: { privateKey: await readFile(file.privateKey) },
    scheduler: { ...scheduler, knownHosts },
    listen,
    workers: file.workers.map((worker) => ({ ...worker, knownHosts })),
    uv,
    project,
    tls,
  };
}
