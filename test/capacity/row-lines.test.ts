// Rows from text in pieces: every way to cut and end lines gives the same rows, and what is no number is named by its line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAPACITY_FEATURES } from '../../src/capacity/forest/capacity.ts';
import { inBatches, type RowFormat, readRows } from '../../src/capacity/row-lines.ts';

const code = (expected: string, message: RegExp): unknown =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) });

async function* inPieces(text: string, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    yield bytes.subarray(start, end);
    start = end;
  }
}

async function rows(text: string, format: RowFormat, cuts: readonly number[] = []): Promise<number[][]> {
  const all: number[][] = [];
  for await (const row of readRows(inPieces(text, cuts), format)) all.push(row);
  return all;
}

describe('rows of CSV', () => {
  it('are the same however lines end and wherever the text is cut', async () => {
    const numbers = fc.double({ noDefaultInfinity: true });
    const table = fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 6 });
    const end = fc.constantFrom('\n', '\r\n', '\r');
    const cuts = fc.array(fc.nat(300), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(table, end, fc.boolean(), cuts, async (expected, newline, last, at) => {
        const text = expected.map((row) => row.join(',')).join(newline) + (last ? newline : '');
        expect(await rows(text, 'csv', at)).toEqual(expected.map((row) => row.map((x) => Number(String(x)))));
      }),
    );
  });

  it('are the same where an empty piece comes between the CR and the LF of a line', async () => {
    expect(await rows('1,2\r\n3,4', 'csv', [4, 4])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('may follow a header; an empty cell, nan and NaN are missing', async () => {
    expect(await rows('a,b\n1,2\n', 'csv')).toEqual([[1, 2]]);
    expect(await rows('1,\nnan,NaN\n-.5,1e3', 'csv')).toEqual([
      [1, Number.NaN],
      [Number.NaN, Number.NaN],
      [-0.5, 1000],
    ]);
  });

  it('of AGILAB’s table are without the label', async () => {
    expect(await rows(`${[...CAPACITY_FEATURES, 'label'].join(',')}\r1,2,3,4,5,6,7\r`, 'csv')).toEqual([
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  it.each([
    ['1,2\n1,x\n', 'model.row-value', /^line 2 /],
    ['1,2\n1, 2\n', 'model.row-value', /^line 2 /],
    ['1,2\n0x10,2\n', 'model.row-value', /^line 2 /],
    ['1,2\ninf,2\n', 'model.row-value', /^line 2 /],
    ['a,b\nc,d\n', 'model.row-value', /^line 2 /],
    ['1,2\n\n', 'model.row-width', /^line 2 /],
    ['1,2\n1,2,3\n', 'model.row-width', /^line 2 /],
    [`${'1'.repeat(600_000)}`, 'model.row-width', /longer/],
  ])('are refused in %j', async (text, expected, message) => {
    await expect(rows(text, 'csv', [2 ** 19 + 1])).rejects.toThrow(code(expected, message));
  });
});

describe('rows of JSON lines', () => {
  it('are arrays of numbers; null is missing', async () => {
    expect(await rows('[1,2.5]\n[null,-1e3]', 'ndjson', [3])).toEqual([
      [1, 2.5],
      [Number.NaN, -1000],
    ]);
  });

  it.each(['{"a":1}', '[1,"2"]', '[[1]]', '[1,]', '1', '', 'NaN', '[1] [2]'])(
    'are refused in %j',
    async (line) => {
      await expect(rows(`[1]\n${line}\n`, 'ndjson')).rejects.toThrow(code('model.row-value', /^line 2 /));
    },
  );
});

describe('batches', () => {
  it('hold every row once and in order, and none a single row of several', async () => {
    async function* count(total: number): AsyncGenerator<number[]> {
      for (let i = 0; i < total; i++) yield [i];
    }
    for (const total of [0, 1, 2, 1007, 1008, 1009, 1010, 1011, 2016, 2017, 2018, 5000]) {
      const batches: number[][][] = [];
      for await (const batch of inBatches(count(total))) batches.push(batch);
      expect(batches.flat(2)).toEqual(Array.from({ length: total }, (_, i) => i));
      if (total > 1) for (const batch of batches) expect(batch.length).toBeGreaterThan(1);
      for (const batch of batches) expect(batch.length).toBeLessThan(1012);
    }
  });
});
