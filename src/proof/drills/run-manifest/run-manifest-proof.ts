// The run-manifest guard and its drills.
import { runManifest } from '../../../guards/run-manifest/run-manifest.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { runManifestDrills } from './run-manifest-drills.ts';
import { sealedRunDrills } from './sealed-run-drills.ts';

export const runManifestProof: Proof = defineHouseProof({
  guard: runManifest,
  drills: [...runManifestDrills, ...sealedRunDrills],
});
