// The format of a run manifest beside momoa and a JSON Schema of it: what one takes the other takes.
import { Ajv } from 'ajv';
import { parseStrictJson, StrictJsonError } from '../../../src/evidence/strict-json.ts';
import { runManifestFormat } from '../../../src/guards/run-manifest/run-manifest-format.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const text = { type: 'string', maxLength: 65_536 };
const name = { ...text, minLength: 1 };
const number = { type: 'number', minimum: 0 };
const instant = { type: 'string', instant: true };
const object = (properties: Readonly<Record<string, object>>, ...optional: readonly string[]): object => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter((key) => !optional.includes(key)),
  properties,
});
const artifact = object(
  {
    name,
    path: name,
    kind: name,
    exists: { type: 'boolean' },
    size_bytes: { type: ['integer', 'null'], minimum: 0 },
    sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  },
  'sha256',
);

/** RFC 3339 section 5.6 with capital letters, on a day that the calendar has. */
function isInstant(value: string): boolean {
  const [, day, hour, minute, second] =
    /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/.exec(value) ?? [];
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return false;
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

const schema = new Ajv({ allowUnionTypes: true })
  .addKeyword({
    keyword: 'instant',
    type: 'string',
    validate: (_on: boolean, value: string) => isInstant(value),
  })
  .compile(
    object({
      schema_version: { type: 'integer' },
      kind: name,
      run_id: name,
      path_id: name,
      label: text,
      status: name,
      command: object({
        label: text,
        argv: { type: 'array', items: text },
        cwd: text,
        env_overrides: { type: 'object', propertyNames: name, additionalProperties: text },
      }),
      environment: object({
        python_version: text,
        python_executable: text,
        platform: text,
        repo_root: text,
        active_app: text,
        app_name: text,
      }),
      timing: object({
        started_at: instant,
        finished_at: instant,
        duration_seconds: number,
        target_seconds: { ...number, type: ['number', 'null'] },
      }),
      artifacts: { type: 'array', maxItems: 1_024, items: artifact },
      validations: {
        type: 'array',
        maxItems: 1_024,
        items: object({ label: text, status: name, summary: text, details: { type: 'object' } }),
      },
      created_at: instant,
    }),
  );

const fractionAt = (path: readonly (string | number)[]): boolean =>
  path[0] === 'timing' || (path[0] === 'validations' && path[2] === 'details');

function ours(bytes: Uint8Array): boolean {
  try {
    return runManifestFormat.safeParse(parseStrictJson(bytes, { maxBytes: 1 << 20, fractionAt })).success;
  } catch (error) {
    if (error instanceof StrictJsonError) return false;
    throw error;
  }
}

function theirs(bytes: Uint8Array): boolean {
  const source = Buffer.from(bytes).toString('utf8');
  return Buffer.from(source).equals(bytes) && schema(oracleRead(source, { maxDepth: 32, fractionAt }));
}

const good = {
  schema_version: 1,
  kind: 'agilab.run_manifest',
  run_id: 'run-1',
  path_id: 'p',
  label: 'é',
  status: 'pass',
  command: { label: 'c', argv: ['python3', '-V'], cwd: '.', env_overrides: { API_KEY: '<redacted>' } },
  environment: {
    python_version: '3.12.0',
    python_executable: '/p',
    platform: 'linux',
    repo_root: '/r',
    active_app: '/a',
    app_name: 'a',
  },
  timing: {
    started_at: '2026-02-28T23:59:59Z',
    finished_at: '2026-03-01T00:00:01.5+00:00',
    duration_seconds: 1e-5,
    target_seconds: 600,
  },
  artifacts: [
    { name: 'm', path: 'm.csv', kind: 'file', exists: true, size_bytes: 15, sha256: '5f'.repeat(32) },
  ],
  validations: [{ label: 'v', status: 'pass', summary: 'ok', details: { ratio: 0.5, nested: [{ n: 1 }] } }],
  created_at: '2026-01-01T00:00:02Z',
};

export const target = {
  name: 'run-manifest',
  oracle: 'momoa, and ajv with a JSON Schema',
  seeds: [
    good,
    { ...good, artifacts: [], validations: [] },
    { ...good, timing: { ...good.timing, target_seconds: null } },
  ].map((manifest) => bytesOf(JSON.stringify(manifest))),
  words: [
    ...'{ } [ ] : , " 0 -1 1e3 0.5 1.0 null true false "" {} [] "details":{} "sha256":"" "extra":1, \\u0000 __proto__'.split(
      ' ',
    ),
    ...'2024-02-29T 2026-02-29T 2026-13-01T 24:00:00 23:59:60 00:00Z T00:00 t z +24:00 -00:00 +0000 .5 .Z 0000-01-01T'.split(
      ' ',
    ),
  ],
  fuzz(bytes) {
    const [mine, other] = [ours(bytes), theirs(bytes)];
    const show = (taken: boolean): string => (taken ? 'takes it' : 'refuses it');
    if (mine !== other) throw new Error(`ours ${show(mine)}, the oracle ${show(other)}`);
  },
} satisfies FuzzTarget;
