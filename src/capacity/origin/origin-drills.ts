// Every way to slip in a model that nobody released, or released no more, that the guard is drilled with.
import type { Drill } from '../../guards/guard.ts';
import { counterDrills } from './counter-drills.ts';
import type { CapacityOriginRequest } from './origin-look.ts';
import { statementDrills } from './statement-drills.ts';

export const originDrills: readonly Drill<CapacityOriginRequest>[] = [...statementDrills, ...counterDrills];
