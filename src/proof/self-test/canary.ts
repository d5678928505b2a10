// A drill that must fail. A runner that passes it passes anything, so nothing of that run is believed.
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import type { Drill } from '../proof.ts';

interface CanaryGrant {
  readonly never: true;
}

/** Refuses whatever it is asked. */
export const canary: Guard<Record<string, never>, CanaryGrant> = defineHouseGuard({
  id: 'canary',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({}),
  observe: async () => ({}),
  rules: [
    {
      code: 'canary.refused',
      remedy: 'Nothing: it refuses whatever it is asked.',
      refuses: () => 'it refuses whatever it is asked',
    },
  ],
  grant: () => Object.freeze({ never: true as const }),
});

/** Expects what cannot be. */
export const canaryDrill: Drill<unknown> = {
  id: 'must-fail',
  fault: 'none: a guard that always refuses is expected to allow',
  expects: 'allow',
  build: async () => ({}),
};
