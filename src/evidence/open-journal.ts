// Opening a journal: from where the last seal says that it stands, or, where nothing says so, from its first line on. What
// a crash tore is kept, put aside and recorded. A journal that is not what its checkpoint says is never continued.
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ADOPTION_CODE } from './adopted.ts';
import { parseCheckpoint, signedBy, type TreeHead } from './checkpoint.ts';
import { CodedError, errnoOf } from './coded-error.ts';
import {
  isOwnDirectory,
  makeDirectory,
  readBounded,
  removeDrafts,
  replaceFile,
  syncDirectory,
  whyOf,
} from './files.ts';
import { decodeHeads, type Head } from './head.ts';
import { IdWindow, KEPT_IDS } from './id-window.ts';
import { processIdentity } from './identity.ts';
import { appendAny, Journal } from './journal.ts';
import {
  fail,
  HEAD_FILE,
  LOCK_NAME,
  readCheckpoint,
  readSegment,
  readStart,
  segmentName,
  segmentsIn,
} from './journal-files.ts';
import type { NoteSigner } from './keys.ts';
import { lastLines } from './last-lines.ts';
import { readId } from './line.ts';
import { acquireLock, type Lock } from './lock.ts';
import { isLastEntry, rootOfEdge } from './merkle.ts';
import { native } from './native.ts';
import type { RepairDraft, Subject } from './record.ts';
import { beginning, LineScanner, type ScanStart } from './scan.ts';
import { Sealer } from './sealer.ts';
import { Segment } from './segment.ts';
import { sha256Hex } from './sha256.ts';
import { decodeStart } from './start.ts';
import { riseAbove, uuidv7 } from './uuid.ts';

/** Side files for torn tails: this, the number of lines before the tear, and the start of the tail's SHA-256. */
const TORN_PREFIX = 'torn-';
/** A side file that no record names yet. */
const UNRECORDED = '.unrecorded';
const TAIL = 'journal-tail';

/** 64 MiB: small enough to look through, large enough that closed files stay few. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Longest tail that is set aside whole, in bytes; no more than one file of lines holds. */
const MAX_TORN_BYTES = 2 * SEGMENT_BYTES;

export interface JournalOptions {
  /** Holds the files of lines, head, checkpoint and the lock. Made with mode 0700 when absent. */
  readonly directory: string;
  /**
   * Signs the checkpoints. Without one the journal is unsigned, and what it holds is advisory. A function is asked once this
   * process is the only writer: a key that was read before may have been rotated since.
   */
  readonly signer?: NoteSigner | (() => Promise<NoteSigner>);
  /** How long to wait for another writer to finish, in milliseconds. Default 10,000. */
  readonly lockWaitMs?: number;
  /** A file of lines is closed at the first seal at which it has this many bytes. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Told once when seals begin to fail. Appends are refused as well until one succeeds. */
  readonly onSealFailed?: (error: CodedError) => void;
}

