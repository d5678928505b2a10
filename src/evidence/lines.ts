// The lines of a journal on disk as bytes, for those who look for one of them or need their hashes. Whether they are what
// was signed is for the verifier, or for the proof that is made of them, to say.
import { join } from 'node:path';
import { readSegment, segmentName, segmentsIn } from './journal-files.ts';
import { MAX_RECORD_BYTES } from './record.ts';

const NEWLINE = 0x0a;

/** A line by its position, from 0. The bytes hold no newline. */
export interface RawLine {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** Yields the complete lines of a journal from position `from` up to `to`, in batches. */
export async function* readLines(
  directory: string,
  from = 0,
  to: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly RawLine[]> {
  const firsts = await segmentsIn(directory);
  for (const [index, first] of firsts.entries()) {
    if ((firsts[index + 1] ?? Number.POSITIVE_INFINITY) <= from || first >= to) continue;
    let seq = first;
    let rest: Uint8Array = new Uint8Array();
    for await (const chunk of readSegment(join(directory, segmentName(first)))) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      const batch: RawLine[] = [];
      let start = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0 && seq < to; end = bytes.indexOf(NEWLINE, start)) {
        if (seq >= from) batch.push({ seq, bytes: bytes.subarray(start, end) });
        seq++;
        start = end + 1;
      }
      if (batch.length > 0) yield batch;
      rest = bytes.subarray(start);
      if (rest.length > MAX_RECORD_BYTES) return; // no line of ours; the verifier will name it
      if (seq >= to) return;
    }
  }
}
