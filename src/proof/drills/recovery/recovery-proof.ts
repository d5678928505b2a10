// The recovery guard and its drills.
import { recovery } from '../../../guards/recovery/recovery.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { recoveryDrills } from './recovery-drills.ts';

export const recoveryProof: Proof = defineHouseProof({ guard: recovery, drills: recoveryDrills });
