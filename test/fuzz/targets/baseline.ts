// Earlier scorecards, once their signature was taken off.
import { parseBaseline } from '../../../src/scorecard/baseline.ts';
import { strictFile } from '../json-file.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const sample = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [],
  predicateType: 'urn:agilab-guardrails:architecture-scorecard:v2',
  predicate: {
    schema: 'agilab.architecture_scorecard.v2',
    scorer: { version: 4 },
    score: { milli: 4_700 },
    context: { codeDigest: 'c'.repeat(64) },
    claims: {
      schema: 'agilab.guard_claims.v1',
      dimensions: [{ id: 'r', letters: 'RR', label: 'r', weight: 1, probes: ['b'] }],
      claims: [{ guard: 'b', policyDigest: 'b'.repeat(64), timeToLive: 60, drills: [], mutants: [] }],
    },
    probes: [{ probe: 'b', grade: 'E4', evidence: ['1'] }],
    register: {
      gaps: [
        {
          id: 'g',
          severity: 'P1',
          status: 'open',
          surface: 's',
          production_boundary: 'p',
          evidence_required: [{ requirement: 'x', evidence: [] }],
          counted: 'open',
          why: 'w',
          penalty: 150,
        },
      ],
    },
    suite: [{ path: 'a.test.ts', tests: 1, assertions: 2, digest: 'd'.repeat(64) }],
  },
};

export const target = {
  name: 'baseline',
  oracle: 'JSON.parse and ajv',
  seeds: [JSON.stringify(sample)].map(bytesOf),
  words:
    '"milli":5001|"milli":0,|"E0"|"E5"|"penalty":0|"counted":"shipped"|{}|[]|null|,|"version":0|"__proto__":{}'.split(
      '|',
    ),
  fuzz: strictFile(
    parseBaseline,
    {
      type: 'object',
      required: ['_type', 'predicateType', 'predicate'],
      properties: {
        _type: { const: 'https://in-toto.io/Statement/v1' },
        predicate: {
          type: 'object',
          required: ['schema', 'scorer', 'score', 'context', 'claims', 'probes', 'register', 'suite'],
          properties: {
            score: {
              type: 'object',
              properties: { milli: { type: 'integer', minimum: 0, maximum: 5_000 } },
              required: ['milli'],
            },
            probes: {
              type: 'array',
              items: {
                type: 'object',
                properties: { grade: { enum: ['E0', 'E1', 'E2', 'E3', 'E4'] } },
                required: ['probe', 'grade', 'evidence'],
              },
            },
          },
        },
      },
    },
    /^(?:baseline|json)\./,
  ),
} satisfies FuzzTarget;
