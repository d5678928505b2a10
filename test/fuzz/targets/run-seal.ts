// The seal of a run beside momoa and a JSON Schema of it: what one takes the other takes, and what was taken is written
// back with the same meaning.
import { isDeepStrictEqual } from 'node:util';
import { Ajv } from 'ajv';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { StrictJsonError } from '../../../src/evidence/strict-json.ts';
import { encodeSeal, readSeal, type Seal } from '../../../src/guards/run-manifest/seal-format.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const FILE = {
  type: 'object',
  additionalProperties: false,
  required: ['path', 'size_bytes', 'sha256'],
  properties: {
    path: { type: 'string', minLength: 1, maxLength: 4_096 },
    size_bytes: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  },
};
const matches = new Ajv().compile({
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'manifest', 'files'],
  properties: {
    schema: { const: 'agilab.run_manifest_seal.v1' },
    manifest: FILE,
    files: { type: 'array', items: FILE },
  },
});

function theirs(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return undefined; // no UTF-8
  const value = oracleRead(text, { maxDepth: 4, fractionAt: () => false });
  if (value === undefined || !matches(value)) return undefined;
  const paths = (value as Seal).files.map(({ path }) => path);
  const sorted = [...new Set(paths)].sort(); // by code units, each once
  return isDeepStrictEqual(paths, sorted) ? value : undefined;
}

function ours(bytes: Uint8Array): Seal | undefined {
  try {
    return readSeal(bytes);
  } catch (error) {
    if (error instanceof StrictJsonError || (error instanceof CodedError && error.code === 'seal.malformed'))
      return undefined;
    throw error;
  }
}

const file = (path: string): object => ({ path, size_bytes: 8, sha256: 'a'.repeat(64) });
const seal = (...paths: readonly string[]): string =>
  JSON.stringify({
    schema: 'agilab.run_manifest_seal.v1',
    manifest: file('run_manifest.json'),
    files: paths.map(file),
  });

export const target = {
  name: 'run-seal',
  oracle: 'momoa and Ajv',
  seeds: [
    seal(),
    seal('log/x.txt', 'plot.csv'),
    seal('plot.csv', 'plot.csv'),
    seal('b', 'a'),
    seal('\u00e9', '\ud83d\ude00', '\uffee'),
  ].map(bytesOf),
  words: [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"path"',
    '"files":[]',
    '0',
    '-1',
    '1.0',
    '9007199254740992',
    'null',
    '\ufeff',
    '\\u0061',
    'A',
  ],
  fuzz(bytes) {
    const [mine, other] = [ours(bytes), theirs(bytes)];
    if (!isDeepStrictEqual(mine, other))
      throw new Error(mine ? 'ours alone takes it' : 'the oracle alone takes it');
    if (mine && !isDeepStrictEqual(JSON.parse(encodeSeal(mine)), other))
      throw new Error('written back otherwise');
  },
} satisfies FuzzTarget;
