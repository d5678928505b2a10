// The release guard, its drills, and looks that believe what a package says of itself.
import {
  INSTALL_SCRIPTS,
  observeRelease,
  releaseProof,
} from '../../../guards/release-proof/release-proof.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { liveReleaseProof } from './live-release-proof.ts';
import { releaseProofDrills } from './release-proof-drills.ts';

export const releaseProofProof: Proof = defineHouseProof({
  guard: releaseProof,
  excused: {
    'packages.*.locked': 'compared with what was found, which the drills change',
  },
  drills: releaseProofDrills,
  tables: [
    {
      id: 'install-scripts',
      what: 'scripts that npm runs when it installs',
      denies: INSTALL_SCRIPTS,
      drillOf: (name) => `script-${name}`,
    },
  ],
  live: aboutThisPackage(liveReleaseProof),
  brokenLooks: [
    {
      id: 'release-proof.manifests-only',
      noticedBy: 'edited-package',
      observe: async (request, signal) => {
        const facts = await observeRelease(request, signal);
        const packages = facts.packages.map((one) => ({ ...one, found: one.found && one.locked }));
        return { ...facts, packages };
      },
    },
    {
      id: 'release-proof.build-as-found',
      noticedBy: 'nothing-to-hold',
      observe: async (request, signal) => {
        const facts = await observeRelease(request, signal);
        return { ...facts, rebuilt: facts.built };
      },
    },
  ],
});
