// Reads a journal as an auditor does: believes nothing that the bytes, the chain, the checkpoint and the pinned key
// do not bear out, and names the first line where they stop doing so. Reads each line once and keeps none unless asked
// to, so that a journal of any length can be verified. Runs anywhere.
import { adoptedRanges, countOf, type LineRange, membership } from './adopted.ts';
import { toHex, utf8 } from './bytes.ts';
import { type Checkpoint, parseCheckpoint, signersOf, type TreeHead } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { parseNoteKey } from './note-key.ts';
import { type JournalFiles, type Pass, type PassOptions, passOver } from './pass.ts';
import type { Pin } from './pin.ts';
import { type Primitives, portable } from './primitives.ts';
import { checkConsistency } from './proof.ts';
import { Revocations, type SeenHead, sharingRevocations } from './revocation.ts';
import { followRotations, outsideValidity, parseRotations, type Trusted } from './rotation.ts';
import type { JournalProblem } from './scan.ts';
import { decodeStart } from './start.ts';
import { type JournalVerdict, linesOf } from './verdict.ts';

export interface VerifyOptions extends PassOptions {
  readonly pins: readonly Pin[];
  /**
   * An earlier checkpoint of this journal, kept elsewhere: catches rollback and deletion. The lines that it covers are
   * vouched for, also where the journal's own checkpoint is lost. Several are all held against the journal; one that was
   * seen before its key was revoked keeps what it covers believed.
   */
  readonly previous?: string | readonly (string | SeenHead)[] | undefined;
  /** Milliseconds since 1970, for what is still being written. Default: now. */
  readonly now?: number;
}

/** What is not yet sealed is at most this old beside a writer that seals each second, in milliseconds. */
const LIVE_MS = 5_000;

const [WRONG_PRODUCER, OUTSIDE_VALIDITY] = ['journal.wrong-producer', 'journal.outside-validity'];
const OF_PRODUCERS = new Set([WRONG_PRODUCER, OUTSIDE_VALIDITY]);

const isSameRange = (a: LineRange, b: LineRange | undefined): boolean =>
  a.first === b?.first && a.last === b.last;

/** A checkpoint, and who of the trusted keys signed it: two at a rotation. */
interface Head {
  readonly checkpoint: Checkpoint;
  readonly signers: readonly Trusted[];
}

function headOf(checkpoint: Checkpoint, trusted: readonly Trusted[], primitives: Primitives): Head {
  const keys = signersOf(
    checkpoint,
    trusted.map((each) => each.key),
    primitives,
  );
  return { checkpoint, signers: trusted.filter(({ key }) => keys.includes(key)) };
}

/** What `work` returns, or what it finds malformed. */
function attempt<T>(work: () => T): {
  readonly value: T | undefined;
  readonly problem: JournalProblem | undefined;
} {
  try {
    return { value: work(), problem: undefined };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { value: undefined, problem: { code: error.code, message: error.message } };
  }
}

function requireSigned(head: Head): Head {
  if (head.signers.length > 0) return head;
  throw new CodedError(
    'checkpoint.unpinned',
    'the previous checkpoint is not signed by a pinned key',
    'Pin the key that signed it, or take the previous checkpoint from where you keep your copies.',
  );
}

/** Whether a proof shows that a journal extends an earlier head which ends among the lines that were retired. */
async function isGrown(
  before: TreeHead,
  checkpoint: Checkpoint | undefined,
  { growth }: JournalFiles,
  { sha256 }: Primitives,
): Promise<boolean> {
  if (growth === undefined || checkpoint === undefined) return false;
  const { size, root } = checkpoint.claimed;
  const path = await growth(before.size, size).catch(() => undefined);
  return path !== undefined && checkConsistency(sha256, before.size, before.root, size, root, path);
}

/** Why a journal of `size` lines does not extend an earlier head of it; `undefined` when it does. */
function historyProblem(
  before: TreeHead,
  checkpoint: Checkpoint | undefined,
  size: number,
  root: string | undefined,
  retired: 'no' | 'proven' | 'unproven',
  isSeen: boolean,
): JournalProblem | undefined {
  const code = 'journal.rolled-back';
  if (checkpoint && before.origin !== checkpoint.claimed.origin)
    return isSeen
      ? { code, message: 'the key that seals it has sealed another journal, which was seen before' }
      : { code: 'journal.foreign-origin', message: 'the previous checkpoint is of another journal' };
  if (retired === 'proven') return undefined;
  if (retired === 'unproven') {
    const message = 'was retired, and no tiles show that the journal extends the earlier checkpoint';
    return { code, line: before.size, message };
  }
  if (size < before.size)
    return { code, line: size + 1, message: `is missing: ${before.size} lines were pinned` };
  if (root === toHex(before.root)) return undefined;
  return { code, line: before.size, message: 'or the chain up to it is not what was pinned' };
}

