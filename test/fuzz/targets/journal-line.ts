// The reader of journal lines beside momoa and ajv with the published schema: what ours takes, both take, with one value,
// and it is the only way to write that value.
import { isDeepStrictEqual } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { decodeLine, encodeLine, readHead } from '../../../src/evidence/line.ts';
import { evidenceRecordJsonSchema } from '../../../src/evidence/record.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const schema = new Ajv2020({ validateFormats: false }).compile(evidenceRecordJsonSchema());

const HEX = '0123456789abcdef'.repeat(4);
const ID = '01a21829-637a-7626-948f-a5146f473778';
const place = {
  schema: 'agilab.guard_evidence.v1',
  seq: 7,
  prev: HEX,
  id: ID,
  time: '2026-02-28T23:59:59.999Z',
  monotonic: 1,
  boot: 'b',
  host: 'h',
  writer: '1@2',
  run: 'r',
};
const records = [
  {
    ...place,
    mode: 'repair',
    codes: ['journal.torn-tail'],
    reason: 'é \u2028 "q" \\ 😀\n',
    subject: { kind: 'k', name: 'n' },
  },
  { ...place, mode: 'effect', of: ID, kind: 'remote-run', outcome: 'unknown', codes: [], reason: '' },
  {
    ...place,
    mode: 'enforce',
    guard: { id: 'bind', version: '1', codeDigest: HEX },
    dimension: 'd',
    decision: 'refuse',
    codes: ['bind.wildcard'],
    reason: 'all addresses',
    method: 'none',
    input: { digest: HEX, redacted: [''] },
    policyDigest: HEX,
    replay: { argv: ['a'] },
  },
];

export const target = {
  name: 'journal-line',
  oracle: 'momoa, and ajv with the published JSON Schema',
  seeds: records.map((record) => bytesOf(encodeLine(record)?.line ?? '')),
  words: [
    ...'{ } [ ] : , " \\ 0 -1 -0 1e3 0.0 007 9007199254740993 null true "seq":7, "mode":"run", \\u0000 \\u2028 \\u009b \\n \\/ \\ud83d'.split(
      ' ',
    ),
    '\u0085',
    '\u2028',
    '\u202e',
    '\u009b',
    '\ufeff',
    '\r',
    '\n',
    '\t',
    ' ',
    '\u0000',
  ],
  fuzz(bytes) {
    const record = decodeLine(bytes);
    if ((readHead(bytes) === undefined) !== (record === undefined)) throw new Error('the two readers differ');
    if (record === undefined) return;
    const text = Buffer.from(bytes).toString('utf8');
    const theirs = oracleRead(text, { maxDepth: 8, fractionAt: () => false });
    if (!schema(theirs)) throw new Error('accepts what the schema refuses');
    if (!isDeepStrictEqual(theirs, record)) throw new Error('reads another value');
    if (encodeLine(record)?.line !== text) throw new Error('accepts a second spelling');
  },
} satisfies FuzzTarget;
