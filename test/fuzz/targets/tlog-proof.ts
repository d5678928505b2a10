// The reader of proofs beside RFC 9162 section 2.1.3.2, written down here once more: what ours believes follows from the
// bytes that it was given.
import { createHash } from 'node:crypto';
import { signCheckpoint } from '../../../src/evidence/checkpoint.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { encodeLine } from '../../../src/evidence/line.ts';
import { native } from '../../../src/evidence/native.ts';
import { encodeProof, type ProvenRecord, verifyProof } from '../../../src/evidence/tlog-proof.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const signer = generateSigner('agilab-guardrails/fuzz');
const sha256 = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const line = (seq: number): Buffer =>
  Buffer.from(
    encodeLine({
      schema: 'agilab.guard_evidence.v1',
      seq,
      prev: 'a'.repeat(64),
      id: '01a21829-637a-7626-948f-a5146f473778',
      time: '2026-02-28T23:59:59.999Z',
      monotonic: 1,
      boot: 'b',
      host: 'h',
      writer: '1@2',
      run: 'r',
      mode: 'repair',
      codes: [],
      reason: '',
    })?.line ?? '',
  );
const leaf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);
const leaves = [0, 1, 2].map((seq) => leaf(line(seq)));
const [a = Buffer.of(), b = Buffer.of(), c = Buffer.of()] = leaves;
const noteOf = (size: number, root: Uint8Array): string =>
  signCheckpoint({ origin: 'fuzz', size, root }, signer);
const three = noteOf(3, node(node(a, b), c));

/** The root that a leaf and its path lead to, and whether the path has the length that it must have. */
function rootFrom(entry: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer | undefined {
  let [fn, sn, r] = [BigInt(index), BigInt(size) - 1n, leaf(entry)];
  for (const p of path) {
    if (sn === 0n) return undefined;
    if (fn & 1n || fn === sn) {
      r = node(p, r);
      if (!(fn & 1n)) while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else r = node(r, p);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? r : undefined;
}

export const target = {
  name: 'tlog-proof',
  oracle: 'RFC 9162, written down again',
  seeds: [
    encodeProof({ entry: line(0), index: 0, path: [b, c], note: three }),
    encodeProof({ entry: line(1), index: 1, path: [a, c], note: three }),
    encodeProof({ entry: line(2), index: 2, path: [node(a, b)], note: three }),
    encodeProof({ entry: line(0), index: 0, path: [], note: noteOf(1, a) }),
  ].map(bytesOf),
  words: [
    '\n',
    '\n\n',
    'extra ',
    'index ',
    'index 0\n',
    'index 1\n',
    'c2sp.org/tlog-proof@v1',
    '=',
    'AAAA',
    ...leaves.map((hash) => `${hash.toString('base64')}\n`),
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    let proven: ProvenRecord;
    try {
      proven = verifyProof(text, [signer.vkey], native);
    } catch (error) {
      if (error instanceof CodedError) return;
      throw error;
    }
    const [, extra = '', position = '', ...rest] = text.split('\n');
    const path = rest.slice(0, rest.indexOf('')).map((each) => Buffer.from(each, 'base64'));
    const entry = Buffer.from(extra.slice('extra '.length), 'base64');
    const { size, root } = proven.checkpoint.claimed;
    const led = rootFrom(entry, Number(position.slice('index '.length)), size, path);
    if (!led?.equals(root)) throw new Error('believes a path that does not lead to the signed root');
    if (JSON.stringify(JSON.parse(entry.toString('utf8'))) !== JSON.stringify(proven.record))
      throw new Error('returns another record than the proof holds');
  },
} satisfies FuzzTarget;
