// Guards the belief in a register of known gaps: read strictly, owned, nothing called shipped without drills that are claimed,
// and nothing taken away or played down since the scorecard that somebody signed.
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { type GapRegisterRequest, observeGapRegister } from './gap-register-look.ts';
import { gapRegisterRules } from './gap-register-rules.ts';

const signedFile = z.strictObject({
  file: absolutePath,
  keys: z.array(z.string().max(1_024)).min(1).max(64),
});
const request: z.ZodType<GapRegisterRequest> = z.strictObject({
  register: absolutePath,
  claims: absolutePath,
  baseline: signedFile.optional(),
  retired: signedFile.optional(),
});

/** A register that may be priced. Whether the drills that it names are live is for the scorecard to say. */
export interface KnownGaps {
  /** SHA-256 of the register, hex. */
  readonly digest: string;
  readonly open: number;
  readonly conditional: number;
  readonly shipped: number;
  /** SHA-256 of the statement that it was compared with, or that there was none. */
  readonly comparison: string;
}

/** Grants {@link KnownGaps} when the register is whole, owned, and asks for no less than it did. */
export const gapRegister: Guard<GapRegisterRequest, KnownGaps> = defineHouseGuard({
  id: 'gap-register',
  dimension: 'architecture_hardening_gap_register',
  request,
  observe: observeGapRegister,
  rules: gapRegisterRules,
  grant: ({ register: { value }, baseline }) => {
    const count = (status: string): number => value?.gaps.filter((gap) => gap.status === status).length ?? 0;
    return Object.freeze({
      digest: value?.digest ?? '',
      open: count('open'),
      conditional: count('conditional'),
      shipped: count('shipped'),
      comparison: baseline?.value?.digest ?? 'no comparison: no baseline was given',
    });
  },
  subject: ({ register: { value } }) =>
    value ? { kind: 'gap-register', digest: `sha256:${value.digest}` } : { kind: 'gap-register' },
});
