// Sidecars that lie, and pickles that are not what a sealed model should be.
import { writeFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import type { CapacityModelRequest } from '../../../capacity/capacity-model.ts';
import { encodeSidecar, type Sidecar } from '../../../capacity/sidecar.ts';
import type { Drill } from '../../proof.ts';
import { drillModel } from './drill-model.ts';
import { HOSTILE_PICKLES } from './drill-pickles.ts';
import { drill, seal, sidecarFor } from './drill-site.ts';

/** As {@link drill}, with a sidecar that differs from the right one. */
const forged = (
  id: string,
  fault: string,
  expects: string,
  forge: (right: Sidecar) => string,
): Drill<CapacityModelRequest> =>
  drill(id, fault, expects, ({ sidecar }) => writeFile(sidecar, forge(sidecarFor(drillModel()))));

const JSON_BAD = 'sidecar.not-strict-json';
const SCHEMA_BAD = 'sidecar.schema-mismatch';

export const contentDrills: readonly Drill<CapacityModelRequest>[] = [
  drill('sealed-zlib', 'none: a sealed model, compressed as joblib compresses it', 'allow', ({ model }) =>
    seal(model, deflateSync(drillModel())),
  ),
  forged('two-digests', 'the digest is given twice: readers differ on which counts', JSON_BAD, (right) =>
    JSON.stringify(right).replace('{', `{"digest_sha256":"${'0'.repeat(64)}",`),
  ),
  forged('float-size', 'the size is written 1126.0', JSON_BAD, (right) =>
    JSON.stringify(right).replace(/("size_bytes":\d+)/, '$1.0'),
  ),
  forged('nan', 'NaN, which Python reads and JSON does not have', JSON_BAD, (right) =>
    JSON.stringify(right).replace(/("size_bytes":)\d+/, '$1NaN'),
  ),
  forged('deep', 'nested until a recursive reader falls over', JSON_BAD, () => '['.repeat(60_000)),
  forged('array', 'the sidecar is an array', SCHEMA_BAD, () => '[]'),
  forged('uppercase', 'the digest is in capitals', SCHEMA_BAD, (right) =>
    encodeSidecar({ ...right, digest_sha256: right.digest_sha256.toUpperCase() }),
  ),
  forged('unknown-key', 'a key that the schema does not have', SCHEMA_BAD, (right) =>
    JSON.stringify({ ...right, trusted: true }),
  ),
  forged('other-file', 'the sidecar of another file', 'sidecar.other-model', (right) =>
    encodeSidecar({ ...right, model_file: 'another.pkl' }),
  ),
  forged('other-size', 'one byte less than there is', 'sidecar.size-mismatch', (right) =>
    encodeSidecar({ ...right, size_bytes: right.size_bytes - 1 }),
  ),
  drill('swapped', 'another model of the same size', 'sidecar.digest-mismatch', ({ model }) => {
    const other = drillModel();
    other.writeUInt8(other.readUInt8(600) ^ 1, 600);
    return writeFile(model, other);
  }),
];

export const pickleDrills: readonly Drill<CapacityModelRequest>[] = HOSTILE_PICKLES.map((pickle) =>
  drill(pickle.id, pickle.fault, 'model.undecodable', ({ model }) => seal(model, pickle.bytes(drillModel()))),
);
