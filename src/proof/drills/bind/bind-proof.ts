// The bind guard, its drills, and a look that trusts the first setting it finds, as a program reading one variable would.
import { bind, observeBind } from '../../../guards/bind/bind.ts';
import { KEEP_TO_ADDRESS } from '../../../guards/bind/programs.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { bindDrills } from './bind-drills.ts';

export const bindProof: Proof = defineHouseProof({
  guard: bind,
  drills: bindDrills,
  tables: [
    {
      id: 'protocols',
      what: 'protocols that keep to the address',
      allows: KEEP_TO_ADDRESS as ReadonlySet<string>,
      foreign: { entry: 'ws', drill: 'protocol-open' },
    },
  ],
  brokenLooks: [
    {
      id: 'bind.first-source-only',
      noticedBy: 'exposed-second',
      observe: (request, signal) => observeBind({ ...request, sources: request.sources.slice(0, 1) }, signal),
    },
  ],
});
