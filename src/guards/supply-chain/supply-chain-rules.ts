// Every reason not to rely on what a project is made of: the lock, the SBOM beside it, and what was found in them.
import { distrust } from '../../files/rules.ts';
import type { FileFacts } from '../../files/walk.ts';
import type { Rule } from '../../kernel/guard.ts';
import type { LockedPackage, Package, Reading } from './packages.ts';
import type { Finding, VulnerabilityReport } from './vulnerability-report.ts';
import type { Waiver } from './waivers.ts';

/** A file without its content. */
export type Hashed = Omit<FileFacts, 'bytes'>;

export interface SupplyChainFacts {
  readonly files: readonly { readonly what: string; readonly file: Hashed }[];
  /** Something lies where npm looks for another lock first. */
  readonly isShadowed: boolean;
  readonly lock: Reading<readonly LockedPackage[]>;
  readonly sbom: Reading<readonly Package[]>;
  /** SHA-256 of the SBOM, hex. */
  readonly sbomDigest: string | undefined;
  /** `undefined` when the request asks for none. */
  readonly reports: readonly Reading<VulnerabilityReport>[] | undefined;
  readonly waivers: Reading<readonly Waiver[]>;
  /** Unix milliseconds. */
  readonly now: number;
  readonly maxAgeDays: number;
}

const DAY = 86_400_000;
/** Clocks differ; a report from further ahead is from no clock that we know. */
const AHEAD = 5 * 60_000;

const key = ({ ecosystem, name, version }: Package): string => `${ecosystem}:${name}@${version}`;
const itemsOf = <T>(reading: Reading<readonly T[]>): readonly T[] =>
  reading.kind === 'read' ? reading.value : [];
const reportsOf = ({ reports }: SupplyChainFacts): readonly VulnerabilityReport[] =>
  (reports ?? []).flatMap((reading) => (reading.kind === 'read' ? [reading.value] : []));

/** How many packages a rule is about. Their names come from the files that are judged, so one is shown at most, and plainly. */
const some = (found: readonly { readonly name: string }[], what: string): string | false => {
  const [first] = found;
  return (
    first !== undefined &&
    `${found.length} ${found.length === 1 ? 'package' : 'packages'} (${first.name} first) ${what}`
  );
};

/** What one report looked at. npm counts every package of the tree and names those with findings alone. */
function auditedBy(report: VulnerabilityReport, npmCount: number): (locked: Package) => boolean {
  if (report.npmTotal !== undefined) {
    const whole = report.npmTotal >= npmCount;
    return ({ ecosystem }) => whole && ecosystem === 'npm';
  }
  const seen = new Set(report.audited.map(key));
  return (locked) => seen.has(key(locked));
}

/** Puts `value` to those of its key. */
function add<Value>(map: Map<string, Value[]>, at: string, value: Value): void {
  const there = map.get(at);
  if (there) there.push(value);
  else map.set(at, [value]);
}

/** Returns whether one of the waivers covers a finding. All three lists may hold thousands, so each is gone through once. */
function waivedBy(
  waivers: readonly Waiver[],
  locked: readonly LockedPackage[],
): (finding: Finding) => boolean {
  const present = new Map<string, string[]>();
  for (const one of locked) add(present, `${one.ecosystem}:${one.name}`, key(one));
  const byId = new Map<string, ReadonlySet<string>[]>();
  for (const { ids, packages } of waivers) {
    const covered = new Set(packages);
    for (const id of new Set(ids)) add(byId, id, covered);
  }
  return ({ ecosystem, name, ids }) => {
    const versions = present.get(`${ecosystem}:${name}`) ?? [];
    // A waiver for one version says nothing about another one that is installed too.
    const covers = (packages: ReadonlySet<string>): boolean =>
      packages.size === 0 || (versions.length > 0 && versions.every((one) => packages.has(one)));
    return ids.some((id) => byId.get(id)?.some(covers));
  };
}

/** Findings that no waiver covers which holds today, and what `all`, the lapsed ones too, say about each. */
function unwaived(facts: SupplyChainFacts): readonly { readonly name: string; readonly lapsed: boolean }[] {
  const { lock, waivers, now } = facts;
  const holds = ({ until, from = now }: Waiver): boolean => until > now && from <= now + AHEAD;
  const isWaived = waivedBy(itemsOf(waivers).filter(holds), itemsOf(lock));
  const wasWaived = waivedBy(itemsOf(waivers), itemsOf(lock));
  return reportsOf(facts)
    .flatMap(({ findings }) => findings)
    .filter((finding) => !isWaived(finding))
    .map((finding) => ({ name: finding.name, lapsed: wasWaived(finding) }));
}

function malformed(
  code: string,
  what: string,
  remedy: string,
  of: (facts: SupplyChainFacts) => readonly Reading<unknown>[],
): Rule<SupplyChainFacts> {
  return {
    code,
    remedy,
    refuses: (facts) => {
      for (const reading of of(facts))
        if (reading.kind === 'bad') return `${what} is not to be read: ${reading.why}`;
      return false;
    },
  };
}

const SBOM =
  'Make the SBOM from this very lock: npm sbom --sbom-format cyclonedx --package-lock-only, or cyclonedx-py.';
