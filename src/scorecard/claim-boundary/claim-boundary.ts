// Guards what this package says of itself. Its text is a closed world: each block is a claim that names what shows it, figures
// that a command prints, or marked as no claim; whatever changes is looked at again, and tests that claims lean on assert.
import * as z from 'zod';
import { portable } from '../../evidence/primitives.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { type ClaimBoundaryRequest, observeClaimBoundary } from './claim-boundary-look.ts';
import { claimBoundaryRules } from './claim-boundary-rules.ts';
import { statementOf } from './statements.ts';

const request: z.ZodType<ClaimBoundaryRequest> = z.strictObject({
  root: absolutePath,
});

/** Text of which each block says what it is. Whether the probes that it names are live is for the scorecard to say. */
export interface BoundedClaims {
  /** Blocks that claim something, those with figures, and those that claim nothing. */
  readonly claims: number;
  readonly figures: number;
  readonly none: number;
  /** SHA-256 (hex) over every block as it was read. */
  readonly digest: string;
  /** Tests and assertions that were counted, or listed where there is no folder of tests. */
  readonly tests: number;
  readonly assertions: number;
  readonly counted: boolean;
}

/** Grants {@link BoundedClaims} when no block says more than it names evidence for. */
export const claimBoundary: Guard<ClaimBoundaryRequest, BoundedClaims> = defineHouseGuard({
  id: 'claim-boundary',
  dimension: 'architecture_claim_boundary',
  request,
  observe: observeClaimBoundary,
  rules: claimBoundaryRules,
  grant: ({ documents, suite, counted }) => {
    const statements = documents.flatMap(({ path, document }) =>
      (document.value?.blocks ?? []).map((block) => statementOf(path, block)),
    );
    const count = (start: string): number => statements.filter(({ is }) => is.startsWith(start)).length;
    const files = counted?.value ?? suite.value ?? [];
    return Object.freeze({
      claims: count('claim:'),
      figures: count('figures:'),
      none: count('no-claim:'),
      digest: portable.sha256Hex(new TextEncoder().encode(JSON.stringify(statements))),
      tests: files.reduce((sum, { tests }) => sum + tests, 0),
      assertions: files.reduce((sum, { assertions }) => sum + assertions, 0),
      counted: counted !== undefined,
    });
  },
});
