// One reading for each line: the grammar against the schema, JSON.parse and Python.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeLine, encodeLine, readHead } from '../../src/evidence/line.ts';
import { evidenceRecord } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { draft, ENVELOPE } from './support.ts';

const HEX = 'a'.repeat(64);
const decision = { ...draft(), ...ENVELOPE, input: { digest: HEX, redacted: [''] } };
const subject = { kind: 'k', name: 'n' };
const RECORDS: readonly [string, object][] = [
  ['decision', decision],
  [
    'decision with everything',
    {
      ...decision,
      subject: { ...subject, digest: `sha256:${HEX}` },
      probe: { drill: 'd', fault: '', expected: 'allow', observed: 'x', passed: true, mutant: 'm' },
      replay: { argv: ['a', 'b'], fixtureDigest: HEX },
      of: uuidv7(),
    },
  ],
  [
    'effect',
    {
      id: uuidv7(),
      ...ENVELOPE,
      mode: 'effect',
      of: uuidv7(),
      kind: 'k',
      outcome: 'done',
      codes: [],
      reason: '',
      subject,
    },
  ],
  ['repair', { id: uuidv7(), ...ENVELOPE, mode: 'repair', codes: ['a', 'b'], reason: 'r' }],
  [
    'run',
    {
      id: uuidv7(),
      ...ENVELOPE,
      mode: 'run',
      machine: 'm',
      code: { name: 'n', version: '1', codeDigest: HEX, checked: 'both', agrees: 'unknown' },
      node: 'v20',
      flags: ['--x'],
      nodeOptions: '',
    },
  ],
];
const lineOf = (record: object): string => encodeLine(record)?.line ?? '';
const bytes = (line: string): Buffer => Buffer.from(line);

it.each(RECORDS)('reads back a %s record as it was', (_kind, record) => {
  const line = lineOf(record);
  expect(decodeLine(bytes(line))).toEqual(evidenceRecord.parse(record));
  expect(readHead(bytes(line))).toMatchObject({ seq: 7, prev: HEX, time: ENVELOPE.time, host: 'h' });
});

/** Every place in a value, as the keys that lead there. */
function* placesIn(value: unknown, to: readonly string[] = []): Generator<readonly string[]> {
  yield to;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) yield* placesIn(inner, [...to, key]);
}

/** A copy with one member more, another in its place, or none. */
function changed(
  value: unknown,
  [key, ...rest]: readonly string[],
  change: (value: unknown) => unknown,
): unknown {
  if (key === undefined) return change(value);
  const inner = changed((value as Record<string, unknown>)[key], rest, change);
  if (Array.isArray(value)) return value.map((each, at) => (at === Number(key) ? inner : each));
  return { ...(value as object), [key]: inner };
}

const STRANGE = [
  undefined,
  null,
  true,
  0,
  -1,
  0.5,
  '',
  'x',
  'allow',
  'x'.repeat(500),
  'x'.repeat(2_001),
  {},
  [],
  ['x'],
  [1],
  ...[32, 33, 64, 65].map((length) => Array.from({ length }, () => 'x')),
  () => {},
];

it.each(RECORDS)(
  'writes a %s record with anything anywhere where the schema takes it, and nowhere else',
  (_kind, record) => {
    const differ: unknown[] = [];
    for (const place of placesIn(record)) {
      const others = STRANGE.map((strange) => changed(record, place, () => strange));
      const more = [1, undefined].map((value) =>
        changed(record, place, (inner) => (typeof inner === 'object' ? { ...inner, more: value } : inner)),
      );
      for (const other of [...others, ...more])
        if ((encodeLine(other) !== undefined) !== evidenceRecord.safeParse(other).success)
          differ.push([place, other]);
    }
    expect(differ).toEqual([]);
  },
);

it('has one line for a record, whatever the order of its members', () => {
  const reversed = Object.fromEntries(Object.entries(decision).reverse());
  expect(lineOf(reversed)).toBe(lineOf(decision));
});

