// The look at somebody else's repository: a bounded walk that follows no link, and what each artefact on the way shows. It is
// read as hostile, and nothing of it is executed.
import { opendir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { openEnvelope } from '../evidence/dsse.ts';
import { readBounded } from '../evidence/files.ts';
import { parseVerifierKey } from '../evidence/keys.ts';
import type { Pin } from '../evidence/pin.ts';
import { portable } from '../evidence/primitives.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { verifyDirectory } from '../evidence/verify-native.ts';
import { supplyChain } from '../guards/supply-chain/supply-chain.ts';
import { judge } from '../kernel/enforce.ts';
import type { GradingContext } from '../scorecard/age.ts';
import { IN_TOTO } from '../scorecard/baseline.ts';
import type { Claims } from '../scorecard/claims.ts';
import { drillIds, proofOf } from '../scorecard/gap-proof.ts';
import { gradeDimensions } from '../scorecard/grade.ts';
import { type Gap, parseRegister } from '../scorecard/register.ts';
import type { Shown, Words } from '../scorecard/repository.ts';

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

/** Names come from the repository: only what is plainly a name is repeated. */
const shownPath = (path: string): string =>
  /^[\w@./+ -]{1,300}$/.test(path) ? path : 'a file with an odd name';

/** @throws CodedError `repository.too-large`, `repository.unreadable`. */
async function walk(root: string): Promise<ReadonlyMap<Kind, readonly string[]>> {
  const found = new Map<Kind, string[]>();
  let entries = 0;
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
        await visit(path, depth + 1);
      if (!entry.isFile()) continue;
      const kind = KINDS.find(([, pattern]) => pattern.test(path))?.[0];
      if (kind) found.set(kind, [...(found.get(kind) ?? []), path]);
    }
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
  return found;
}

interface Look {
  readonly root: string;
  readonly pins: readonly Pin[];
  readonly claims: Claims;
  readonly context: GradingContext;
}

const read = (root: string, path: string): Promise<Buffer> =>
  readBounded(join(root, path), { maxBytes: MAX_BYTES });

/** Reads a file that a statement names: no directory on the way may be a link that leads out. */
async function readInside(root: string, name: string): Promise<Buffer> {
  const [top, folder] = await Promise.all([realpath(root), realpath(dirname(join(root, name)))]);
  if (folder !== top && !folder.startsWith(`${top}/`))
    throw new CodedError('repository.outside', 'it lies outside of the repository', 'Name a file in it.');
  return await read(root, name);
}

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

async function statement(path: string, { root, pins }: Look): Promise<readonly Shown[]> {
  const shown = (grade: Shown['grade'], why: string): readonly Shown[] => [
    { row: SUPPLY, grade, path: shownPath(path), why },
  ];
  const keys = pins.map(({ vkey }) => parseVerifierKey(vkey));
  const { payload, signers } = openEnvelope(await read(root, path), IN_TOTO, keys, MAX_BYTES);
  const { subject } = parseStrictJson(payload, { maxBytes: MAX_BYTES, maxDepth: 32 }) as {
    subject?: unknown;
  };
  for (const each of Array.isArray(subject) ? subject : []) {
    const { name, digest } = each as { name?: unknown; digest?: { sha256?: unknown } };
    if (typeof name !== 'string' || !/^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\0]{1,1000}$/.test(name)) continue;
    const bytes = await readInside(root, name).catch(() => undefined);
    if (bytes && portable.sha256Hex(bytes) === digest?.sha256)
      return signers.length > 0
        ? shown('E2', 'a pinned key states the digest of a file that is here')
        : shown('E1', 'it states the digest of a file that is here, under no pinned key');
  }
  return shown('E0', 'it states the digest of nothing that is here');
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
  /** `undefined`: it registers none. */
  readonly gaps: readonly Gap[] | undefined;
}

/**
 * Looks at a repository. What cannot be read as what its name says is E0 and says why.
 *
 * @throws CodedError `repository.*`.
 */
export async function lookAtRepository(look: Look): Promise<RepositoryLook> {
  const found = await walk(look.root);
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
  for (const path of of('statement')) await add(SUPPLY, path, () => statement(path, look));
  for (const path of of('sbom')) await add(SUPPLY, path, () => sbom(path, look));
  let gaps: readonly Gap[] | undefined;
  for (const path of of('register'))
    await add(REGISTER, path, async () => {
      const parsed = parseRegister(await read(look.root, path));
      gaps ??= parsed.gaps;
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
  const words = { workflows: count('workflow'), tests: count('test'), documents: count('document') };
  return { shown, words, gaps };
}
