// Takes the oldest files of lines away. How long evidence is kept is for the operator to say; that it was taken away, and
// what the rest is to be held against, is a sealed record, and the tree stays provable by its tiles.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from './coded-error.ts';
import { replaceFile, syncDirectory } from './files.ts';
import type { HeadMemory } from './head-memory.ts';
import { appendAny } from './journal.ts';
import { fail, readSegment, readStart, START_FILE, segmentName, segmentsIn } from './journal-files.ts';
import { native } from './native.ts';
import { type JournalOptions, openJournal } from './open-journal.ts';
import type { Pin } from './pin.ts';
import { beginning, LineScanner } from './scan.ts';
import { sha256Hex } from './sha256.ts';
import { decodeStart, encodeStart, RETIRED_CODE } from './start.ts';
import { readTiles, updateTiles } from './tiles.ts';
import { uuidv7 } from './uuid.ts';
import { verifyDirectory } from './verify-native.ts';

export interface RetireOptions {
  readonly directory: string;
  readonly signer: NonNullable<JournalOptions['signer']>;
  /** Position of the first line that stays: the beginning of a file of lines. */
  readonly keepFrom: number;
  /** Who is believed; the journal is verified first. */
  readonly pins: readonly Pin[];
  readonly memory?: HeadMemory;
}

/** Removes the files of lines before a position: what a sealed record has said before. */
async function removeBefore(directory: string, position: number): Promise<void> {
  for (const first of await segmentsIn(directory))
    if (first < position) await rm(join(directory, segmentName(first)), { force: true });
  await syncDirectory(directory);
}

/**
 * Removes the files of lines before position `keepFrom`, and returns how many lines that were. What a retirement that was
 * killed has left is removed as well, and where it came as far as its record, the same call finishes it.
 *
 * @throws CodedError `retire.not-verified`, `retire.no-such-file`, `journal.*`; system errors.
 */
export async function retireLines({
  directory,
  signer,
  keepFrom,
  pins,
  memory,
}: RetireOptions): Promise<number> {
  const verdict = await verifyDirectory(directory, { pins, keepLines: false, ...(memory ? { memory } : {}) });
  if (verdict.problems.length > 0 || verdict.key !== 'pinned') {
    const remedy = 'Run `guardrails verify`, and keep a journal that does not verify as it is.';
    throw new CodedError('retire.not-verified', 'the journal does not verify', remedy);
  }
  const journal = await openJournal({ directory, signer });
  try {
    const before = decodeStart((await readStart(directory)) ?? '') ?? beginning();
    const all = await segmentsIn(directory);
    const [oldest = 0] = all;
    if (keepFrom === before.edge.size && oldest < keepFrom) {
      await removeBefore(directory, keepFrom);
      return keepFrom - oldest;
    }
    const firsts = all.filter((first) => first >= before.edge.size);
    if (keepFrom <= before.edge.size || !firsts.includes(keepFrom)) {
      const remedy = 'Name a file that `guardrails journal segments` lists, but not the first.';
      throw new CodedError(
        'retire.no-such-file',
        'no file of lines begins there with others before it',
        remedy,
      );
    }
    const from = before.edge.size;
    const scanner = new LineScanner(native, before);
    for (const first of firsts.filter((each) => each < keepFrom))
      for await (const chunk of readSegment(join(directory, segmentName(first)))) scanner.push(chunk);
    await updateTiles(directory, keepFrom);
    const tiles = await readTiles(directory, keepFrom);
    if (scanner.problem || scanner.tree.size !== keepFrom || tiles.length !== keepFrom)
      throw fail(
        'journal.tampered',
        'the journal changed while it was looked at',
        'Run `guardrails verify`.',
      );
    const start = encodeStart({ edge: scanner.tree.edge(), prev: scanner.head, ids: scanner.ids });
    const digest = `sha256:${sha256Hex(start)}`;
    const subject = { kind: 'journal-lines', name: `${from}-${keepFrom - 1}`, digest };
    const reason = `${keepFrom - from} lines were retired; the journal begins after them`;
    await appendAny(journal, { id: uuidv7(), mode: 'repair', codes: [RETIRED_CODE], reason, subject }, '');
    await journal.checkpoint(); // said and sealed first: what is gone without a word looks like an attack
    await replaceFile(join(directory, START_FILE), start);
    await removeBefore(directory, keepFrom);
    return keepFrom - from;
  } finally {
    await journal.close();
  }
}
