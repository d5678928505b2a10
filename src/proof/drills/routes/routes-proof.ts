// The routes guard and its drills.
import { routes } from '../../../guards/routes/routes.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { routesDrills } from './routes-drills.ts';

export const routesProof: Proof = defineHouseProof({ guard: routes, drills: routesDrills });
