// What a statement in somebody's repository is worth. A signature says who states something, not that it is good news, about
// what is here, or still so: a failed test, an old release or another commit may be signed as well.
import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { readBounded } from '../evidence/files.ts';
import { sha256Hex } from '../evidence/sha256.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { STATEMENT_TYPE } from '../scorecard/baseline.ts';
import type { Shown } from '../scorecard/repository.ts';

const MAX_BYTES = 16 * 1024 * 1024;

type Predicate = Readonly<Record<string, unknown>>;

interface Kind {
  /** The statement is good news. */
  readonly passed: (predicate: Predicate) => boolean;
  /** The member that says when it was made. */
  readonly made?: string;
}

/** Kinds of statements (github.com/in-toto/attestation, slsa.dev) that can show something about a file. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['https://in-toto.io/attestation/test-result/v0.1', { passed: ({ result }) => result === 'PASSED' }],
  [
    'https://slsa.dev/verification_summary/v1',
    { passed: ({ verificationResult }) => verificationResult === 'PASSED', made: 'timeVerified' },
  ],
  [
    'https://in-toto.io/attestation/svr/v0.1',
    { passed: ({ properties }) => Array.isArray(properties) && properties.length > 0, made: 'timeCreated' },
  ],
  [
    'https://slsa.dev/provenance/v1',
    { passed: ({ buildDefinition }) => typeof buildDefinition === 'object' && buildDefinition !== null },
  ],
  ['https://in-toto.io/attestation/release/v0.1', { passed: ({ purl }) => typeof purl === 'string' }],
]);

const statement = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(z.object({ name: z.string().optional(), digest: z.record(z.string(), z.string()) }))
    .min(1)
    .max(64),
  predicateType: z.string(),
  predicate: z.record(z.string(), z.unknown()),
});

/** A clock may be this far ahead, in milliseconds. */
const CLOCK_SKEW_MS = 300_000;

/** Reads a file below the repository: no directory on the way may be a link that leads out. */
async function readInside(root: string, name: string): Promise<Buffer> {
  const [top, folder] = await Promise.all([realpath(root), realpath(dirname(join(root, name)))]);
  if (folder !== top && !folder.startsWith(`${top}/`))
    throw new CodedError('repository.outside', 'it lies outside of the repository', 'Name a file in it.');
  return await readBounded(join(root, name), { maxBytes: MAX_BYTES });
}

/** Returns the commit that .git says is checked out; `undefined` where it does not say so plainly. */
async function headOf(root: string): Promise<string | undefined> {
  const text = (path: string): Promise<string> =>
    readInside(root, `.git/${path}`).then(
      (bytes) => bytes.toString('latin1'),
      () => '',
    );
  const commitIn = (line: string): string | undefined => /^([0-9a-f]{40})\n?$/.exec(line)?.[1];
  const head = await text('HEAD');
  const ref = /^ref: (refs(?:\/(?!\.)[\w.-]+)+)\n?$/.exec(head)?.[1];
  if (ref === undefined) return commitIn(head);
  const packed = (await text('packed-refs')).split('\n').find((line) => line.slice(41) === ref);
  return commitIn(await text(ref)) ?? packed?.slice(0, 40);
}

/** A plain path below the repository. */
const isBelow = (name: string): boolean => /^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0]{1,1000}$/.test(name);

const moment = (value: unknown): number => (typeof value === 'string' ? Date.parse(value) : Number.NaN);

/** Why what is stated counts as nothing, whatever it is about; or `false`. */
function refused({ predicateType, predicate }: z.infer<typeof statement>, now: number): string | false {
  const kind = KINDS.get(predicateType);
  if (!kind) return 'it is of a kind that shows nothing here';
  if (!kind.passed(predicate)) return 'what it states is no success';
  const made = kind.made === undefined ? now : moment(predicate[kind.made]);
  if (!(made <= now + CLOCK_SKEW_MS)) return 'it does not say when it was made, or says a time to come';
  if ('expires' in predicate && !(moment(predicate['expires']) > now)) return 'it has expired';
  return false;
}

interface About {
  readonly root: string;
  readonly now: number;
  readonly signed: boolean;
  /** Why the files are not those of the commit that is checked out, or `false`. */
  readonly otherThan: (commit: string) => Promise<string | false>;
}

/**
 * Returns what the payload of an envelope shows of the repository below `root`.
 *
 * @throws CodedError `repository.statement`, `json.*`.
 */
export async function judgeStatement(
  payload: Uint8Array,
  { root, now, signed, otherThan }: About,
): Promise<Pick<Shown, 'grade' | 'why'>> {
  const parsed = statement.safeParse(parseStrictJson(payload, { maxBytes: MAX_BYTES, maxDepth: 32 }));
  if (!parsed.success)
    throw new CodedError('repository.statement', 'it is no in-toto statement, v1', 'Write it as one.');
  const why = refused(parsed.data, now);
  if (why !== false) return { grade: 'E0', why };
  let files = 0;
  let commit: string | undefined;
  for (const { name = '', digest } of parsed.data.subject) {
    if (digest['gitCommit'] !== undefined) {
      commit = digest['gitCommit'];
      if (commit !== (await headOf(root)))
        return { grade: 'E0', why: 'it is about another commit than is checked out here' };
    }
    const bytes = isBelow(name) ? await readInside(root, name).catch(() => undefined) : undefined;
    if (!bytes || digest['sha256'] === undefined) continue;
    if (sha256Hex(bytes) !== digest['sha256'])
      return { grade: 'E0', why: 'it states another digest of a file that is here' };
    files++;
  }
  if (files === 0 && commit === undefined)
    return { grade: 'E0', why: 'it states the digest of nothing that is here' };
  const other = commit !== undefined && (await otherThan(commit));
  if (other !== false) return { grade: 'E1', why: `it names the commit that is checked out, and ${other}` };
  const what =
    commit === undefined ? 'the digest of a file that is here' : 'the commit that all files here are of';
  return signed
    ? { grade: 'E2', why: `a pinned key states ${what}` }
    : { grade: 'E1', why: `it states ${what}, under no pinned key` };
}
