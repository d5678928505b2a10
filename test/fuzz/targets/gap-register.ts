// Registers of gaps, of either version.
import { readFileSync } from 'node:fs';
import { parseRegister } from '../../../src/scorecard/register.ts';
import { strictFile } from '../json-file.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const text = { type: 'string', minLength: 1 };
const gap = {
  type: 'object',
  additionalProperties: false,
  required: ['id', 'severity', 'status', 'surface', 'production_boundary', 'evidence_required'],
  properties: {
    id: { type: 'string', pattern: '^[a-z0-9][a-z0-9-]*$' },
    severity: { enum: ['P0', 'P1', 'P2'] },
    status: { enum: ['open', 'conditional', 'shipped'] },
    surface: text,
    production_boundary: text,
    owner: text,
    opened: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\d$` },
    reviewed: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\d$` },
    words: { type: 'array', items: text },
    evidence_required: { type: 'array', minItems: 1 },
  },
};
const mandatory = (id: string): object => ({
  contains: { type: 'object', properties: { id: { const: id } }, required: ['id'] },
});
const own = readFileSync('data/hardening-gaps.json', 'utf8');
const older = JSON.parse(own);
const v1 = {
  schema: 'agilab.architecture_hardening_gaps.v1',
  supported_score: '4.7 / 5',
  scope: older.scope,
  gaps: older.gaps.map(
    ({ owner: _o, opened: _d, reviewed: _r, words: _w, ...rest }: Record<string, unknown>) => ({
      ...rest,
      evidence_required: ['a sentence'],
    }),
  ),
};

export const target = {
  name: 'gap-register',
  oracle: 'JSON.parse and ajv',
  seeds: [own, JSON.stringify(v1), JSON.stringify(JSON.parse(own))].map(bytesOf),
  words:
    '"status":"shipped",|"id":"tenant-isolation",|"severity":"P2"|[]|{}|null|,|"|\\u0000|"evidence":["drill:a/b"]|-0|1e1'.split(
      '|',
    ),
  fuzz: strictFile(
    parseRegister,
    {
      type: 'object',
      required: ['schema', 'scope', 'gaps'],
      properties: {
        schema: { enum: ['agilab.architecture_hardening_gaps.v1', 'agilab.architecture_hardening_gaps.v2'] },
        gaps: {
          type: 'array',
          items: gap,
          allOf: [
            'tenant-isolation',
            'enterprise-auth-rbac',
            'production-rollback',
            'regulated-serving',
            'capacity-model-signature',
          ].map(mandatory),
        },
      },
    },
    /^(?:register|json)\./,
  ),
} satisfies FuzzTarget;
