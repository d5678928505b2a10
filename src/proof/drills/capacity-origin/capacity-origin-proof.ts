// The capacity-origin guard, and every way to slip in a model that nobody released, or released no more.
import { capacityOrigin } from '../../../capacity/origin/capacity-origin.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { counterDrills } from './counter-drills.ts';
import { originBrokenLooks } from './origin-broken-looks.ts';
import { statementDrills } from './statement-drills.ts';

export const capacityOriginProof: Proof = defineHouseProof({
  guard: capacityOrigin,
  drills: [...statementDrills, ...counterDrills],
  brokenLooks: originBrokenLooks,
});
