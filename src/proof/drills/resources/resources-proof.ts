// The resources guard, its drills, and looks that read limits and do not try them, or try without the launcher.
import { observeResources, resources } from '../../../guards/resources/resources.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { resourcesDrills } from './resources-drills.ts';

export const resourcesProof: Proof = defineHouseProof({
  guard: resources,
  drills: resourcesDrills,
  brokenLooks: [
    {
      id: 'resources.read-not-tried',
      noticedBy: 'no-memory-limit',
      observe: async (request, signal) => {
        const facts = await observeResources(request, signal);
        return {
          ...facts,
          attempts: facts.attempts.map((tried) => ({ ...tried, started: true, exceeded: false })),
        };
      },
    },
    {
      id: 'resources.without-the-launcher',
      observe: async (request, signal) => {
        const { limits, scratch } = request;
        const bare = { launcher: ['/usr/bin/env'], limits, ...(scratch === undefined ? {} : { scratch }) };
        const { attempts } = await observeResources(bare, signal);
        return { launcher: request.launcher, attempts, bounds: request.bounds ?? 'process' };
      },
    },
  ],
});
