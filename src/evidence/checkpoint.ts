// A checkpoint is a few lines of text (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note): which journal,
// how many lines, which Merkle root. It is what an auditor pins on another machine. Runs anywhere.
import { concatBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from './bytes.ts';
import { CodedError } from './coded-error.ts';
import { COSIGNATURE, ED25519, type NoteKey, noteKey } from './note-key.ts';
import { type Primitives, portable } from './primitives.ts';

/** The head of a journal. */
export interface TreeHead {
  /** Names the journal, one line of text. */
  readonly origin: string;
  /** Number of lines covered. */
  readonly size: number;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
}

/** A parsed checkpoint. Nothing of it may be believed before {@link signedBy} has returned a key. */
export interface Checkpoint {
  readonly claimed: TreeHead;
  /** The signed text, extension lines included. */
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly hash: string;
    readonly bytes: Uint8Array;
  }[];
}

/** What signs a note: a private key with its public half. */
export interface CheckpointSigner extends Pick<NoteKey, 'name' | 'hash'> {
  sign(message: Uint8Array): Uint8Array;
}

/** What cosigns: as above, or a plain key, of which the {@link cosignerKey} is taken. */
export interface Cosigner extends CheckpointSigner {
  readonly publicKey?: Uint8Array;
}

/** Returns what others pin of a cosigner: its name and key, of the type of a cosignature. */
export const cosignerKey = ({ name, publicKey }: Pick<NoteKey, 'name' | 'publicKey'>): NoteKey =>
  noteKey(name, publicKey, COSIGNATURE);

const MAX_BYTES = 65_536;
const MAX_SIGNATURES = 100;

const malformed = (why: string): CodedError =>
  new CodedError(
    'checkpoint.malformed',
    `the checkpoint is malformed: ${why}`,
    'Take the checkpoint from a copy that is whole; without one nothing vouches for the length of the journal.',
  );

/** Returns one signature line of a note, newline-terminated. */
const signatureLine = ({ name, hash }: Pick<NoteKey, 'name' | 'hash'>, signature: Uint8Array): string =>
  `\u2014 ${name} ${toBase64(concatBytes(fromHex(hash), signature))}\n`;

/** Returns the signed note, newline-terminated. */
export function signCheckpoint({ origin, size, root }: TreeHead, signer: CheckpointSigner): string {
  const text = `${origin}\n${size}\n${toBase64(root)}\n`;
  return `${text}\n${signatureLine(signer, signer.sign(utf8(text)))}`;
}

/**
 * Parses a signed note that holds a checkpoint. Decoding is canonical: one spelling for each value. Extension lines are
 * legal; they are signed, and nothing here reads them.
 *
 * @throws CodedError `checkpoint.malformed`.
 */
export function parseCheckpoint(note: string): Checkpoint {
  if (note.length > MAX_BYTES) throw malformed('longer than 64 KiB');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('no blank line before the signatures');
  const text = note.slice(0, split + 1);
  // signed-note: no control character but the newline, and well-formed text.
  if (!/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u.test(text.replaceAll('\n', '')) || !text.isWellFormed())
    throw malformed('a control character');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = text.slice(0, -1).split('\n');
  if (!/^.{1,300}$/u.test(origin)) throw malformed('bad origin');
  if (extensions.includes('')) throw malformed('an empty line');
  const size = Number(sizeText);
  if (!/^(0|[1-9][0-9]{0,14})$/.test(sizeText) || !Number.isSafeInteger(size)) throw malformed('bad size');
  const root = fromBase64(rootText);
  if (root?.length !== 32) throw malformed('bad root');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed('too many signatures');
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = fromBase64(base64 ?? '');
    if (name === undefined || !bytes || bytes.length < 5) throw malformed('bad signature line');
    return { name, hash: toHex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) };
  });
  return { claimed: { origin, size, root }, text, signatures };
}

/** Returns the checkpoint with the signature of one more key of its own journal. */
export function addSignature(note: string, signer: CheckpointSigner): string {
  return note + signatureLine(signer, signer.sign(utf8(parseCheckpoint(note).text)));
}

/** The bytes that a cosigner signs (c2sp.org/tlog-cosignature): the time, then the checkpoint without signatures. */
const cosigned = (seconds: number, text: string): Uint8Array =>
  utf8(`cosignature/v1\ntime ${seconds}\n${text}`);

