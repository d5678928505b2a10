// A record as plain data: what is written was read once, and holds nothing that the schema has no name for.
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inputDigest } from '../../src/evidence/input-digest.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { draft, ENVELOPE } from './support.ts';

const HEX = 'a'.repeat(64);
const envelope = { ...ENVELOPE, input: { digest: HEX, redacted: [''] } };

it('lets nothing in a record stand in for what the envelope says', () => {
  const forged = { ...draft(), ...envelope, seq: 8, host: 'elsewhere', input: { digest: HEX, redacted: [] } };
  expect(encodeLine(forged, envelope)?.line).toBe(
    encodeLine({ ...draft({ id: forged.id }), ...envelope })?.line,
  );
});

it('reads every member once', () => {
  const record = draft();
  const asked: string[] = [];
  const watched = new Proxy(record, {
    get: (target, key) => {
      asked.push(String(key));
      return Reflect.get(target, key);
    },
  });
  expect(encodeLine(watched, envelope)).toBeDefined();
  expect(asked.length).toBe(new Set(asked).size);
});

it.each([
  ['a member without a name in the schema', { more: 1 }],
  ['one that is undefined', { more: undefined }],
  ['an object in place of a text', { reason: { toJSON: () => 'x' } }],
  ['a String in place of a text', { reason: new String('x') }],
  ['an object in place of a list', { codes: { length: 0 } }],
  ['a list with a gap', { codes: Object.assign([], { length: 1 }) }],
  ['a list beyond all bounds', { codes: 'x'.repeat(1_000_000).split('') }],
  ['a text beyond all bounds', { reason: 'x'.repeat(1_000_000) }],
  ['null', { subject: null }],
])('knows no form for %s', (_what, over) => {
  expect(encodeLine({ ...draft(), ...over }, envelope)).toBeUndefined();
});

it.each([undefined, null, 1, 'x', true, [], () => {}])('knows no form for %s', (value) => {
  expect(encodeLine(value, envelope)).toBeUndefined();
});

it('gives the HMAC that node:crypto gives', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      (key, text) => {
        expect(inputDigest(key)(text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
      },
    ),
  );
  const key = Buffer.from(HEX, 'hex');
  const digestOf = inputDigest(key);
  for (const long of ['x', 'é', '\u2028', '\ud800'])
    for (const length of [1_364, 1_365, 1_366, 1_367, 5_000, 1])
      expect(digestOf(long.repeat(length))).toBe(
        createHmac('sha256', key).update(long.repeat(length)).digest('hex'),
      );
  expect(() => inputDigest(new Uint8Array(65))).toThrow(RangeError);
});