/** Whether a sealed record, on no adopted line, says that the lines before the start were retired. */
function isRetired(
  start: string,
  begin: number,
  { retirements, statements }: Pass,
  covered: number,
  { sha256Hex }: Primitives,
): boolean {
  const digest = sha256Hex(utf8(start));
  const isAdopted = membership(adoptedRanges(statements, covered));
  const said = retirements.filter(({ seq }) => seq < covered && !isAdopted(seq));
  return begin > 0 && said.some((each) => each.digest === digest);
}

/** Why the lines up to position `end` cannot be those of the machine and the time that the key is pinned for. */
function producerProblems(
  signer: Trusted,
  end: number,
  { producers, times }: Pass,
): readonly JournalProblem[] {
  const problems: JournalProblem[] = [];
  const stranger = producers.firstStranger(signer.pin);
  if (stranger !== undefined) {
    const message = 'comes from a host that the key is not pinned for';
    problems.push({ code: WRONG_PRODUCER, line: stranger + 1, message });
  }
  const outside = outsideValidity(signer, end, times);
  if (outside !== undefined) {
    const message = 'or a later one is dated outside of the time that the key is pinned for';
    problems.push({ code: OUTSIDE_VALIDITY, line: outside + 1, message });
  }
  return problems;
}

/**
 * Returns what may be believed of a journal. Never throws on bad bytes: they are the finding. Leaves the event loop free
 * for others in between.
 *
 * @throws CodedError `key.malformed`, `key.small-order`: a pin is no key.
 * @throws CodedError `checkpoint.malformed`, `checkpoint.unpinned`: `previous` is no checkpoint under a pinned key.
 */
export async function verifyJournal(files: JournalFiles, options: VerifyOptions): Promise<JournalVerdict> {
  const verdict = await judgeJournal(files, options, []);
  const { adopted, size, root, unsealed } = verdict;
  const nobodys = [
    ...adopted,
    ...(unsealed.open > 0 ? [{ first: size - unsealed.open, last: size - 1 }] : []),
  ];
  if (nobodys.length === 0 || !verdict.problems.some(({ code }) => OF_PRODUCERS.has(code))) return verdict;
  // A line that was appended without the key may name any machine and any time, and takes belief from no other.
  const others = await judgeJournal(files, options, nobodys);
  const isSame =
    others.size === size &&
    others.root === root &&
    others.adopted.length === adopted.length &&
    adopted.every((range, at) => isSameRange(range, others.adopted[at]));
  return isSame ? others : verdict;
}

