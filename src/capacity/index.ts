// The capacity room's public surface: from a model file that may be anything to numbers that can be relied on.

export { openTrusted, type TrustedFile } from '../files/open.ts';
export {
  type CapacityModelRequest,
  capacityModel,
  type TrustedModel,
} from './capacity-model.ts';
export {
  CAPACITY_FEATURES,
  type CapacityTable,
  readCapacityTable,
  relativeCapacities,
  type WorkerCapacity,
} from './forest/capacity.ts';
export { inspectPickle, type ModelInspection } from './forest/inspect.ts';
export {
  type CapacityModel,
  decodeModel,
  type ModelDescription,
} from './forest/model.ts';
export { capacityOrigin, type ProvenRelease } from './origin/capacity-origin.ts';
export type { CapacityOriginRequest } from './origin/origin-look.ts';
export { type SealOptions, sealModel } from './seal.ts';
export { encodeSidecar, parseSidecar, type Sidecar, sidecarName } from './sidecar.ts';
export { type ModelThreads, openThreads, type ThreadOptions } from './threads/model-threads.ts';
