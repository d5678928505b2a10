// The process-stop guard and its drills.
import { processStop } from '../../../ssh/process/process-stop.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { processStopDrills } from './process-stop-drills.ts';

export const processStopProof: Proof = defineHouseProof({ guard: processStop, drills: processStopDrills });
