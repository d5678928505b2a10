// The planes guard, its drills, and looks that believe too early: that a payload can do nothing because nobody tried, and
// that only import statements are imports.
import { observePlanes, planes } from '../../../guards/planes/planes.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { livePlanes } from './live-planes.ts';
import { planesDrills } from './planes-drills.ts';

export const planesProof: Proof = defineHouseProof({
  guard: planes,
  excused: {
    'code.table': 'what the caller allows',
  },
  drills: planesDrills,
  live: aboutThisPackage((site) => livePlanes(site.state, site)),
  brokenLooks: [
    {
      id: 'planes.payload-untried',
      noticedBy: 'unconfined',
      observe: async (request, signal) => {
        const facts = await observePlanes(request, signal);
        return { ...facts, attempt: { alive: true, wrote: [], readKey: false } };
      },
    },
    {
      id: 'planes.first-roots-only',
      noticedBy: 'second-evidence-root',
      observe: ({ roots, ...request }, signal) => {
        const { control, payload, evidence } = roots;
        const first = (paths: readonly string[]): readonly string[] => paths.slice(0, 1);
        const fewer = { control: first(control), payload: first(payload), evidence: first(evidence) };
        return observePlanes({ ...request, roots: fewer }, signal);
      },
    },
  ],
});
