// Guards what a project is made of: an SBOM lists exactly what the lock pins, with the same digests, and reports about that
// very SBOM, fresh and whole, find nothing that nobody has looked at.
import * as z from 'zod';
import { observeFile } from '../../files/walk.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { MAX_DOCUMENT, type Reading, reading, readNpmLock, readRequirements } from './packages.ts';
import { readSbom } from './sbom.ts';
import { type Hashed, type SupplyChainFacts, supplyChainRules } from './supply-chain-rules.ts';
import { readReport } from './vulnerability-report.ts';
import { readWaivers } from './waivers.ts';

export interface SupplyChainRequest {
  /** Absolute path of a directory that this process trusts. All other paths are relative to it. */
  readonly root: string;
  readonly lock: {
    /** `npm`: package-lock.json, version 2 or 3. `requirements`: one pinned version a line, with hashes. */
    readonly kind: 'npm' | 'requirements';
    readonly path: string;
    /** Where tarballs of npm may come from, each an address with a slash at its end. Default: npm's own registry. */
    readonly registries?: readonly string[] | undefined;
  };
  /** CycloneDX 1.4 to 1.7, JSON. */
  readonly sbom: string;
  /**
   * Envelopes `agilab.vulnerability_report.v1`. `none` asks about lock and SBOM alone, and the grant says that nothing was
   * audited.
   */
  readonly reports: readonly string[] | 'none';
  /** osv-scanner.toml, OpenVEX or CycloneDX VEX. */
  readonly waivers?: string | undefined;
  /** Oldest report, in days: 1 to 90. Default 7. */
  readonly maxAgeDays?: number | undefined;
}

const supplyChainRequest: z.ZodType<SupplyChainRequest> = z.strictObject({
  root: path,
  lock: z.strictObject({
    kind: z.enum(['npm', 'requirements']),
    path,
    registries: z
      .array(
        z
          .string()
          .max(1_024)
          .regex(/^https:\/\/[\w.-]+(?::\d{1,5})?\/(?:[\w.~@%+-]+\/)*$/),
      )
      .min(1)
      .max(16)
      .optional(),
  }),
  sbom: path,
  reports: z.union([z.array(path).min(1).max(16), z.literal('none')]),
  waivers: path.optional(),
  maxAgeDays: z.int().min(1).max(90).optional(),
});

const DEFAULT_AGE_DAYS = 7;

/** Looks at every file once. */
export async function observeSupplyChain(
  { root, lock, sbom, reports, waivers, maxAgeDays = DEFAULT_AGE_DAYS }: SupplyChainRequest,
  signal: AbortSignal,
): Promise<SupplyChainFacts> {
  const files: { what: string; file: Hashed }[] = [];
  const look = async (what: string, relative: string): Promise<Uint8Array | undefined> => {
    const { bytes, ...file } = await observeFile(root, relative, { maxBytes: MAX_DOCUMENT, signal });
    files.push({ what, file });
    return bytes;
  };
  const lockRead = await reading(await look('lock', lock.path), (bytes) =>
    lock.kind === 'npm' ? readNpmLock(bytes, lock.registries) : readRequirements(bytes),
  );
  // npm takes it instead of a package-lock.json that lies beside it.
  const other = lock.path.replace(/(?<=^|\/)package-lock\.json$/, 'npm-shrinkwrap.json');
  const isShadowed =
    other !== lock.path &&
    (await observeFile(root, other, { maxBytes: 0, signal })).stopped?.kind !== 'missing';
  const sbomRead = await reading(await look('SBOM', sbom), readSbom);
  const sbomDigest = files.at(-1)?.file.digest;
  const reportsRead: Reading<ReturnType<typeof readReport>>[] = [];
  // One after the other, so that no more than one is in memory.
  if (reports !== 'none')
    for (const report of reports) reportsRead.push(await reading(await look('report', report), readReport));
  const waiversRead =
    waivers === undefined
      ? ({ kind: 'unread' } as const)
      : await reading(await look('file of waivers', waivers), readWaivers);
  return {
    files,
    isShadowed,
    lock: lockRead,
    sbom: sbomRead,
    sbomDigest,
    reports: reports === 'none' ? undefined : reportsRead,
    waivers: waiversRead,
    now: Date.now(),
    maxAgeDays,
  };
}

/** Packages that are what the lock pins. */
export interface KnownPackages {
  /** Packages in the lock. */
  readonly packages: number;
  /** SHA-256 of the SBOM, hex. */
  readonly sbom: string;
  /** Whether reports were asked for and found nothing that is not waived. */
  readonly audited: boolean;
}

/** Grants {@link KnownPackages} when lock, SBOM and reports agree. */
export const supplyChain: Guard<SupplyChainRequest, KnownPackages> = defineHouseGuard({
  id: 'supply-chain',
  dimension: 'architecture_supply_chain_release_proof',
  request: supplyChainRequest,
  observe: observeSupplyChain,
  rules: supplyChainRules,
  grant: ({ lock, sbomDigest, reports }) => {
    if (lock.kind !== 'read' || sbomDigest === undefined)
      throw new TypeError('a grant needs a lock and an SBOM');
    return Object.freeze({ packages: lock.value.length, sbom: sbomDigest, audited: reports !== undefined });
  },
  subject: ({ sbomDigest }) => ({ kind: 'sbom', ...(sbomDigest ? { digest: `sha256:${sbomDigest}` } : {}) }),
  method: ({ files }) => files[0]?.file.method ?? 'none',
});