/** As {@link verifyJournal}; what the lines of `nobodys` say of machines and times is left out. */
async function judgeJournal(
  files: JournalFiles,
  options: VerifyOptions,
  nobodys: readonly LineRange[],
): Promise<JournalVerdict> {
  const { primitives = portable, now = Date.now() } = options;
  const pinned = sharingRevocations(
    options.pins.map((pin): Trusted => ({ pin, key: parseNoteKey(pin.vkey), since: 0 })),
  );
  // Largest first: it vouches for the most.
  const seen = new Map<Checkpoint, number>();
  const earlier = [options.previous ?? []]
    .flat()
    .map((each) => {
      const checkpoint = parseCheckpoint(typeof each === 'string' ? each : each.checkpoint);
      if (typeof each !== 'string') seen.set(checkpoint, each.seen);
      return checkpoint;
    })
    .sort((a, b) => b.claimed.size - a.claimed.size);
  const { checkpoint: note } = files;
  const own = attempt(() => (note === undefined ? undefined : parseCheckpoint(note)));
  const rotations = parseRotations(files.rotations ?? []);
  // Where the journal's own checkpoint is lost, the earlier one vouches for as much as it covers.
  const newest = own.value ?? earlier[0];
  const covered = newest?.claimed.size ?? 0;
  const sizes = [newest, ...earlier, ...rotations].flatMap((each) => each?.claimed.size ?? []);
  const pass = await passOver(files, { sizes: new Set(sizes), covered, nobodys }, options);
  const { scanner, rootAt, times } = pass;
  const size = scanner.lines;
  const begin = decodeStart(files.start ?? '')?.edge.size ?? 0;

  const revocations = new Revocations(now, pinned, primitives, seen);
  const followed = followRotations(pinned, rotations, pass, revocations, primitives);
  const trusted = followed.filter(({ pin }) => !revocations.isRevoked(pin));
  // Kept by the caller before: they show a rollback whatever became of the key since.
  const earlierHeads = earlier.map((each) => requireSigned(headOf(each, followed, primitives)));
  const head = attempt(() => newest && headOf(newest, trusted, primitives));
  const current = head.value !== undefined && head.value.signers.length > 0;
  const anyones = attempt(() => newest && headOf(newest, followed, primitives)).value;
  // Of a revoked key the largest head that was there before: what it covers stays, what came after is anybody's.
  const believed = current
    ? head.value
    : [anyones ?? [], ...earlierHeads]
        .flat()
        .sort((a, b) => b.checkpoint.claimed.size - a.checkpoint.claimed.size)
        .filter(({ checkpoint: { claimed } }) => rootAt.get(claimed.size) === toHex(claimed.root))
        .map(({ checkpoint, signers }) => ({
          checkpoint,
          signers: signers.filter(({ pin }) => revocations.precedes(checkpoint, pin)),
        }))
        .find(({ signers }) => signers.length > 0);
  const sealed = believed?.checkpoint.claimed.size ?? covered;
  const answers = (believed?.signers ?? []).map((each) => ({
    signer: each,
    faults: producerProblems(each, sealed, pass),
  }));
  // Of several keys that vouch for the same lines, one that may is enough.
  const { signer, faults = [] } = answers.find((each) => each.faults.length === 0) ?? answers[0] ?? {};

  const problems = [own.problem, head.problem, scanner.problem].flatMap((problem) => problem ?? []);
  const found = (code: string, line: number, message: string): void =>
    void problems.push({ code, line, message });
  if (scanner.torn.length > 0) found('journal.torn-tail', size + 1, 'was cut off before its end');
  if (own.value) {
    if (size < covered) found('journal.missing-lines', size + 1, `is missing: ${covered} lines were signed`);
    else if (!scanner.problem && rootAt.get(covered) !== toHex(own.value.claimed.root))
      found('journal.rewritten', covered, 'or the whole chain up to it is not what was signed');
  }
  const breaks: JournalProblem[] = [];
  for (const { checkpoint } of earlierHeads) {
    const { claimed } = checkpoint;
    const isGone = claimed.size < begin;
    const proven = isGone && (await isGrown(claimed, own.value, files, primitives));
    const retired = isGone ? (proven ? 'proven' : 'unproven') : 'no';
    const root = rootAt.get(claimed.size);
    const problem = historyProblem(claimed, own.value, size, root, retired, seen.has(checkpoint));
    if (problem) breaks.push(problem);
  }
  problems.push(...breaks, ...faults);
  if (files.start !== undefined && !isRetired(files.start, begin, pass, sealed, primitives)) {
    found(
      'journal.missing-segment',
      1,
      'and more are missing, and no sealed record says that they were retired',
    );
  }
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));

  const open = Math.max(0, size - Math.max(sealed, begin));
  const ranges = adoptedRanges(pass.statements, sealed);
  const { keepLines } = options;
  // Records were let go for later ones, of which some turn out not to be sealed: this time all are kept.
  if (pass.condensed && typeof keepLines === 'object' && (sealed !== covered || ranges.length > 0)) {
    const all = { modes: keepLines.modes, condense: (records: Pass['records']) => records };
    return await judgeJournal(files, { ...options, keepLines: all }, nobodys);
  }
  const openSince = times.between(covered, Number.POSITIVE_INFINITY)?.earliest;
  const live = current && openSince !== undefined && Math.abs(now - Date.parse(openSince)) <= LIVE_MS;
  const vouched = signer !== undefined && ranges.length === 0;
  const state =
    problems.length > 0 ? 'broken' : vouched && open === 0 ? 'sealed' : vouched && live ? 'live' : 'adopted';
  const key = current
    ? 'pinned'
    : signer
      ? 'witnessed'
      : anyones && anyones.signers.length > 0
        ? 'revoked'
        : 'unpinned';
  return {
    state,
    ok: state === 'sealed',
    problems,
    key: newest ? key : 'unsigned',
    ...(signer ? { signer: signer.key.vkey } : {}),
    history: earlier.length === 0 ? 'first-seen' : breaks.length > 0 ? 'broken' : 'extends',
    origin: newest?.claimed.origin,
    size,
    unsealed: { open, adopted: countOf(ranges) },
    adopted: ranges,
    clockBack: { times: times.back, ...(times.backLine === undefined ? {} : { line: times.backLine }) },
    root: toHex(scanner.tree.root()),
    lines: problems.length > 0 ? [] : await linesOf(pass.records, sealed, ranges, options.signal),
  };
}
