// The look at somebody else's repository: a bounded walk that follows no link, and what each artefact on the way shows. It is
// read as hostile, and nothing of it is executed.
import { opendir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { openEnvelope } from '../evidence/dsse.ts';
import { readBounded } from '../evidence/files.ts';
import { parseVerifierKey } from '../evidence/keys.ts';
import type { Pin } from '../evidence/pin.ts';
import { verifyDirectory } from '../evidence/verify-native.ts';
import { shownPath } from '../guards/shown-path.ts';
import { supplyChain } from '../guards/supply-chain/supply-chain.ts';
import { judge } from '../kernel/enforce.ts';
import type { GradingContext } from '../scorecard/age.ts';
import { IN_TOTO } from '../scorecard/baseline.ts';
import type { Claims } from '../scorecard/claims.ts';
import { drillIds, proofOf } from '../scorecard/gap-proof.ts';
import { gradeDimensions } from '../scorecard/grade.ts';
import { type Gap, parseRegister } from '../scorecard/register.ts';
import type { Shown, Words } from '../scorecard/repository.ts';
import { otherThanCommit } from './checked-out.ts';
import { judgeStatement } from './repository-statement.ts';

const MAX_ENTRIES = 500_000;
const MAX_DEPTH = 40;
const MAX_BYTES = 16 * 1024 * 1024;
/** Of one kind; a repository with more is asked to say which. */
const MAX_ARTEFACTS = 200;

const SUPPLY = 'architecture_supply_chain_release_proof';
const REGISTER = 'architecture_hardening_gap_register';

type Kind = 'journal' | 'statement' | 'sbom' | 'register' | 'result' | 'workflow' | 'test' | 'document';

/** The first that fits a path. Where a file lies says what it claims to be; what it is, only its content. */
const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ['journal', /(?:^|\/)journal-\d{12}\.jsonl$/],
  ['statement', /\.(?:intoto\.jsonl?|dsse(?:\.json)?|sigstore(?:\.json)?)$/],
  ['sbom', /(?:\.cdx\.json|(?:^|\/)s?bom[^/]*\.json)$/i],
  ['register', /(?:^|\/)[^/]*hardening[-_]gaps[^/]*\.json$/],
  ['result', /(?:\.sarif|(?:^|\/)junit[^/]*\.xml|(?:^|\/)coverage[^/]*\.(?:xml|json)|(?:^|\/)lcov\.info)$/i],
  ['workflow', /^\.github\/workflows\/[^/]+\.ya?ml$/],
  ['test', /(?:^|\/)tests?\/.*\.\w+$/],
  ['document', /\.(?:md|rst)$/i],
];

interface Found {
  /** Paths by their kind, in their order: the same repository reads the same everywhere. */
  readonly paths: ReadonlyMap<Kind, readonly string[]>;
  /** Directories below it that could not be read. */
  readonly unread: number;
}

/** @throws CodedError `repository.too-large`, `repository.unreadable`. */
async function walk(root: string): Promise<Found> {
  const found = new Map<Kind, string[]>();
  let entries = 0;
  let unread = 0;
  const visit = async (below: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) return; // nothing that counts lies so deep
    for await (const entry of await opendir(join(root, below))) {
      if (++entries > MAX_ENTRIES)
        throw new CodedError(
          'repository.too-large',
          `it has more than ${MAX_ENTRIES} entries`,
          'Name a part of it.',
        );
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== '.git' && entry.name !== 'node_modules')
        await visit(path, depth + 1).catch(passOver);
      if (!entry.isFile()) continue;
      const kind = KINDS.find(([, pattern]) => pattern.test(path))?.[0];
      if (!kind) continue;
      const paths = found.get(kind);
      if (paths) paths.push(path);
      else found.set(kind, [path]);
    }
  };
  const passOver = (error: unknown): void => {
    if (error instanceof CodedError) throw error;
    unread++; // closed to this user, or named in no text that this system knows
  };
  try {
    await visit('', 0);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const why = `the repository could not be looked through (${errnoOf(error)})`;
    throw new CodedError('repository.unreadable', why, 'Name a directory that this user can read.', {
      cause: error,
    });
  }
  for (const paths of found.values()) paths.sort();
  return { paths: found, unread };
}

interface Look {
  readonly root: string;
  readonly pins: readonly Pin[];
  readonly claims: Claims;
  readonly context: GradingContext;
}

const read = (root: string, path: string): Promise<Buffer> =>
  readBounded(join(root, path), { maxBytes: MAX_BYTES });

/** What kept an artefact from counting, in our own words. */
const whyNot = (error: unknown): string => (error instanceof CodedError ? error.code : errnoOf(error));

