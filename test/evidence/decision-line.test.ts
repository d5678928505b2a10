// The line of a decision that is spelled by hand, against JSON.stringify and the published schema: it is that very text, or none.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decisionLine } from '../../src/evidence/decision-line.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { type DecisionRecord, evidenceRecord } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import { draft, ENVELOPE } from './support.ts';

const HEX = 'a'.repeat(64);
const decision = {
  ...draft(),
  ...ENVELOPE,
  input: { digest: HEX, redacted: [''] },
} as DecisionRecord;

/** Few of each, so that records come one after the other of which much, little or nothing is the same. */
const some = <Type>(...values: readonly Type[]): fc.Arbitrary<Type> => fc.constantFrom(...values);
const digest = some(
  HEX,
  '0123456789abcdef'.repeat(4),
  HEX.toUpperCase(),
  `${HEX}0`,
  HEX.slice(1),
  `${HEX}\n`,
);
const text = fc.oneof(
  some('bind', '', 'a"b', 'a\\b', 'x","reason":"y', 'é', '\u2028', '\ud800', '\n', '\u007f', 'x'.repeat(201)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
);
const texts = some<readonly string[]>([], [''], ['a', 'b'], ['a","b'], ['b', 'a'], Array(33).fill('x'));
const record: fc.Arbitrary<DecisionRecord> = fc
  .record({
    schema: some(ENVELOPE.schema, 'agilab.guard_evidence.v2'),
    seq: fc.oneof(fc.nat(), some(-1, -0, 0.5, 1e15, 999_999_999_999_999, Number.NaN)),
    prev: digest,
    id: fc.oneof(
      some('', decision.id, decision.id.toUpperCase()),
      fc.nat().map(() => uuidv7()),
    ),
    time: some(ENVELOPE.time, '2026-02-30T23:59:59.999Z', '2024-02-29T00:00:00.000Z', ''),
    monotonic: some(0, 1, 1.5, 2 ** 53),
    boot: text,
    host: text,
    writer: text,
    run: text,
    mode: some('enforce', 'drill', 'effect', ''),
    guard: fc.record({ id: text, version: text, codeDigest: digest }),
    dimension: text,
    decision: some('allow', 'refuse', 'error', 'allowed', 'a|b'),
    codes: texts,
    reason: text,
    subject: fc.option(
      fc.record({
        kind: text,
        name: fc.option(text, { nil: undefined }),
        digest: fc.option(
          digest.map((each) => `sha256:${each}`),
          { nil: undefined },
        ),
      }),
      { nil: undefined },
    ),
    method: some('none', 'fd-walk', 'fd'),
    input: fc.record({ digest, redacted: texts }),
    policyDigest: digest,
    replay: fc.record({ argv: texts }),
  })
  .map((each) => each as DecisionRecord);

/** Mostly right: of a record that is wrong in many places nothing more would be looked at. */
const nearly = fc
  .tuple(fc.constant(decision), record, fc.subarray(Object.keys(decision), { maxLength: 4 }))
  .map(([right, other, keys]) => ({
    ...right,
    ...Object.fromEntries(Object.entries(other).filter(([key]) => keys.includes(key) || key === 'subject')),
  }));

it('is what JSON.stringify gives, of a record that fits the schema, whatever the records before it were', () => {
  let spelled = 0;
  fc.assert(
    fc.property(fc.array(fc.oneof(record, nearly), { minLength: 2, maxLength: 6 }), (records) => {
      for (const each of records) {
        const line = decisionLine(each);
        if (line === undefined) continue;
        spelled++;
        expect(line).toBe(JSON.stringify(inOrder(each)));
        expect(evidenceRecord.safeParse(JSON.parse(line)).success).toBe(true);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(spelled).toBeGreaterThan(500);
});

/** With its members in the order of the schema, as a record is copied before it is spelled. */
function inOrder(each: DecisionRecord): object {
  return evidenceRecord.parse(each);
}

it('spells the record of a guard', () => {
  const subject = { kind: 'address', name: '127.0.0.1:8501' };
  const found = { kind: 'file', digest: `sha256:${HEX}` };
  for (const each of [
    decision,
    { ...decision, subject },
    { ...decision, subject: found, codes: ['a.b', 'c.d'] },
  ])
    expect(decisionLine(each)).toBe(JSON.stringify(inOrder(each)));
});

it('keeps no list that a caller has changed since', () => {
  const codes = ['a.b'];
  const first = encodeLine({ ...decision, codes });
  const kept = first?.record as DecisionRecord;
  (kept.codes as string[])[0] = 'x.y';
  expect(encodeLine({ ...decision, codes: ['x.y'] })?.line).toContain('"codes":["x.y"]');
  expect(encodeLine({ ...decision, codes })?.line).toBe(first?.line);
});

it.each<[string, Partial<DecisionRecord>]>([
  [
    'a drill',
    { mode: 'drill', probe: { drill: 'd', fault: '', expected: 'x', observed: 'x', passed: true } },
  ],
  ['a grant that was taken back', { of: uuidv7() }],
  ['a fixture', { replay: { argv: [], fixtureDigest: HEX } }],
  ['a text with a quotation mark', { reason: 'the decision was "allow"' }],
  ['a text beyond ASCII', { reason: 'é' }],
])('leaves %s to the grammar', (_what, over) => {
  expect(decisionLine({ ...decision, ...over })).toBeUndefined();
  expect(encodeLine({ ...decision, ...over })?.record).toEqual({ ...decision, ...over });
});