/**
 * Opens the journal in `directory` for this process alone. What an earlier writer left after its last seal is verified
 * first; what is sealed is verified by `verifyJournal`, not here, so that opening costs the same whatever the history. A
 * tail cut off by a crash is moved to a side file, and lines that no checkpoint covers are marked as such; both repairs
 * are records themselves.
 *
 * @throws CodedError `journal.locked`, `journal.unsafe-directory`, `journal.tampered`, `journal.foreign-key`,
 * `journal.write-failed`; `checkpoint.malformed`, `checkpoint.bad-signature`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  try {
    return await openDirectory(options);
  } catch (error) {
    if (error instanceof CodedError && !error.code.startsWith('read.')) throw error;
    const message = `the journal could not be opened (${whyOf(error)})`;
    const remedy = 'Name a directory of your own on a disk that has space.';
    throw fail('journal.write-failed', message, remedy, error);
  }
}

async function openDirectory(options: JournalOptions): Promise<Journal> {
  const { directory, lockWaitMs = 10_000 } = options;
  await makeDirectory(directory);
  if (!(await isOwnDirectory(directory))) {
    const remedy = 'Use a real directory of your own that nobody else can write to (chmod 0700).';
    throw fail('journal.unsafe-directory', 'others could replace files in the journal directory', remedy);
  }
  const lock = await acquireLock(join(directory, LOCK_NAME), lockWaitMs, 'journal.locked');
  let segment: Segment | undefined;
  try {
    await removeDrafts(directory, () => true);
    const start = decodeStart((await readStart(directory)) ?? '');
    const firsts = (await segmentsIn(directory)).filter((first) => first >= (start?.edge.size ?? 0));
    segment = await Segment.open(directory, firsts.at(-1) ?? start?.edge.size ?? 0);
    const { signer } = options;
    const key = typeof signer === 'function' ? await signer() : signer;
    return await continueJournal(options, key, lock, segment, firsts, start);
  } catch (error) {
    await segment?.close();
    await lock.release();
    throw error;
  }
}

const REMEDY = 'Run `guardrails verify`, keep the directory as it is for investigation, and start a new one.';
const tampered = (what: string): CodedError =>
  fail('journal.tampered', `the journal was changed: ${what}`, REMEDY);

async function continueJournal(
  { directory, segmentBytes = SEGMENT_BYTES, onSealFailed }: JournalOptions,
  signer: NoteSigner | undefined,
  lock: Lock,
  segment: Segment,
  firsts: readonly number[],
  begin: ScanStart | undefined,
): Promise<Journal> {
  const note = await readCheckpoint(directory);
  const signed = note === undefined ? undefined : requireOwn(note, signer);
  const sealed = signed?.size ?? 0;
  const head = signed && (await provenHead(directory, signed));
  const scanner = await scanOn(directory, firsts, head ?? begin ?? beginning(), signed);
  const { tree } = scanner;
  if (tree.size < sealed) throw tampered(lineOf(scanner, `line ${tree.size + 1} is missing`));
  if (scanner.problem || scanner.torn.length > 0) await setAside(directory, segment, scanner);
  riseAbove(scanner.ids.newest);

  const start = { edge: tree.edge(), prev: scanner.head, ids: scanner.ids };
  const origin =
    signed?.origin ?? `agilab-guardrails/${processIdentity().host}/${signer?.hash ?? 'unsigned'}`;
  const sealer = signer && new Sealer(directory, origin, signer, { size: sealed, note });
  const journal = new Journal({
    directory,
    segment,
    lock,
    start,
    sealer,
    signer,
    segmentBytes,
    onSealFailed,
  });
  // First, and in one group with the record that opens the run: no seal covers these lines and not what is said of them.
  const adopted = signer ? start.edge.size - sealed : 0;
  if (adopted > 0) {
    const reason = `${adopted} lines were found that no checkpoint covers`;
    const subject = { kind: 'journal-lines', name: `${sealed}-${start.edge.size - 1}` };
    await appendAny(journal, repair(ADOPTION_CODE, reason, subject), '');
  }
  const tails = await recordTails(directory, journal);
  // At once: else a writer that is killed again and again would leave a longer tail each time.
  if (tails + adopted > 0) await journal.checkpoint();
  return journal;
}

function requireOwn(note: string, signer: NoteSigner | undefined): TreeHead {
  const checkpoint = parseCheckpoint(note);
  if (signer && signedBy(checkpoint, [signer], native)) return checkpoint.claimed;
  const remedy =
    'Put the key back that sealed it. Where that is gone, run `guardrails verify`, move the directory away as it is, and start a new one.';
  throw fail('journal.foreign-key', 'the journal was sealed by another key than the one given', remedy);
}

/** Returns where the last seal left the journal, if the head file says so and the checkpoint and the last line bear it out. */
async function provenHead(
  directory: string,
  { size, root }: TreeHead,
): Promise<(Head & ScanStart) | undefined> {
  const content = await readBounded(join(directory, HEAD_FILE), { maxBytes: 65_536 }).catch(
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
      throw error;
    },
  );
  for (const head of decodeHeads(content.toString('utf8'))) {
    const { tree, segment, offset, idFloor } = head;
    if (tree.size !== size || !Buffer.from(rootOfEdge(native.sha256, tree.edge)).equals(root)) continue;
    const lines = await lastLines(directory, KEPT_IDS, segment, offset);
    const line = lines.at(-1);
    if (!line || !isLastEntry(native.sha256, line, tree)) continue;
    const ids = new IdWindow(idFloor);
    for (const each of lines) ids.add(readId(each) ?? '');
    return { ...head, edge: tree, prev: native.sha256Hex(line), ids };
  }
  return undefined;
}

