// parseSidecar beside momoa and a JSON Schema of the format: what one takes the other takes, and with the same value.
import { isDeepStrictEqual } from 'node:util';
import { Ajv } from 'ajv';
import { parseSidecar } from '../../../src/capacity/sidecar.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const schema = new Ajv().compile({
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'algorithm', 'digest_sha256', 'model_file', 'size_bytes'],
  properties: {
    schema: { const: 'agilab.capacity_model_manifest.v1' },
    algorithm: { const: 'sha256' },
    digest_sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    model_file: {
      type: 'string',
      pattern: '^[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]{1,255}$',
      not: { enum: ['.', '..'] },
    },
    size_bytes: { type: 'integer', minimum: 0 },
  },
});

function ours(bytes: Uint8Array): unknown {
  try {
    return parseSidecar(bytes);
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

function theirs(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return undefined; // no UTF-8
  const value = oracleRead(text, { maxDepth: 4, fractionAt: () => false });
  return schema(value) ? value : undefined;
}

const DIGEST = '5f'.repeat(32);
const good = `{
  "algorithm": "sha256",
  "digest_sha256": "${DIGEST}",
  "model_file": "model.pkl",
  "schema": "agilab.capacity_model_manifest.v1",
  "size_bytes": 1942056
}
`;

export const target = {
  name: 'sidecar',
  oracle: 'momoa, and ajv with a JSON Schema',
  seeds: [good, JSON.stringify(JSON.parse(good)), good.replace('model.pkl', 'mod\\u00e8le .pkl')].map(
    bytesOf,
  ),
  words: [
    ...'{ } [ ] : , " 0 -1 -0 1e3 0.0 1942056.0 9007199254740992 null true "sha256" "SHA256" "sha512" "extra":1, \\u0000'.split(
      ' ',
    ),
    ...`"size_bytes":1,|"algorithm":"sha256",|\\u002f|\\u005c|"."|".."|/|\\|\u0085|\u00a0|\u{1f600}|${DIGEST}|5F|__proto__`.split(
      '|',
    ),
  ],
  fuzz(bytes) {
    const [mine, other] = [ours(bytes), theirs(bytes)];
    if (isDeepStrictEqual(mine, other)) return;
    const show = (value: unknown): string => (value === undefined ? 'refuses' : 'reads a value');
    throw new Error(`ours ${show(mine)}, the oracle ${show(other)}`);
  },
} satisfies FuzzTarget;