/**
 * Returns the checkpoint with one more line: at `seconds` (POSIX time) this was the largest consistent head that the
 * cosigner had seen. One key for each cosigner name, since the name is not signed. Others pin its {@link cosignerKey}.
 *
 * @throws CodedError `checkpoint.malformed`; RangeError for what is no time: 0 is none (c2sp.org/tlog-witness).
 */
export function cosignCheckpoint(note: string, seconds: number, signer: Cosigner): string {
  if (!Number.isSafeInteger(seconds) || seconds <= 0) throw new RangeError('no time in whole seconds');
  const { text } = parseCheckpoint(note);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds));
  // A line under the hash of a plain key would be a forgery to whoever has pinned that.
  const { name, hash, publicKey } = signer;
  const isPlain = publicKey !== undefined && noteKey(name, publicKey).hash === hash;
  const key = isPlain ? cosignerKey({ name, publicKey }) : signer;
  return note + signatureLine(key, concatBytes(time, signer.sign(cosigned(seconds, text))));
}

/** Returns the time that a signature vouches for, or `true` where its kind has none; `undefined` for a wrong one. */
function checked(
  key: NoteKey,
  text: string,
  bytes: Uint8Array,
  { verifyEd25519 }: Primitives,
): number | true | undefined {
  if (key.type === ED25519) return verifyEd25519(key.publicKey, utf8(text), bytes) ? true : undefined;
  if (bytes.length !== 72) return undefined;
  const time = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const holds = verifyEd25519(key.publicKey, cosigned(Number(time), text), bytes.subarray(8));
  return holds ? Number(time) : undefined;
}

/** Whether a line of a note says that it is the signature of a key. */
export const isBy = (line: Pick<NoteKey, 'name' | 'hash'>, { name, hash }: NoteKey): boolean =>
  line.name === name && line.hash === hash;

/** Every signature under one of `keys`, in the order of the note. A wrong one under a known key refuses the whole. */
function verified<Key extends NoteKey>(
  { signatures, text }: Checkpoint,
  keys: readonly Key[],
  primitives: Primitives,
): { readonly key: Key; readonly time: number | true }[] {
  return signatures.flatMap((line) => {
    const key = keys.find((candidate) => isBy(line, candidate));
    if (!key) return []; // c2sp.org/signed-note: signatures by unknown keys are ignored
    const time = checked(key, text, line.bytes, primitives);
    if (time !== undefined) return [{ key, time }];
    throw new CodedError(
      'checkpoint.bad-signature',
      'the checkpoint carries a wrong signature under a known key',
      'Treat the journal as tampered with; compare it with a copy from another machine.',
    );
  });
}

/**
 * Returns the first of the given keys that signed the checkpoint, or `undefined`. Signatures by other keys are ignored
 * (c2sp.org/signed-note); a wrong signature under a known key is a forgery and refuses.
 *
 * @throws CodedError `checkpoint.bad-signature`.
 */
export function signedBy<Key extends NoteKey>(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  primitives: Primitives = portable,
): Key | undefined {
  return signersOf(checkpoint, keys, primitives)[0];
}

/**
 * Returns all of the given keys that signed the checkpoint, in the order of the note.
 *
 * @throws CodedError `checkpoint.bad-signature`.
 */
export function signersOf<Key extends NoteKey>(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  primitives: Primitives,
): readonly Key[] {
  return verified(checkpoint, keys, primitives).flatMap(({ key }) => (key.type === ED25519 ? [key] : []));
}

/** A cosigner that has seen a checkpoint, and when: POSIX seconds. */
export interface Cosignature<Key extends NoteKey = NoteKey> {
  readonly key: Key;
  readonly time: number;
}

/**
 * Returns the cosignatures of the given keys on a checkpoint.
 *
 * @throws CodedError `checkpoint.bad-signature`.
 */
export function cosignaturesOf<Key extends NoteKey>(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  primitives: Primitives = portable,
): readonly Cosignature<Key>[] {
  return verified(checkpoint, keys, primitives).flatMap(({ key, time }) =>
    key.type === COSIGNATURE && time !== true ? [{ key, time }] : [],
  );
}
