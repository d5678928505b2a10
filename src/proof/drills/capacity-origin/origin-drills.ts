// Every way to slip in a model that nobody released, or released no more, that the guard is drilled with.

import type { CapacityOriginRequest } from '../../../capacity/origin/origin-look.ts';
import type { Drill } from '../../../kernel/guard.ts';
import { counterDrills } from './counter-drills.ts';
import { statementDrills } from './statement-drills.ts';

export const originDrills: readonly Drill<CapacityOriginRequest>[] = [...statementDrills, ...counterDrills];