const REPORT =
  'Run npm audit --json, pip-audit -f json or osv-scanner --format json --all-packages over what the lock pins, and wrap the output.';
const PIN =
  'Write the lock with versions and digests: npm install, uv export --no-emit-project or pip-compile --generate-hashes. A registry beside npm\'s own is named in "registries".';

export const supplyChainRules: readonly Rule<SupplyChainFacts>[] = [
  {
    code: 'supply-chain.untrusted',
    remedy:
      'Keep lock, SBOM and reports as plain files without links, writable by this user and root only (chmod go-w).',
    refuses: ({ files }) => {
      for (const { what, file } of files) {
        const why = distrust(file);
        if (why !== false) return `the ${what} is not to be believed: ${why}`;
      }
      return false;
    },
  },
  {
    code: 'supply-chain.shadowed',
    remedy: 'Keep one of the two: npm installs what npm-shrinkwrap.json says.',
    refuses: ({ isShadowed }) => isShadowed && 'an npm-shrinkwrap.json lies beside the lock',
  },
  malformed('supply-chain.lock-malformed', 'the lock', PIN, ({ lock }) => [lock]),
  {
    code: 'supply-chain.lock-empty',
    remedy: PIN,
    refuses: ({ lock }) => lock.kind === 'read' && lock.value.length === 0 && 'the lock pins no package',
  },
  {
    code: 'supply-chain.unpinned',
    remedy: PIN,
    refuses: ({ lock }) => {
      const loose = itemsOf(lock).filter(({ loose: why }) => why !== undefined);
      return some(loose, loose[0]?.loose ?? '');
    },
  },
  malformed('supply-chain.sbom-malformed', 'the SBOM', SBOM, ({ sbom }) => [sbom]),
  {
    code: 'supply-chain.not-in-sbom',
    remedy: SBOM,
    refuses: ({ lock, sbom }) => {
      const listed = new Set(itemsOf(sbom).map(key));
      return some(
        itemsOf(lock).filter((locked) => !listed.has(key(locked))),
        'of the lock are not in the SBOM',
      );
    },
  },
  {
    code: 'supply-chain.not-in-lock',
    remedy: SBOM,
    refuses: ({ lock, sbom }) => {
      const pinned = new Set(itemsOf(lock).map(key));
      return some(
        itemsOf(sbom).filter((listed) => !pinned.has(key(listed))),
        'of the SBOM are not in the lock',
      );
    },
  },
  {
    code: 'supply-chain.other-bytes',
    remedy: SBOM,
    refuses: ({ lock, sbom }) => {
      const digests = new Map<string, (string | undefined)[]>(); // a package may be listed twice
      for (const listed of itemsOf(sbom)) add(digests, key(listed), listed.sha512);
      const differ = itemsOf(lock).filter(
        (locked) =>
          locked.sha512 !== undefined && digests.get(key(locked))?.some((found) => found !== locked.sha512),
      );
      return some(differ, 'have another SHA-512 in the SBOM than in the lock, or none');
    },
  },
  malformed('supply-chain.report-malformed', 'a report', REPORT, ({ reports }) => reports ?? []),
  {
    code: 'supply-chain.report-of-another',
    remedy: REPORT,
    refuses: (facts) =>
      reportsOf(facts).some(({ sbom }) => sbom !== facts.sbomDigest) &&
      'a report is about another SBOM than this one',
  },
  {
    code: 'supply-chain.report-stale',
    remedy: REPORT,
    refuses: (facts) => {
      const oldest = facts.now - facts.maxAgeDays * DAY;
      for (const { madeAt, dataAt = madeAt } of reportsOf(facts)) {
        if (Math.max(madeAt, dataAt) > facts.now + AHEAD) return 'a report, or its data, is from the future';
        if (Math.min(madeAt, dataAt) < oldest)
          return `a report, or its data, is older than ${facts.maxAgeDays} days`;
      }
      return false;
    },
  },
  {
    code: 'supply-chain.not-audited',
    remedy: `${REPORT} A package that was skipped was not audited.`,
    refuses: (facts) => {
      if (facts.reports === undefined) return false;
      const locked = itemsOf(facts.lock);
      const npmCount = locked.filter(({ ecosystem }) => ecosystem === 'npm').length;
      const reports = reportsOf(facts).map((report) => auditedBy(report, npmCount));
      const left = locked.filter((one) => !reports.some((audited) => audited(one)));
      return some(left, 'of the lock are in no report');
    },
  },
  malformed(
    'supply-chain.waiver-malformed',
    'the file of waivers',
    'Write osv-scanner.toml (IgnoredVulns with id, ignoreUntil and reason), OpenVEX, or CycloneDX VEX.',
    ({ waivers }) => [waivers],
  ),
  {
    code: 'supply-chain.waiver-expired',
    remedy: 'Look at the finding again: update the package, or waive it anew with a reason.',
    refuses: (facts) =>
      some(
        unwaived(facts).filter(({ lapsed }) => lapsed),
        'have findings whose waiver has ended, or is from the future',
      ),
  },
  {
    code: 'supply-chain.vulnerable',
    remedy: 'Update the package; or write down for a time why the finding does not apply here (a waiver).',
    refuses: (facts) => some(unwaived(facts), 'have known vulnerabilities that nobody waived'),
  },
];
