// The claim-boundary guard, its drills, and looks that believe the list of tests, or that read documents less than whole.
import { claimBoundary } from '../../../scorecard/claim-boundary/claim-boundary.ts';
import { observeClaimBoundary } from '../../../scorecard/claim-boundary/claim-boundary-look.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { claimBoundaryDrills } from './claim-boundary-drills.ts';
import { liveClaimBoundary } from './live-claim-boundary.ts';

export const claimBoundaryProof: Proof = defineHouseProof({
  guard: claimBoundary,
  excused: {
    'claims.value': 'what documents are compared with; the drills change the documents',
    'gaps.value': 'what documents are compared with; the drills change the documents',
    'manifest.value': 'what documents are compared with; the drills change the documents',
    'lock.value': 'what documents are compared with; the drills change the documents',
    'suite.value': 'compared with what the tests hold, which the drills change',
  },
  // Its forbidden words are no `tables` here: each would take a drill that lays out a package and reads all its tests.
  drills: claimBoundaryDrills,
  live: aboutThisPackage(liveClaimBoundary),
  brokenLooks: [
    {
      id: 'claim-boundary.tests-as-listed',
      noticedBy: 'test-syntax',
      observe: async (request, signal) => {
        const facts = await observeClaimBoundary(request, signal);
        return { ...facts, counted: facts.suite };
      },
    },
    {
      id: 'claim-boundary.readme-alone',
      observe: async (request, signal) => {
        const facts = await observeClaimBoundary(request, signal);
        return { ...facts, documents: facts.documents.filter(({ path }) => path === 'README.md') };
      },
    },
  ],
});
