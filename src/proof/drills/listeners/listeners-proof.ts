// The listeners guard, its drills, and a look that sees the program alone.
import { listeners, observeListeners } from '../../../guards/bind/listeners.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { listenersDrills } from './listeners-drills.ts';

export const listenersProof: Proof = defineHouseProof({
  guard: listeners,
  drills: listenersDrills,
  brokenLooks: [{ id: 'look.ignores-children', observe: observeListeners({ tree: async (pid) => [pid] }) }],
});
