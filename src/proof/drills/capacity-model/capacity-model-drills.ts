// Every way to slip another model to the balancer that the guard is drilled with.

import type { CapacityModelRequest } from '../../../capacity/capacity-model.ts';
import type { Drill } from '../../../kernel/guard.ts';
import { contentDrills, pickleDrills } from './content-drills.ts';
import { fileDrills } from './file-drills.ts';

export const capacityModelDrills: readonly Drill<CapacityModelRequest>[] = [
  ...fileDrills,
  ...contentDrills,
  ...pickleDrills,
];
