// The service-health guard and its drills.
import { HEALTHY, serviceHealth } from '../../../guards/service-health/service-health.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { serviceHealthDrills } from './service-health-drills.ts';

export const serviceHealthProof: Proof = defineHouseProof({
  guard: serviceHealth,
  excused: {
    maxSilentSeconds: 'what the caller allows',
    limits: 'what the caller allows',
  },
  drills: serviceHealthDrills,
  tables: [
    {
      id: 'healthy',
      what: 'states of a service that runs',
      allows: HEALTHY,
      foreign: { entry: 'degraded', drill: 'degraded' },
    },
  ],
});
