// Makes proofs from a journal on disk: that a record is in it, and that it extends an earlier checkpoint. Each proof is
// checked before it is handed out, so a journal that was tampered with yields none.
import { parseCheckpoint } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { checkHead, encodeConsistency } from './consistency.ts';
import { readCheckpoint } from './journal-files.ts';
import { readHead } from './line.ts';
import { type RawLine, readLines } from './lines.ts';
import { leafHash } from './merkle.ts';
import { native } from './native.ts';
import { checkInclusion, consistencyProof, inclusionProof } from './proof.ts';
import { readTiles } from './tiles.ts';
import { encodeProof } from './tlog-proof.ts';

const { sha256 } = native;

const fail = (code: string, message: string, remedy: string): CodedError =>
  new CodedError(code, message, remedy);
const tampered = (): CodedError =>
  fail(
    'journal.tampered',
    'the lines of the journal are not those that were signed',
    'Run `guardrails verify`, and keep the directory as it is for investigation.',
  );

async function requireCheckpoint(directory: string): Promise<string> {
  const note = await readCheckpoint(directory);
  if (note !== undefined) return note;
  throw fail('prove.unsigned', 'the journal has no checkpoint', 'Open it with a signer, and close it.');
}

async function findLine(directory: string, id: string): Promise<RawLine> {
  const needle = Buffer.from(`"id":${JSON.stringify(id)}`);
  for await (const batch of readLines(directory)) {
    for (const line of batch) {
      if (Buffer.from(line.bytes.buffer, line.bytes.byteOffset, line.bytes.length).includes(needle)) {
        if (readHead(line.bytes)?.id === id) return { seq: line.seq, bytes: Uint8Array.from(line.bytes) };
      }
    }
  }
  throw fail(
    'prove.no-such-record',
    'no record of the journal has this id',
    'Look the id up in the journal; of a line that was retired there is no proof any more.',
  );
}

/** Returns the hashes of the first `size` lines: from tiles as far as they go, then from the lines. */
async function leavesOf(directory: string, size: number): Promise<readonly Uint8Array[]> {
  const leaves = await readTiles(directory, size);
  for await (const batch of readLines(directory, leaves.length, size))
    for (const { bytes } of batch) leaves.push(leafHash(sha256, bytes));
  if (leaves.length !== size) throw tampered();
  return leaves;
}

/**
 * Returns the hashes which show that the first `size` lines of the journal extend the first `before` of them; 0 < `before` < `size`.
 *
 * @throws CodedError `journal.tampered`; system errors.
 */
export async function proveGrowth(
  directory: string,
  before: number,
  size: number,
): Promise<readonly Uint8Array[]> {
  return consistencyProof(sha256, await leavesOf(directory, size), before);
}

/**
 * Returns a proof (c2sp.org/tlog-proof) that the record with this id is in the journal.
 *
 * @throws CodedError `prove.no-such-record`, `prove.unsealed`, `prove.unsigned`, `journal.tampered`; system errors.
 */
export async function proveRecord(directory: string, id: string): Promise<string> {
  const note = await requireCheckpoint(directory);
  const { size, root } = parseCheckpoint(note).claimed;
  const { seq: index, bytes: entry } = await findLine(directory, id);
  if (index >= size)
    throw fail(
      'prove.unsealed',
      'no checkpoint covers the record yet',
      'Wait for the next seal, at most a second.',
    );
  const path = inclusionProof(sha256, await leavesOf(directory, size), index);
  if (!checkInclusion(sha256, leafHash(sha256, entry), index, size, root, path)) throw tampered();
  return encodeProof({ entry, index, path, note });
}

/**
 * Returns a proof that the journal extends an earlier checkpoint of it: `old <size>`, hashes, a blank line and the
 * checkpoint, as a witness asks for it (c2sp.org/tlog-witness).
 *
 * @throws CodedError `prove.unsigned`, `journal.tampered`, `consistency.*`, `checkpoint.malformed`; system errors.
 */
export async function proveConsistency(directory: string, earlier: string): Promise<string> {
  const before = parseCheckpoint(earlier).claimed;
  const note = await requireCheckpoint(directory);
  const { size } = parseCheckpoint(note).claimed;
  const growing = before.size > 0 && before.size < size;
  const path = growing ? await proveGrowth(directory, before.size, size) : [];
  const text = encodeConsistency({ before: before.size, path, note });
  checkHead(before, text, native);
  return text;
}
