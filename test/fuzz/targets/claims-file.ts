// Files of claims, as a deployment may write its own.
import { parseClaims } from '../../../src/scorecard/claims.ts';
import { strictFile } from '../json-file.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const sample = {
  schema: 'agilab.guard_claims.v1',
  dimensions: [
    { id: 'a-row', letters: 'AR', label: 'A row', weight: 1, probes: ['acme/a'], restsOn: ['b'] },
    { id: 'b-row', letters: 'BR', label: 'B row', weight: 2, probes: ['b'] },
  ],
  claims: [
    {
      guard: 'acme/a',
      policyDigest: 'a'.repeat(64),
      timeToLive: 60,
      drills: [{ id: 'x', expects: 'allow' }],
      mutants: ['m'],
    },
    { guard: 'b', policyDigest: 'b'.repeat(64), timeToLive: 60, live: 'package', drills: [], mutants: [] },
  ],
};
const name = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_./:+-]*$' };
const names = { type: 'array', items: name, uniqueItems: true };

export const target = {
  name: 'claims-file',
  oracle: 'JSON.parse and ajv',
  seeds: [JSON.stringify(sample), JSON.stringify(sample, null, 1)].map(bytesOf),
  words:
    '"weight":0|"weight":1000|"probes":[]|"b"|"acme/a"|{}|[]|null|,|"restsOn":[]|1.0|-1|"__proto__":1,'.split(
      '|',
    ),
  fuzz: strictFile(
    parseClaims,
    {
      type: 'object',
      additionalProperties: false,
      required: ['schema', 'dimensions', 'claims'],
      properties: {
        schema: { const: 'agilab.guard_claims.v1' },
        dimensions: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['id', 'letters', 'label', 'weight', 'probes'],
            properties: { weight: { type: 'integer', minimum: 1 }, probes: names, restsOn: names },
          },
        },
        claims: {
          type: 'array',
          items: {
            type: 'object',
            required: ['guard', 'policyDigest', 'timeToLive', 'drills', 'mutants'],
            properties: { guard: name, timeToLive: { type: 'integer', minimum: 1 }, mutants: names },
          },
        },
      },
    },
    /^(?:claims|json)\./,
  ),
} satisfies FuzzTarget;
