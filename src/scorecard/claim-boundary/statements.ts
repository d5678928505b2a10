// The lock of public text: every block of it, what it is said to be, and the digest of its words. It is generated; that it
// changes with the text is what makes somebody look again at what the text claims.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { hex64 } from '../../evidence/hex64.ts';
import { portable } from '../../evidence/primitives.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import type { Claims, Dimension } from '../claims.ts';
import type { Block, Mark } from './blocks.ts';

/** One block as the lock has it. */
export interface Statement {
  /** Path below the package. */
  readonly file: string;
  /** Its mark: `claim: bind, journal`, `figures: npm run bench`, `no-claim: limits`. */
  readonly is: string;
  /** SHA-256 (hex) of its text, runs of blanks as one. */
  readonly text: string;
}

/** Public text outside `docs`. */
export const DOCUMENTS: readonly string[] = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md'];

/** Returns how a mark is written down. */
export function spell(mark: Mark | undefined): string {
  if (!mark) return 'unmarked';
  if (mark.is === 'claim') return `claim: ${mark.ids.join(', ')}`;
  return mark.is === 'figures' ? `figures: ${mark.command}` : `no-claim: ${mark.kind}`;
}

/** Returns what the lock says of a block. */
export function statementOf(file: string, { mark, text }: Pick<Block, 'mark' | 'text'>): Statement {
  return { file, is: spell(mark), text: portable.sha256Hex(new TextEncoder().encode(text)) };
}

const lock = z.strictObject({
  schema: z.literal('agilab.statements.v1'),
  blocks: z
    .array(
      z.strictObject({
        file: z.string().regex(/^[\w.-]+(?:\/[\w.-]+){0,8}$/),
        is: z.string().max(4_000),
        text: hex64,
      }),
    )
    .max(100_000),
});

/** Parses the lock. @throws CodedError `statements.invalid`, `json.*`. */
export function parseStatements(bytes: Uint8Array): readonly Statement[] {
  const result = lock.safeParse(parseStrictJson(bytes, { maxBytes: 16_777_216, maxDepth: 4 }));
  if (result.success) return result.data.blocks;
  const remedy = 'Write it with `npm run statements`.';
  throw new CodedError('statements.invalid', 'the lock of public text does not match its schema', remedy);
}

/** Returns the probes that the claims of public text name, themselves or by one of their drills, in order. */
export function probesNamed(
  statements: readonly Statement[],
  { claims }: Pick<Claims, 'claims'>,
): readonly string[] {
  const ids = statements.flatMap(({ is }) => (is.startsWith('claim: ') ? is.slice(7).split(', ') : []));
  const named = claims.filter(({ guard }) => ids.some((id) => id === guard || id.startsWith(`${guard}/`)));
  return named.map(({ guard }) => guard).toSorted();
}

/** Returns claims whose row `row` rests on the probes that public text names. */
export function restOnText(claims: Claims, row: string, statements: readonly Statement[]): Claims {
  const rest = (dimension: Dimension): Dimension =>
    dimension.id === row ? { ...dimension, restsOn: probesNamed(statements, claims) } : dimension;
  return { ...claims, dimensions: claims.dimensions.map(rest) };
}
