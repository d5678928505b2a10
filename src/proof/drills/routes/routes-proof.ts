// The routes guard and its drills.
import { ORDERED, routes } from '../../../guards/routes/routes.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { routesDrills } from './routes-drills.ts';

/** A route that nobody reaches, in each framework whose order decides. */
const SHADOWED: Readonly<Record<string, string>> = {
  starlette: 'shadowed',
  tornado: 'shadowed-pattern',
  express: 'shadowed-parameter',
};

export const routesProof: Proof = defineHouseProof({
  guard: routes,
  drills: routesDrills,
  tables: [
    {
      id: 'ordered',
      what: 'frameworks whose first route wins',
      denies: ORDERED,
      drillOf: (framework) => SHADOWED[framework] ?? framework,
    },
  ],
});
