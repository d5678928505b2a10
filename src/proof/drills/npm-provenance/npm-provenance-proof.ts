// The provenance guard, its drills, and a look that takes every signature for good.
import { npmProvenance, observeNpmProvenance } from '../../../guards/release-proof/npm-provenance.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { npmProvenanceDrills } from './npm-provenance-drills.ts';

const SHARED = 'one of the shared rules of files, which capacity-model is drilled with one by one';

export const npmProvenanceProof: Proof = defineHouseProof({
  guard: npmProvenance,
  excused: {
    'asked.repository': 'what the caller allows',
    'asked.workflows.*': 'what the caller allows',
    'files.*.what': 'names the file in the sentence',
    'files.*.file.plainPath': SHARED,
    'files.*.file.oneDevice': SHARED,
    'files.*.file.unchanged': SHARED,
  },
  drills: [
    ...npmProvenanceDrills,
    ...fileTableDrills({
      name: 'tarball',
      drills: npmProvenanceDrills,
      file: 'package.tgz',
      maxBytes: 256 * 1024 * 1024,
      expects: 'npm-provenance.untrusted',
    }),
  ],
  brokenLooks: [
    {
      id: 'npm-provenance.unsigned',
      observe: async (request, signal) => {
        const facts = await observeNpmProvenance(request, signal);
        const attestations = facts.attestations.map((one) => ({ ...one, signatureFault: undefined }));
        return { ...facts, attestations };
      },
    },
  ],
});
