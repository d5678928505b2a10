// The planes guard, its drills, and looks that believe too early: that a payload can do nothing because nobody tried, and
// that only import statements are imports.
import { observeCode } from '../../../guards/planes/code.ts';
import { LOADERS } from '../../../guards/planes/module-imports.ts';
import { observePlanes, planes } from '../../../guards/planes/planes.ts';
import type { PlanesFacts } from '../../../guards/planes/planes-rules.ts';
import { PLAIN_MODULES } from '../../../guards/planes/planes-table.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { livePlanes } from './live-planes.ts';
import { planesDrills } from './planes-drills.ts';

export const planesProof: Proof = defineHouseProof({
  guard: planes,
  excused: {
    'code.table': 'what the caller allows',
    'roots.*.directory.place': 'adds what mounts hide, which no drill may make on the host itself',
    'roots.*.directory.placesBelow': 'adds what mounts hide, which no drill may make on the host itself',
  },
  drills: planesDrills,
  tables: [
    {
      id: 'loaders',
      what: 'members of the process that load past the module loader',
      denies: LOADERS,
      drillOf: (name) => `loader-${name}`,
      // The whole look starts a payload, which is the same one.
      look: async ({ code }, facts: PlanesFacts, signal) => ({
        ...facts,
        code: await observeCode(code, signal),
      }),
    },
    {
      id: 'plain-modules',
      what: 'modules of Node that need no leave',
      allows: PLAIN_MODULES,
      foreign: { entry: 'child_process', drill: 'child-process' },
    },
  ],
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