/** Reads what comes after a proven head, or everything that is there, and makes sure that it agrees with the checkpoint. */
async function scanOn(
  directory: string,
  firsts: readonly number[],
  from: ScanStart & Partial<Head>,
  signed: TreeHead | undefined,
): Promise<LineScanner> {
  const { segment = 0, offset = 0 } = from;
  const proven = from.segment !== undefined;
  let root = from.edge.size === signed?.size ? rootOfEdge(native.sha256, from.edge.edge) : undefined;
  const scanner = new LineScanner(native, from, () => {
    if (scanner.tree.size === signed?.size) root = scanner.tree.root();
  });
  for (const first of firsts.filter((each) => each >= segment)) {
    // Files are closed at a seal, whole: whatever is wrong before the last one was done to it later.
    const begun = first === segment ? offset : 0;
    if (begun === 0 && (first !== scanner.tree.size || scanner.torn.length > 0 || scanner.problem))
      throw tampered(lineOf(scanner, `the lines before line ${first + 1} are not those that were signed`));
    scanner.beginFile(begun);
    for await (const chunk of readSegment(join(directory, segmentName(first)), begun)) scanner.push(chunk);
  }
  const reached = signed !== undefined && signed.size > 0 && scanner.tree.size >= signed.size;
  if (reached && !proven && !(root && Buffer.from(root).equals(signed.root)))
    throw tampered('the lines are not those that were signed');
  return scanner;
}

const lineOf = ({ problem }: LineScanner, otherwise: string): string =>
  problem?.line === undefined ? otherwise : `line ${problem.line} ${problem.message}`;

/** Keeps what comes after the last good line in a side file, then ends the journal there. */
async function setAside(
  directory: string,
  segment: Segment,
  { tree, goodBytes: keep }: LineScanner,
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of readSegment(segment.path, keep)) pieces.push(piece);
  const torn = Buffer.concat(pieces);
  if (torn.length > MAX_TORN_BYTES) throw tampered('the tail is longer than any writer leaves it');
  const digest = sha256Hex(torn).slice(0, 16);
  await replaceFile(join(directory, `${TORN_PREFIX}${tree.size}-${digest}${UNRECORDED}`), torn);
  await segment.cut(keep);
}

/** Records the side files that no record names: the one just made, and one whose record a second crash prevented. */
async function recordTails(directory: string, journal: Journal): Promise<number> {
  const names = (await readdir(directory)).filter(
    (name) => name.startsWith(TORN_PREFIX) && name.endsWith(UNRECORDED),
  );
  for (const side of names.sort()) {
    const path = join(directory, side);
    const name = side.slice(0, -UNRECORDED.length);
    const torn = await readBounded(path, { maxBytes: MAX_TORN_BYTES });
    const digest = `sha256:${sha256Hex(torn)}`;
    const reason = `${torn.length} bytes after the last good line were set aside: a crash left them, or somebody added them`;
    await appendAny(journal, repair('journal.torn-tail', reason, { kind: TAIL, name, digest }), '');
    await rename(path, join(directory, name));
    await syncDirectory(directory);
  }
  return names.length;
}

function repair(code: string, reason: string, subject: Subject): RepairDraft {
  return { id: uuidv7(), mode: 'repair', codes: [code], reason, subject };
}
