// The guard of owned sockets, its drills, a look that does not wait, and one for which an address is good for any number of
// sockets.
import {
  localLook,
  type OwnedSocketsFacts,
  observeSockets,
  ownedSockets,
} from '../../../ssh/process/owned-sockets.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { ownedSocketsDrills } from './owned-sockets-drills.ts';

const observe = observeSockets(localLook);
type Asked = Parameters<typeof observe>;

export const ownedSocketsProof: Proof = defineHouseProof({
  guard: ownedSockets,
  drills: ownedSocketsDrills,
  brokenLooks: [
    {
      id: 'look.waits-for-nobody',
      noticedBy: 'late',
      observe: (...[asked, signal]: Asked) => observe({ ...asked, waitSeconds: 0 }, signal),
    },
    {
      id: 'look.counts-addresses',
      noticedBy: 'one-more',
      observe: async (...[asked, signal]: Asked): Promise<OwnedSocketsFacts> => {
        const facts = await observe(asked, signal);
        const hosts = new Set(asked.granted.map(({ host }) => host));
        return { ...facts, strange: facts.strange.filter((one) => !('host' in one && hosts.has(one.host))) };
      },
    },
  ],
});
