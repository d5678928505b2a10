// The reports of npm audit, pip-audit and OSV-Scanner beside momoa and a JSON Schema of each: what one takes the other takes, and
// no advisory of pip-audit is lost on the way.
import { isDeepStrictEqual } from 'node:util';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { StrictJsonError } from '../../../src/evidence/strict-json.ts';
import { Departure } from '../../../src/guards/supply-chain/packages.ts';
import { readReport } from '../../../src/guards/supply-chain/vulnerability-report.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const text = { type: 'string', maxLength: 1_048_576 };
const id = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_:.-]{0,199}$' };
const version = { type: 'string', pattern: '^[A-Za-z0-9_.+!-]{1,256}$' };
const name = { type: 'string', pattern: '^(?:@[A-Za-z0-9_.~-]{1,214}/)?[A-Za-z0-9_.~-]{1,214}$' };
const total = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const object = (properties: object, optional: object = {}): object => ({
  type: 'object',
  required: Object.keys(properties),
  properties: { ...properties, ...optional },
});
const list = (items: object): object => ({ type: 'array', items });
const closed = (properties: object): object => ({ ...object(properties), additionalProperties: false });

const SEVERITIES = ['info', 'low', 'moderate', 'high', 'critical'];

const REPORTS = {
  'npm-audit': object({
    auditReportVersion: { const: 2 },
    vulnerabilities: {
      type: 'object',
      additionalProperties: object({
        name,
        via: {
          type: 'array',
          minItems: 1,
          items: { anyOf: [{ type: 'string' }, object({ source: total, name }, { url: text })] },
        },
      }),
    },
    metadata: object({
      vulnerabilities: object(Object.fromEntries([...SEVERITIES, 'total'].map((key) => [key, total]))),
      dependencies: object({ total }),
    }),
  }),
  'pip-audit': object({
    dependencies: list({
      anyOf: [
        closed({ name: text, version, vulns: list(object({ id }, { aliases: list(id) })) }),
        closed({ name: text, skip_reason: text }),
      ],
    }),
  }),
  'osv-scanner': object({
    results: list(
      object({
        packages: list(
          object(
            { package: object({ name: text, version: text, ecosystem: text }) },
            { vulnerabilities: list(object({ id }, { aliases: list(id), withdrawn: text })) },
          ),
        ),
      }),
    ),
  }),
};

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);
const time = { type: 'string', format: 'date-time' };
const matches = ajv.compile({
  anyOf: Object.entries(REPORTS).map(([tool, report]) =>
    closed({
      schema: { const: 'agilab.vulnerability_report.v1' },
      tool: { const: tool },
      tool_version: version,
      created_at: time,
      database_time: { anyOf: [time, { type: 'null' }] },
      sbom_sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
      report,
    }),
  ),
});

/**
 * Times that ours refuses alone: a leap second and `t` for `T` are in RFC 3339 and not in JavaScript; a blank and an offset
 * without a colon are in neither, and ajv takes them.
 */
const ODD_TIME = /:60|[tz ]|[+-]\d\d(?:\d\d)?$/;

function theirs(bytes: Uint8Array): Document | undefined {
  const decoded = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(decoded).equals(bytes)) return undefined;
  const value = oracleRead(decoded, { maxDepth: 256, fractionAt: () => true });
  if (value === undefined || !matches(value)) return undefined;
  const document = value as Document;
  return document.tool !== 'npm-audit' || isWhole(document.report as NpmAudit) ? document : undefined;
}

interface Document {
  readonly tool: keyof typeof REPORTS;
  readonly created_at: string;
  readonly database_time: string | null;
  readonly report: unknown;
}

interface NpmAudit {
  readonly vulnerabilities: Readonly<Record<string, { readonly via: readonly (string | object)[] }>>;
  readonly metadata: { readonly vulnerabilities: Readonly<Record<string, number>> };
}

