// A checkpoint is three lines of text (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note): which
// journal, how many lines, which Merkle root. It is what an auditor pins on another machine.
import { CodedError } from './coded-error.ts';
import type { NoteSigner, NoteVerifier } from './keys.ts';

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
  readonly text: string;
  readonly signatures: readonly {
    readonly name: string;
    readonly hash: string;
    readonly bytes: Uint8Array;
  }[];
}

const MAX_BYTES = 65_536;
const MAX_SIGNATURES = 100;

const malformed = (why: string): CodedError =>
  new CodedError(
    'checkpoint.malformed',
    `the checkpoint is malformed: ${why}`,
    'Restore the checkpoint file from a copy; the journal cannot vouch for its own length without it.',
  );

/** Returns the signed note, newline-terminated. */
export function signCheckpoint({ origin, size, root }: TreeHead, signer: NoteSigner): string {
  const text = `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
  const signature = Buffer.concat([Buffer.from(signer.hash, 'hex'), signer.sign(Buffer.from(text))]);
  return `${text}\n\u2014 ${signer.name} ${signature.toString('base64')}\n`;
}

/**
 * Parses a signed note that holds a checkpoint. Decoding is canonical: one spelling for each value.
 *
 * @throws CodedError `checkpoint.malformed`.
 */
export function parseCheckpoint(note: string): Checkpoint {
  if (note.length > MAX_BYTES) throw malformed('longer than 64 KiB');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw malformed('no blank line before the signatures');
  const text = note.slice(0, split + 1);
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.split('\n');
  if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{1,300}$/u.test(origin) || rest.length !== 1)
    throw malformed('expected three lines');
  const size = Number(sizeText);
  if (!/^(0|[1-9][0-9]{0,14})$/.test(sizeText) || !Number.isSafeInteger(size)) throw malformed('bad size');
  const root = Buffer.from(rootText, 'base64');
  if (root.length !== 32 || root.toString('base64') !== rootText) throw malformed('bad root');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed('too many signatures');
  const signatures = lines.map((line) => {
    const [, name, base64] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(base64 ?? '', 'base64');
    if (name === undefined || bytes.length < 5 || bytes.toString('base64') !== base64)
      throw malformed('bad signature line');
    return { name, hash: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4) };
  });
  return { claimed: { origin, size, root }, text, signatures };
}

/**
 * Returns the first of `verifiers` that signed the checkpoint, or `undefined`. Signatures by other keys are ignored
 * (c2sp.org/signed-note); a wrong signature under a known key is a forgery and refuses.
 *
 * @throws CodedError `checkpoint.bad-signature`.
 */
export function signedBy(
  checkpoint: Checkpoint,
  verifiers: readonly NoteVerifier[],
): NoteVerifier | undefined {
  let found: NoteVerifier | undefined;
  for (const { name, hash, bytes } of checkpoint.signatures) {
    const verifier = verifiers.find((candidate) => candidate.name === name && candidate.hash === hash);
    if (!verifier) continue;
    if (!verifier.verify(Buffer.from(checkpoint.text), bytes)) {
      throw new CodedError(
        'checkpoint.bad-signature',
        'the checkpoint carries a wrong signature under a known key',
        'Treat the journal as tampered with; compare it with a copy from another machine.',
      );
    }
    found ??= verifier;
  }
  return found;
}
