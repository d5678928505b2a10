// A record that proves itself on another machine (c2sp.org/tlog-proof): the line, its place in the tree, the hashes from
// there to the root, and the checkpoint that signs the root. Runs anywhere.
import { fromBase64, toBase64 } from './bytes.ts';
import { type Checkpoint, parseCheckpoint, signersOf } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { decodeLine } from './line.ts';
import { leafHash } from './merkle.ts';
import { type NoteKey, parseNoteKey } from './note-key.ts';
import { isRevoked, type Pin, validityOf } from './pin.ts';
import { type Primitives, portable } from './primitives.ts';
import { checkInclusion } from './proof.ts';
import type { EvidenceRecord } from './record.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 lines has no longer path. */
const MAX_HASHES = 63;
/** Longest proof: a line, its path and a checkpoint at their limits, in characters. */
const MAX_PROOF_LENGTH = 131_072;

/** A parsed proof. Nothing of it may be believed before {@link verifyProof} has returned. */
export interface TlogProof {
  /** The journal line, without newline. Not signed by itself: the path leads from its hash to the signed root. */
  readonly entry: Uint8Array;
  /** Position of the line, from 0. */
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The checkpoint, as it was found. */
  readonly note: string;
}

const malformed = (why: string): CodedError =>
  new CodedError(
    'proof.malformed',
    `the proof is malformed: ${why}`,
    'Make it anew with `guardrails prove`.',
  );

/** Returns the text of a proof. */
export function encodeProof({ entry, index, path, note }: TlogProof): string {
  const hashes = path.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${HEADER}\nextra ${toBase64(entry)}\nindex ${index}\n${hashes}\n${note}`;
}

/** @throws CodedError `proof.malformed`. */
function parseProof(text: string): TlogProof {
  if (text.length > MAX_PROOF_LENGTH) throw malformed('too long');
  const split = text.indexOf('\n\n');
  if (split < 0) throw malformed('no blank line before the checkpoint');
  const [header, extra = '', position = '', ...hashes] = text.slice(0, split).split('\n');
  if (header !== HEADER) throw malformed('another kind of file, or another version');
  const [, entryText] = /^extra (.+)$/.exec(extra) ?? [];
  const entry = fromBase64(entryText ?? '');
  if (!entry || entry.length === 0) throw malformed('it does not hold the line');
  const [, index] = /^index (0|[1-9][0-9]{0,14})$/.exec(position) ?? [];
  if (index === undefined) throw malformed('bad index');
  if (hashes.length > MAX_HASHES) throw malformed('too many hashes');
  const path = hashes.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== 32) throw malformed('bad hash');
    return hash;
  });
  return { entry, index: Number(index), path, note: text.slice(split + 2) };
}

export interface ProvenRecord {
  readonly record: EvidenceRecord;
  readonly checkpoint: Checkpoint;
  /** Who of the pinned keys signed. */
  readonly key: NoteKey;
}

/** Whether a record may be one of the machine that a key is pinned for. One line tells the machine only where it opens a run. */
function isOfMachine(record: EvidenceRecord, { host, machine }: Pin): boolean {
  if (machine === undefined || machine === 'unknown') return record.host === host;
  return record.mode !== 'run' || record.machine === 'unknown' || record.machine === machine;
}

/** Why a pin is not for a record: `proof.wrong-producer`, `proof.outside-validity`; `undefined` where it is. */
function faultOf(record: EvidenceRecord, pin: Pin): CodedError | undefined {
  if (!isOfMachine(record, pin)) {
    const remedy =
      'Where that machine was renamed, pin its key with its machine id (guardrails keys pin --machine). If it was not, the key was used elsewhere.';
    const message = 'the record comes from a host that the key is not pinned for';
    return new CodedError('proof.wrong-producer', message, remedy);
  }
  const [from, until] = validityOf(pin);
  const time = Date.parse(record.time);
  if (from <= time && time < until) return undefined;
  const remedy = 'Pin the key for the time in which it was used; if it was not, somebody else has used it.';
  const message = 'the record is dated outside of the time that the key is pinned for';
  return new CodedError('proof.outside-validity', message, remedy);
}

/**
 * Returns the record that a proof holds, when a trusted key signed a journal that has it as its line. A verifier key is
 * trusted for every record; a pin for those of its machine and its time, and not at all once it is revoked: nobody can say
 * when a proof was signed.
 *
 * @throws CodedError `proof.malformed`, `proof.unpinned`, `proof.not-included`, `proof.not-a-record`,
 * `proof.wrong-producer`, `proof.outside-validity`; `checkpoint.malformed`, `checkpoint.bad-signature`; `key.malformed`,
 * `key.small-order`.
 */
export function verifyProof(
  text: string,
  trusted: readonly (string | Pin)[],
  primitives: Primitives = portable,
): ProvenRecord {
  const { entry, index, path, note } = parseProof(text);
  const checkpoint = parseCheckpoint(note);
  const pinOf = new Map<NoteKey, Pin | undefined>();
  for (const each of trusted) {
    if (typeof each === 'string') pinOf.set(parseNoteKey(each), undefined);
    else if (!isRevoked(each, Date.now())) pinOf.set(parseNoteKey(each.vkey), each);
  }
  const signers = signersOf(checkpoint, [...pinOf.keys()], primitives);
  if (signers.length === 0) {
    const remedy =
      'Pin the key of the host that wrote the journal, after you had it from there by another way.';
    throw new CodedError('proof.unpinned', 'the checkpoint in the proof is signed by no pinned key', remedy);
  }
  const { size, root } = checkpoint.claimed;
  const { sha256 } = primitives;
  if (!checkInclusion(sha256, leafHash(sha256, entry), index, size, root, path)) {
    const remedy = 'Do not believe the record; ask for another proof of it.';
    throw new CodedError(
      'proof.not-included',
      'the line is not where the proof says, in what was signed',
      remedy,
    );
  }
  const record = decodeLine(entry);
  if (record?.seq !== index) {
    const remedy = 'Do not believe it: no journal of ours has such a line.';
    throw new CodedError('proof.not-a-record', 'what the proof holds is no evidence record', remedy);
  }
  // Of two keys that seal a rotation, one that may vouch for the record is enough.
  const answers = signers.map((key) => {
    const pin = pinOf.get(key);
    return { key, fault: pin && faultOf(record, pin) };
  });
  const { key, fault } = answers.find((each) => !each.fault) ?? (answers[0] as (typeof answers)[number]);
  if (fault) throw fault;
  return { record, checkpoint, key };
}