async function journal(path: string, { root, pins, claims, context }: Look): Promise<readonly Shown[]> {
  const verdict = await verifyDirectory(join(root, dirname(path)), { pins });
  // Whoever recorded it, it was not this host in this call.
  const elsewhere = { ...context, machine: 'unknown', boot: 'unknown', host: '' };
  return gradeDimensions(verdict, claims, elsewhere).map(({ dimension, grade, why }) => ({
    row: dimension.id,
    grade: grade === 'E3' || grade === 'E4' ? 'E2' : grade,
    path: shownPath(dirname(path)),
    why,
  }));
}

async function statement(
  path: string,
  { root, pins, context: { now } }: Look,
  otherThan: (commit: string) => Promise<string | false>,
): Promise<readonly Shown[]> {
  const keys = pins.map(({ vkey }) => parseVerifierKey(vkey));
  const { payload, signers } = openEnvelope(await read(root, path), IN_TOTO, keys, MAX_BYTES);
  const shown = await judgeStatement(payload, { root, now, signed: signers.length > 0, otherThan });
  return [{ row: SUPPLY, path: shownPath(path), ...shown }];
}

async function sbom(path: string, { root }: Look): Promise<readonly Shown[]> {
  const lock = { kind: 'npm', path: 'package-lock.json' } as const;
  const { decision, codes } = await judge(supplyChain, { root, lock, sbom: path, reports: 'none' });
  const why =
    decision === 'allow' ? 'it lists what the lock pins, both ways' : `refused: ${codes[0] ?? decision}`;
  return [{ row: SUPPLY, grade: decision === 'allow' ? 'E1' : 'E0', path: shownPath(path), why }];
}

function register(path: string, gaps: readonly Gap[], { claims }: Look): readonly Shown[] {
  const drills = drillIds(claims);
  const bare = gaps.find(
    (gap) =>
      gap.owner === undefined || (gap.status === 'shipped' && typeof proofOf(gap, drills) === 'string'),
  );
  const why = bare
    ? 'its evidence is sentences, or drills that nobody claims'
    : 'it names drills for everything that it calls shipped';
  return [{ row: REGISTER, grade: bare ? 'E0' : 'E1', path: shownPath(path), why }];
}

/** What was found in a repository: what each artefact shows, the words beside them, and the gaps it registers. */
export interface RepositoryLook {
  readonly shown: readonly Shown[];
  readonly words: Words;
  /** Those of each register in it. */
  readonly registers: readonly (readonly Gap[])[];
}

/**
 * Looks at a repository. What cannot be read as what its name says is E0 and says why.
 *
 * @throws CodedError `repository.*`.
 */
export async function lookAtRepository(look: Look): Promise<RepositoryLook> {
  const { paths: found, unread } = await walk(look.root);
  const of = (kind: Kind): readonly string[] => (found.get(kind) ?? []).slice(0, MAX_ARTEFACTS);
  const shown: Shown[] = [];
  const add = async (row: string, path: string, work: () => Promise<readonly Shown[]>): Promise<void> => {
    try {
      shown.push(...(await work()));
    } catch (error) {
      shown.push({ row, grade: 'E0', path: shownPath(path), why: `it could not be used (${whyNot(error)})` });
    }
  };
  const journals = new Map(of('journal').map((path) => [dirname(path), path]));
  for (const path of journals.values())
    await add('architecture_runtime_guardrails', path, () => journal(path, look));
  const statements = new Set(found.get('statement'));
  let other: Promise<string | false> | undefined; // of the one commit that is checked out: compared once, where it is named
  const otherThan = (commit: string): Promise<string | false> => {
    other ??= otherThanCommit(look.root, commit, statements);
    return other;
  };
  for (const path of of('statement')) await add(SUPPLY, path, () => statement(path, look, otherThan));
  for (const path of of('sbom')) await add(SUPPLY, path, () => sbom(path, look));
  const registers: (readonly Gap[])[] = [];
  for (const path of of('register'))
    await add(REGISTER, path, async () => {
      const parsed = parseRegister(await read(look.root, path));
      registers.push(parsed.gaps);
      return register(path, parsed.gaps, look);
    });
  for (const path of of('result'))
    shown.push({
      row: SUPPLY,
      grade: 'E0',
      path: shownPath(path),
      why: `${basename(path).includes('.sarif') ? 'results' : 'a report'} without a signature: a file that says pass`,
    });
  const count = (kind: Kind): number => found.get(kind)?.length ?? 0;
  const words = { workflows: count('workflow'), tests: count('test'), documents: count('document'), unread };
  return { shown, words, registers };
}
