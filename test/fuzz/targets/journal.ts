// The reader of whole journals beside the bytes that were signed: no line is called sealed that is not one of those, none
// is left out, and where the file was cut into pieces makes no difference.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { signCheckpoint } from '../../../src/evidence/checkpoint.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { encodeLine } from '../../../src/evidence/line.ts';
import { verifyJournal } from '../../../src/evidence/verify-native.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const signer = generateSigner('agilab-guardrails/fuzz');
const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

/** Five short lines; four of them are signed. */
const lines: string[] = [];
for (let seq = 0; seq < 5; seq++) {
  const prev = seq === 0 ? '0'.repeat(64) : sha256(Buffer.from(lines[seq - 1] ?? '')).toString('hex');
  const encoded = encodeLine({
    schema: 'agilab.guard_evidence.v1',
    seq,
    prev,
    id: `01a21829-637a-7626-948f-a5146f47377${seq}`,
    time: '2026-02-28T23:59:59.999Z',
    monotonic: seq,
    boot: 'b',
    host: 'h',
    writer: '1@2',
    run: 'r',
    mode: 'repair',
    codes: [],
    reason: `line ${seq}`,
  });
  lines.push(encoded?.line ?? '');
}
const SIGNED = 4;
const [a, b, c, d] = lines.map((line) => sha256(Buffer.of(0), Buffer.from(line))) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];
const root = node(node(a, b), node(c, d));
const checkpoint = signCheckpoint({ origin: 'fuzz', size: SIGNED, root }, signer);
const textOf = (some: readonly string[]): string => some.map((line) => `${line}\n`).join('');
const signed = textOf(lines.slice(0, SIGNED));
const pins = [{ vkey: signer.vkey, host: 'h' }];

export const target = {
  name: 'journal',
  oracle: 'the bytes that were signed',
  seeds: [signed, textOf(lines), signed.slice(0, -1), textOf(lines.toReversed())].map(bytesOf),
  words: [
    '\n',
    '\r\n',
    '\n\n',
    '\u0000',
    ...lines,
    ...lines.map((line) => `${line}\n`),
    '"seq":4',
    '"mode":"run"',
  ],
  async fuzz(bytes) {
    const judge = (pieces: readonly Uint8Array[]): ReturnType<typeof verifyJournal> =>
      verifyJournal({ segments: [{ first: 0, bytes: () => pieces }], checkpoint }, { pins, now: 0 });
    const verdict = await judge([bytes]);
    const middle = bytes.length >> 1;
    if (!isDeepStrictEqual(await judge([bytes.subarray(0, middle), bytes.subarray(middle)]), verdict))
      throw new Error('says something else of two pieces');
    const text = Buffer.from(bytes).toString('latin1');
    if (verdict.ok !== (text === signed))
      throw new Error(verdict.ok ? 'believes what was not signed' : 'denies what was');
    if (verdict.size !== text.split('\n').length - 1) throw new Error('counts other lines');
    const sealed = verdict.lines.filter((each) => each.sealed).map(({ record }) => JSON.stringify(record));
    if (sealed.length > 0 && !(text.startsWith(signed) && isDeepStrictEqual(sealed, lines.slice(0, SIGNED))))
      throw new Error('calls a line sealed that was not signed');
    if (text.startsWith(signed) && verdict.problems.some(({ line = 0 }) => line > 0 && line <= SIGNED - 1))
      throw new Error('finds fault with a line that was signed');
  },
} satisfies FuzzTarget;
