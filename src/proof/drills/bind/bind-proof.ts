// The bind guard, its drills, and a look that trusts the first setting it finds, as a program reading one variable would.
import { bind, observeBind } from '../../../guards/bind/bind.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { bindDrills } from './bind-drills.ts';

export const bindProof: Proof = defineHouseProof({
  guard: bind,
  drills: bindDrills,
  brokenLooks: [
    {
      id: 'bind.first-source-only',
      noticedBy: 'exposed-second',
      observe: (request, signal) => observeBind({ ...request, sources: request.sources.slice(0, 1) }, signal),
    },
  ],
});
