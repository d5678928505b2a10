// Predictions for a table that may be larger than memory: rows come in as they are read, answers go out as they are made.

import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import type { CapacityModel } from '../capacity/forest/model.ts';
import { inBatches, type RowFormat, readRows } from '../capacity/row-lines.ts';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { startProgress } from './progress.ts';

/** Steps of the bar. */
const STEPS = 200;

/** String() is the shortest text that reads back as the same number, with the sign of a zero lost. */
export function showAnswer(value: number | readonly number[]): string {
  if (typeof value !== 'number') return value.map(showAnswer).join(',');
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Counts what passes, and draws a bar where the size of all is known. */
async function* counted(path: string): AsyncGenerator<Buffer> {
  const file = path === '-' ? undefined : statSync(path);
  const total = file?.isFile() ? file.size : 0;
  const bar = startProgress(STEPS);
  let bytes = 0;
  let drawn = 0;
  try {
    for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
      yield chunk as Buffer;
      bytes += (chunk as Buffer).length;
      const step = total > 0 ? Math.floor((STEPS * bytes) / total) : 0;
      for (; drawn < step; drawn++) bar.step(`${Math.round((100 * bytes) / total)} % of the rows`);
    }
  } finally {
    bar.clear();
  }
}

/**
 * Prints one line per row: a number, or several with commas between them.
 *
 * @throws CodedError `model.row-*` with the rows or the line; `input.unreadable`; `model.no-rows`.
 */
export async function predictRows(
  model: Pick<CapacityModel, 'predict'>,
  path: string,
  format: RowFormat,
): Promise<void> {
  let done = 0;
  for await (const rows of inBatches(readRows(readable(path), format))) {
    let answers: ReturnType<CapacityModel['predict']>;
    try {
      answers = model.predict(rows);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const among = `among rows ${done + 1} to ${done + rows.length}: ${error.message}`;
      throw new CodedError(error.code, among, error.remedy);
    }
    done += rows.length;
    const text = answers.map((answer) => `${showAnswer(answer)}\n`).join('');
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  }
  if (done === 0) model.predict([]);
}

async function* readable(path: string): AsyncGenerator<Buffer> {
  try {
    yield* counted(path);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const remedy = 'Name a file that this user can read.';
    throw new CodedError('input.unreadable', `cannot read ${path} (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  }
}