/** Whether the findings of npm audit are as many as it counts, and each goes back to an advisory by way of others that are there. */
function isWhole({ vulnerabilities, metadata: { vulnerabilities: counts } }: NpmAudit): boolean {
  const open = new Set(Object.keys(vulnerabilities));
  if (open.size !== counts['total']) return false;
  if (SEVERITIES.reduce((sum, severity) => sum + (counts[severity] ?? 0), 0) !== open.size) return false;
  const vias = Object.values(vulnerabilities).flatMap(({ via }) => via);
  if (vias.some((cause) => typeof cause === 'string' && !open.has(cause))) return false;
  for (let before = open.size + 1; open.size < before; ) {
    before = open.size;
    for (const name of open)
      if (vulnerabilities[name]?.via.some((cause) => typeof cause !== 'string' || !open.has(cause)))
        open.delete(name);
  }
  return open.size === 0;
}

/** The advisories of a report of pip-audit, in their order. */
function idsIn(report: unknown): readonly string[] {
  const { dependencies } = report as { dependencies: { vulns?: { id: string }[] }[] };
  return dependencies.flatMap(({ vulns = [] }) => vulns.map(({ id }) => id));
}

const report = (tool: keyof typeof REPORTS, content: object): Uint8Array =>
  bytesOf(
    JSON.stringify({
      schema: 'agilab.vulnerability_report.v1',
      tool,
      tool_version: '1.2.3',
      created_at: '2026-01-02T03:04:05.678Z',
      database_time: tool === 'npm-audit' ? null : '2026-01-02T03:04:05+01:00',
      sbom_sha256: 'a'.repeat(64),
      report: content,
    }),
  );

const via = { source: 1, name: 'b', url: 'https://github.com/advisories/GHSA-2222-3333-4444' };
export const target = {
  name: 'audit-report',
  oracle: 'momoa and Ajv',
  seeds: [
    report('npm-audit', {
      auditReportVersion: 2,
      vulnerabilities: { a: { name: 'a', via: ['b'] }, b: { name: '@b/c', via: [via] } },
      metadata: {
        vulnerabilities: { info: 0, low: 0, moderate: 1, high: 1, critical: 0, total: 2 },
        dependencies: { total: 9 },
      },
    }),
    report('pip-audit', {
      dependencies: [
        { name: 'A.b', version: '1.0', vulns: [{ id: 'PYSEC-1', aliases: ['CVE-1'] }] },
        { name: 'c', skip_reason: 'why' },
      ],
    }),
    report('osv-scanner', {
      results: [
        {
          packages: [
            {
              package: { name: 'a', version: '1', ecosystem: 'npm' },
              vulnerabilities: [
                { id: 'GHSA-1', aliases: [] },
                { id: 'GHSA-2', withdrawn: '2026' },
              ],
            },
            { package: { name: 'b', version: '2', ecosystem: 'PyPI' } },
          ],
        },
      ],
    }),
  ],
  words: [
    ...'{ } [ ] : , " 0 -1 1.5 1e400 null true false "" {} [] "id":"a", "via":[], "withdrawn":"", "skip_reason":"", \\u0061 __proto__ "__proto__":{},'.split(
      ' ',
    ),
    ...'npm-audit pip-audit osv-scanner PyPI npm Go +01:00 .5Z "aliases":["x"], "total":0, "total":9007199254740992'.split(
      ' ',
    ),
  ],
  fuzz(bytes) {
    const document = theirs(bytes);
    const isOdd = [document?.created_at, document?.database_time].some(
      (stamp) => stamp && ODD_TIME.test(stamp),
    );
    let ours: ReturnType<typeof readReport> | undefined;
    try {
      ours = readReport(bytes);
    } catch (error) {
      if (!(error instanceof StrictJsonError || error instanceof Departure)) throw error;
    }
    if (!ours && document && !isOdd) throw new Error('the oracle alone takes it');
    if (ours && !document) throw new Error('ours alone takes it');
    if (!ours || !document || ours.tool !== 'pip-audit') return;
    const found = ours.findings.map(({ ids }) => ids[0]);
    if (!isDeepStrictEqual(found, idsIn(document.report))) throw new Error('an advisory was lost');
  },
} satisfies FuzzTarget;
