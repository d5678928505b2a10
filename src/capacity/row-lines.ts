// Rows of numbers from text that comes in pieces: CSV, or one JSON array a line. No more than one line is held, so a table
// may be larger than memory.
import { CodedError } from '../evidence/coded-error.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { CAPACITY_FEATURES } from './forest/capacity.ts';
import { ModelRefusal } from './model-refusal.ts';

export type RowFormat = 'csv' | 'ndjson';

/** Bytes: ten thousand numbers, each as long as numbers get. */
const LONGEST_LINE = 512 * 1024;
const CR = 0x0d;
const LF = 0x0a;

/** Yields the lines of a stream without their ends, which may be LF, CRLF, or the bare CR that AGILAB's manager writes. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  let afterCr = false;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue; // whether an LF ends a CRLF, the piece before it says
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start: number = afterCr && rest[0] === LF ? 1 : 0;
    for (let at = start; at < rest.length; at++) {
      if (rest[at] !== CR && rest[at] !== LF) continue;
      yield rest.subarray(start, at);
      if (rest[at] === CR && rest[at + 1] === LF) at++;
      start = at + 1;
    }
    afterCr = start > 0 && start === rest.length && rest[start - 1] === CR;
    rest = rest.subarray(start);
    if (rest.length > LONGEST_LINE)
      throw new ModelRefusal('model.row-width', 'a line is longer than any row of numbers');
  }
  if (rest.length > 0) yield rest;
}

const DECIMAL = /^-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$/;
/** As pandas and numpy write what is missing. */
const MISSING: ReadonlySet<string> = new Set(['', 'nan', 'NaN']);
const numberIn = (cell: string): number | undefined =>
  MISSING.has(cell) ? Number.NaN : DECIMAL.test(cell) ? Number(cell) : undefined;

const refuseLine = (line: number): never => {
  throw new ModelRefusal('model.row-value', `line ${line} holds something else than numbers`);
};

/** A header has a cell that is no number. That of AGILAB's own table ends with the label, which is no feature. */
const TABLE = [...CAPACITY_FEATURES, 'label'].join(',');

/**
 * Yields the rows of a CSV file, with or without a header. An empty cell, `nan` and `NaN` are missing values. Of AGILAB's
 * table of measurements the label is left out. Throws `model.row-value` and `model.row-width` with the number of the line.
 */
async function* csvRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<number[]> {
  let line = 0;
  let width: number | undefined;
  let hasLabel = false;
  for await (const bytes of linesOf(chunks)) {
    line++;
    const text = bytes.toString('latin1');
    const cells = text.split(',');
    width ??= cells.length;
    if (cells.length !== width)
      throw new ModelRefusal('model.row-width', `line ${line} does not hold ${width} cells`);
    const numbers = cells.map(numberIn);
    if (line === 1 && numbers.includes(undefined)) {
      hasLabel = text === TABLE;
      continue;
    }
    const row = numbers.map((value) => value ?? refuseLine(line));
    yield hasLabel ? row.slice(0, -1) : row;
  }
}

/** Yields the rows of a file that holds a JSON array on each line; null is a missing value. Throws as {@link csvRows}. */
async function* jsonRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<number[]> {
  let line = 0;
  for await (const bytes of linesOf(chunks)) {
    line++;
    yield jsonRow(bytes, line);
  }
}

function jsonRow(bytes: Uint8Array, line: number): number[] {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxBytes: LONGEST_LINE, maxDepth: 1, fractionAt: () => true });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new ModelRefusal('model.row-value', `line ${line} is not a JSON array: ${error.code}`);
  }
  if (!Array.isArray(value)) return refuseLine(line);
  return value.map((cell: unknown) => {
    if (cell === null) return Number.NaN;
    return typeof cell === 'number' ? cell : refuseLine(line);
  });
}

/** Yields the rows in a stream of text. */
export function readRows(chunks: AsyncIterable<Uint8Array>, format: RowFormat): AsyncGenerator<number[]> {
  return format === 'csv' ? csvRows(chunks) : jsonRows(chunks);
}

/** Rows that are predicted together. */
const BATCH = 1_008;

/**
 * Yields the rows in batches. None holds a single row, unless that is all there is: one row alone is another question to
 * some models (numpy adds the members of a vote in another order then).
 */
export async function* inBatches(rows: AsyncIterable<number[]>): AsyncGenerator<number[][]> {
  let pending: number[][] = [];
  for await (const row of rows) {
    pending.push(row);
    if (pending.length < BATCH + 2) continue;
    yield pending.slice(0, BATCH);
    pending = pending.slice(BATCH);
  }
  if (pending.length > 0) yield pending;
}
