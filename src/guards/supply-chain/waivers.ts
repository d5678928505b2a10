// What somebody has looked at and lets pass for a time: osv-scanner.toml, OpenVEX, or a CycloneDX VEX. A waiver without a
// reason is none, and every waiver ends: where its format has no end, it ends 90 days after it was written.
import * as z from 'zod';
import { Departure, parseAs } from './packages.ts';
import { readPurl } from './sbom.ts';

export interface Waiver {
  readonly ids: readonly string[];
  /** `ecosystem:name`, with `@version` where it is stated; empty for any package. */
  readonly packages: readonly string[];
  /** Unix milliseconds. */
  readonly until: number;
  /** When it was written, where its format says so. One from the future would never end. */
  readonly from?: number | undefined;
}

const DAY = 86_400_000;
/** More are no list that anybody looks at. */
const MAX_WAIVERS = 1_000;
const LIFETIME = 90 * DAY;
const lasting = (from: number): Pick<Waiver, 'from' | 'until'> => ({ from, until: from + LIFETIME });

const id = z.string().regex(/^[A-Za-z0-9][\w:.-]{0,199}$/);
const reason = z.string().trim().min(1).max(65_536);
const time = z.iso.datetime({ offset: true });

const osvConfig = z.strictObject({
  IgnoredVulns: z.array(z.strictObject({ id, ignoreUntil: z.date(), reason })),
});

const openVex = z.looseObject({
  '@context': z.string().startsWith('https://openvex.dev/ns'),
  timestamp: time,
  statements: z.array(
    z.looseObject({
      vulnerability: z.looseObject({ name: id, aliases: z.array(id).optional() }),
      products: z.array(z.looseObject({ '@id': z.string().max(4_096) })).min(1),
      status: z.enum(['not_affected', 'affected', 'fixed', 'under_investigation']),
      justification: reason.optional(),
      impact_statement: reason.optional(),
      timestamp: time.optional(),
    }),
  ),
});

const cycloneVex = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  metadata: z.looseObject({ timestamp: time }),
  vulnerabilities: z.array(
    z.looseObject({
      id,
      affects: z.array(z.looseObject({ ref: z.string().max(4_096) })).min(1),
      analysis: z.looseObject({
        state: z.string(),
        justification: reason.optional(),
        detail: reason.optional(),
        lastUpdated: time.optional(),
      }),
    }),
  ),
});

/** Returns `npm:name@version` of a package URL. What names no package of ours matches nothing. */
function productOf(purl: string): string {
  const known = readPurl(purl);
  return known ? `${known.ecosystem}:${known.name}@${known.version}` : 'nothing:';
}

/** A reference is a bom-ref, behind `#` where it is a BOM-Link; npm writes `name@version`. */
function affected(ref: string): string {
  const plain = ref.split('#').at(-1) ?? '';
  return plain.startsWith('pkg:') ? productOf(plain) : `npm:${plain}`;
}

async function readToml(bytes: Uint8Array): Promise<readonly Waiver[]> {
  const { parse } = await import('smol-toml'); // loaded with the first such file
  let toml: unknown;
  try {
    toml = parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Departure('not TOML');
  }
  const { success, data } = osvConfig.safeParse(toml);
  if (!success)
    throw new Departure('it holds more, or less, than IgnoredVulns with id, ignoreUntil and reason');
  return data.IgnoredVulns.map((vuln) => ({
    ids: [vuln.id],
    packages: [],
    until: vuln.ignoreUntil.getTime(),
  }));
}

function readOpenVex(bytes: Uint8Array): readonly Waiver[] {
  const { timestamp, statements } = parseAs(bytes, openVex);
  return statements.flatMap((statement): readonly Waiver[] => {
    const { vulnerability, products, status, justification, impact_statement: impact } = statement;
    const waives =
      status === 'fixed' || (status === 'not_affected' && (justification ?? impact) !== undefined);
    if (!waives) return [];
    const from = Date.parse(statement.timestamp ?? timestamp);
    const ids = [vulnerability.name, ...(vulnerability.aliases ?? [])];
    return [{ ids, packages: products.map((product) => productOf(product['@id'])), ...lasting(from) }];
  });
}

/** What CycloneDX calls a finding that needs nothing more. */
export const SETTLED: ReadonlySet<string> = new Set([
  'resolved',
  'resolved_with_pedigree',
  'false_positive',
  'not_affected',
]);

function readCycloneVex(bytes: Uint8Array): readonly Waiver[] {
  const { metadata, vulnerabilities } = parseAs(bytes, cycloneVex);
  return vulnerabilities.flatMap((entry): readonly Waiver[] => {
    const { state, justification, detail, lastUpdated } = entry.analysis;
    if (!SETTLED.has(state) || (justification ?? detail) === undefined) return [];
    const from = Date.parse(lastUpdated ?? metadata.timestamp);
    return [{ ids: [entry.id], packages: entry.affects.map(({ ref }) => affected(ref)), ...lasting(from) }];
  });
}

/** Returns the waivers of a file, whose format its content shows. @throws StrictJsonError, Departure. */
export async function readWaivers(bytes: Uint8Array): Promise<readonly Waiver[]> {
  const waivers = await readAny(bytes);
  if (waivers.length > MAX_WAIVERS) throw new Departure(`more than ${MAX_WAIVERS} waivers`);
  return waivers;
}

async function readAny(bytes: Uint8Array): Promise<readonly Waiver[]> {
  if (bytes[0] !== 0x7b) return await readToml(bytes); // "{"
  const json = parseAs(bytes, z.looseObject({}));
  return '@context' in json ? readOpenVex(bytes) : readCycloneVex(bytes);
}
