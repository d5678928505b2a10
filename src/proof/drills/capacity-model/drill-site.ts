// Where the capacity drills take place: a sealed model in a private directory, for each drill to spoil.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapacityModelRequest } from '../../../capacity/capacity-model.ts';
import { encodeSidecar, type Sidecar, sidecarName } from '../../../capacity/sidecar.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { Drill, DrillSite } from '../../proof.ts';
import { trustedDirectory } from '../../trusted-directory.ts';
import { drillModel } from './drill-model.ts';

export const MODEL = 'balancer_model.pkl';

/** What a drill finds laid out: a sealed model in `directory/models`. */
export interface Laid {
  readonly root: string;
  readonly model: string;
  readonly sidecar: string;
  readonly site: DrillSite;
}

export type Request = Partial<CapacityModelRequest>;

export const sidecarFor = (bytes: Uint8Array): Sidecar => ({
  schema: 'agilab.capacity_model_manifest.v1',
  algorithm: 'sha256',
  digest_sha256: sha256Hex(bytes),
  model_file: MODEL,
  size_bytes: bytes.length,
});

export async function seal(model: string, bytes: Uint8Array): Promise<void> {
  await writeFile(model, bytes, { mode: 0o600 });
  await writeFile(sidecarName(model), encodeSidecar(sidecarFor(bytes)), { mode: 0o600 });
}

/** A drill that lays out a sealed model, then lets `spoil` do its worst. */
export function drill(
  id: string,
  fault: string,
  expects: string,
  spoil: (laid: Laid) => Promise<unknown> = async () => {},
  ask: Request | ((laid: Laid) => Request) = {},
): Drill<CapacityModelRequest> {
  return {
    id,
    fault,
    expects,
    async build(site) {
      const root = join(await trustedDirectory(site), 'models');
      await mkdir(root, { mode: 0o700 });
      const model = join(root, MODEL);
      const laid = { root, model, sidecar: sidecarName(model), site };
      await seal(model, drillModel());
      await spoil(laid);
      return { root, model: MODEL, ...(typeof ask === 'function' ? ask(laid) : ask) };
    },
  };
}