it.each<[string, (line: string) => string]>([
  ['a blank after a comma', (line) => line.replace(',"seq"', ', "seq"')],
  ['a blank at the end', (line) => `${line} `],
  ['a carriage return at the end', (line) => `${line}\r`],
  ['a repeated member', (line) => line.replace('"seq":7', '"seq":7,"seq":7')],
  [
    'a repeated member inside',
    (line) => line.replace('"version":"1.0.0"', '"version":"1.0.0","version":"1.0.0"'),
  ],
  ['another order', (line) => line.replace(/("seq":7),("prev":"a+")/, '$2,$1')],
  ['an unknown member', (line) => line.replace('"seq":7', '"more":1,"seq":7')],
  ['a missing member', (line) => line.replace('"seq":7,', '')],
  ['an escape where none is due', (line) => line.replace('"reason":"no', '"reason":"\\u006eo')],
  ['an escaped slash', (line) => line.replace('"reason":"no', '"reason":"\\/o')],
  ['capitals in an escape', (line) => line.replace('"reason":"no', '"reason":"\\u009F')],
  ['a long escape for a newline', (line) => line.replace('"reason":"no', '"reason":"\\u000a')],
  ['an escaped astral character', (line) => line.replace('"reason":"no', '"reason":"\\ud83d\\ude00')],
  ['an escaped lone surrogate', (line) => line.replace('"reason":"no', '"reason":"\\ud83d')],
  ['a raw U+0085', (line) => line.replace('"reason":"no', '"reason":"\u0085')],
  ['a raw U+2028', (line) => line.replace('"reason":"no', '"reason":"\u2028')],
  ['a raw right-to-left override', (line) => line.replace('"reason":"no', '"reason":"\u202e')],
  ['a raw C1 control', (line) => line.replace('"reason":"no', '"reason":"\u009b')],
  ['a raw DEL', (line) => line.replace('"reason":"no', '"reason":"\u007f')],
  ['a raw tab', (line) => line.replace('"reason":"no', '"reason":"\t')],
  ['a byte order mark', (line) => `\ufeff${line}`],
  ['a number with a leading zero', (line) => line.replace('"seq":7', '"seq":07')],
  ['a number with a fraction', (line) => line.replace('"seq":7', '"seq":7.0')],
  ['a number with an exponent', (line) => line.replace('"seq":7', '"seq":7e0')],
  ['minus zero', (line) => line.replace('"seq":7', '"seq":-0')],
  ['a number that is not exact', (line) => line.replace('"seq":7', '"seq":9007199254740993')],
  ['capital hexadecimal digits', (line) => line.replace(`"prev":"${HEX}"`, `"prev":"${HEX.toUpperCase()}"`)],
  ['a day that does not exist', (line) => line.replace('02-28T', '02-30T')],
])('refuses %s', (_what, change) => {
  const line = lineOf(decision);
  const changed = change(line);
  expect(changed).not.toBe(line);
  expect(decodeLine(bytes(changed))).toBeUndefined();
  expect(readHead(bytes(changed))).toBeUndefined();
});

it('refuses bytes that are no UTF-8', () => {
  const line = bytes(lineOf(decision));
  line[line.indexOf('no rule')] = 0xff;
  expect(decodeLine(line)).toBeUndefined();
});

const text = fc.string({ unit: 'binary', maxLength: 60 });

it('whatever a record says, what is written is read back, and only what the schema admits is written', () => {
  fc.assert(
    fc.property(text, text, fc.array(text, { maxLength: 3 }), (reason, name, codes) => {
      const record = { ...decision, reason, codes, subject: { kind: 'k', name } };
      const encoded = encodeLine(record);
      if (!encoded) {
        const lone = [reason, name, ...codes].some((each) => !each.isWellFormed());
        expect(lone || !evidenceRecord.safeParse(record).success).toBe(true);
        return;
      }
      expect(decodeLine(bytes(encoded.line))).toEqual(record);
      expect(JSON.parse(encoded.line)).toEqual(record);
      expect(encoded.line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u);
    }),
    { numRuns: 2_000 },
  );
});

it('a changed byte gives another record or none, never the same by another spelling', () => {
  const line = bytes(lineOf({ ...decision, reason: 'é \u2028 😀 "q" \\ \n' }));
  const before = JSON.stringify(decodeLine(line));
  fc.assert(
    fc.property(fc.nat(line.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(line);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const record = decodeLine(changed);
      if (!record) return;
      expect(JSON.stringify(record)).not.toBe(before);
      expect(evidenceRecord.safeParse(record).success).toBe(true);
      expect(lineOf(record)).toBe(changed.toString('utf8'));
    }),
    { numRuns: 20_000 },
  );
});

const reason = missing('python3');
it('has as many lines for Python as for us', leftOut(reason), () => {
  const odd = ['\u0085', '\u2028', '\u2029', '\u000b', '\u000c', '\u001c', '\u001d', '\u001e', '\r', '\n'];
  const lines = odd.map((character) => lineOf({ ...decision, reason: `a${character}b` }));
  const program = 'import sys; print(len(sys.stdin.buffer.read().decode("utf-8").splitlines()))';
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  });
  expect(stdout.trim()).toBe(String(odd.length));
});
