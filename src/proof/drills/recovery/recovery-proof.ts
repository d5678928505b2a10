// The recovery guard and its drills.
import { recovery } from '../../../guards/recovery/recovery.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { recoveryDrills } from './recovery-drills.ts';

export const recoveryProof: Proof = defineHouseProof({
  guard: recovery,
  excused: {
    place: 'the same directories as of the files of the bundle',
  },
  drills: [
    ...recoveryDrills,
    ...fileTableDrills({
      name: 'state',
      drills: recoveryDrills,
      file: 'runner_state.json',
      maxBytes: 16 * 1_048_576,
      expects: 'recovery.untrusted',
      about: (request, root, file) => (request.kind === 'state' ? { ...request, root, file } : request),
    }),
  ],
});
