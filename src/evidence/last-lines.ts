// The last lines of a journal, read from the end, so that looking at them costs the same however long it is.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './coded-error.ts';
import { segmentName, segmentsIn } from './journal-files.ts';

const NEWLINE = 0x0a;
const BLOCK = 64 * 1024;

/** Returns up to `count` complete lines that end before byte `end` of a file, in their order; none of a missing file. */
async function linesBefore(path: string, end: number, count: number): Promise<readonly Buffer[]> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (!file) return [];
  try {
    const stat = await file.stat();
    let start = Math.min(end, stat.isFile() ? stat.size : 0);
    const blocks: Buffer[] = [];
    let newlines = 0;
    // One newline more than lines, to know where the first of them begins.
    while (start > 0 && newlines <= count) {
      const from = Math.max(0, start - BLOCK);
      const block = Buffer.alloc(start - from);
      const { bytesRead } = await file.read(block, 0, block.length, from);
      if (bytesRead !== block.length) return []; // it was cut meanwhile
      for (let at = block.length; at > 0; ) {
        at = block.lastIndexOf(NEWLINE, at - 1);
        if (at !== -1) newlines++;
      }
      blocks.unshift(block);
      start = from;
    }
    const bytes = Buffer.concat(blocks);
    const lines: Buffer[] = [];
    let last = bytes.lastIndexOf(NEWLINE);
    while (last >= 0 && lines.length < count) {
      const before = last > 0 ? bytes.lastIndexOf(NEWLINE, last - 1) : -1;
      if (before < 0 && start > 0) break;
      lines.push(bytes.subarray(before + 1, last));
      last = before;
    }
    return lines.reverse();
  } finally {
    await file.close();
  }
}

/**
 * Returns up to `count` lines of a journal that come before byte `offset` of the file which begins at position
 * `segment`, and in the files before it.
 */
export async function lastLines(
  directory: string,
  count: number,
  segment: number = Number.POSITIVE_INFINITY,
  offset: number = Number.POSITIVE_INFINITY,
): Promise<readonly Buffer[]> {
  let lines: readonly Buffer[] = [];
  for (const first of (await segmentsIn(directory)).filter((each) => each <= segment).reverse()) {
    const end = first === segment ? offset : Number.POSITIVE_INFINITY;
    lines = [
      ...(await linesBefore(join(directory, segmentName(first)), end, count - lines.length)),
      ...lines,
    ];
    if (lines.length >= count) break;
  }
  return lines;
}
