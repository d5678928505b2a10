// Locks, SBOMs, reports and waivers that do not say what they seem to, each written for real.
import { createHash } from 'node:crypto';
import { chmod, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { SupplyChainRequest } from '../../../guards/supply-chain/supply-chain.ts';
import type { Drill } from '../../proof.ts';
import { TIME } from '../../random.ts';

const DAY = 86_400_000;
const tarball = (name: string): Buffer => createHash('sha512').update(name).digest();
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();

type Json = Record<string, unknown>;

const NAMES = ['left-pad', '@scope/tool'] as const;

const soundLock = (): Json & { packages: Record<string, Json> } => ({
  name: 'drill',
  version: '1.0.0',
  lockfileVersion: 3,
  requires: true,
  packages: {
    '': { name: 'drill', version: '1.0.0' },
    ...Object.fromEntries(
      NAMES.map((name) => [
        `node_modules/${name}`,
        {
          version: '1.3.0',
          resolved: `https://registry.npmjs.org/${name}/-/${name.replace('@scope/', '')}-1.3.0.tgz`,
          integrity: `sha512-${tarball(name).toString('base64')}`,
        },
      ]),
    ),
  },
});

const hashOf = (name: string): Json[] => [{ alg: 'SHA-512', content: tarball(name).toString('hex') }];

const component = (name: string): Json => ({
  'bom-ref': `${name}@1.3.0`,
  type: 'library',
  name,
  version: '1.3.0',
  purl: `pkg:npm/${name.replace('@', '%40')}@1.3.0`,
  hashes: hashOf(name),
});

const soundSbom = (): Json & { components: Json[] } => ({
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  components: NAMES.map(component),
});

const npmAudit = (...vulnerable: readonly string[]): Json & { metadata: Json } => ({
  auditReportVersion: 2,
  vulnerabilities: Object.fromEntries(
    vulnerable.map((name) => [
      name,
      {
        name,
        severity: 'low',
        isDirect: true,
        via: [
          {
            source: 1_090_000,
            name,
            title: 'a drill',
            url: 'https://github.com/advisories/GHSA-23cg-7xvm-fpqr',
            severity: 'low',
            range: '<2.0.0',
          },
        ],
        effects: [],
        range: '<2.0.0',
        nodes: [`node_modules/${name}`],
        fixAvailable: false,
      },
    ]),
  ),
  metadata: {
    vulnerabilities: {
      info: 0,
      low: vulnerable.length,
      moderate: 0,
      high: 0,
      critical: 0,
      total: vulnerable.length,
    },
    dependencies: { prod: 3, dev: 0, optional: 0, peer: 0, peerOptional: 0, total: 2 },
  },
});

const osv = (...names: readonly string[]): Json => ({
  results: [
    {
      source: { path: 'package-lock.json', type: 'lockfile' },
      packages: names.map((name) => ({ package: { name, version: '1.3.0', ecosystem: 'npm' } })),
    },
  ],
});

interface Draft {
  lock: Json & { packages: Record<string, Json> };
  sbom: Json & { components: Json[] };
  /** What the envelope says beside the report. */
  envelope: Json;
  report: Json;
  waivers: string | undefined;
}

interface Fault {
  readonly edit?: (draft: Draft) => void;
  /** Changes the files. */
  readonly after?: (directory: string) => Promise<void>;
  readonly ask?: (request: SupplyChainRequest) => SupplyChainRequest;
}

function drill(
  id: string,
  fault: string,
  expects: string,
  { edit, after, ask }: Fault = {},
): Drill<SupplyChainRequest> {
  const build: Drill<SupplyChainRequest>['build'] = async (site) => {
    site.random('TIME', TIME);
    const root = site.directory;
    const write = (name: string, text: string): Promise<void> =>
      writeFile(join(root, name), text, { mode: 0o600 });
    const draft: Draft = {
      lock: soundLock(),
      sbom: soundSbom(),
      envelope: { tool: 'npm-audit', tool_version: '11.0.0', created_at: ago(0), database_time: null },
      report: npmAudit(),
      waivers: undefined,
    };
    edit?.(draft);
    const sbom = JSON.stringify(draft.sbom);
    const envelope = {
      schema: 'agilab.vulnerability_report.v1',
      sbom_sha256: sha256Hex(sbom),
      ...draft.envelope,
    };
    await write('package-lock.json', JSON.stringify(draft.lock));
    await write('sbom.json', sbom);
    await write('report.json', JSON.stringify({ ...envelope, report: draft.report }));
    if (draft.waivers !== undefined) await write('waivers', draft.waivers);
    await after?.(root);
    const request: SupplyChainRequest = {
      root,
      lock: { kind: 'npm', path: 'package-lock.json' },
      sbom: 'sbom.json',
      reports: ['report.json'],
      ...(draft.waivers === undefined ? {} : { waivers: 'waivers' }),
    };
    return ask ? ask(request) : request;
  };
  return { id, fault, expects, build };
}

const entry = (draft: Draft): Json => draft.lock.packages['node_modules/left-pad'] ?? {};

const FAR = '9999-12-31';

/** A date, not a moment, as osv-scanner's own examples have it: the same on each day on which it is drilled. */
const toml = (until: string): string =>
  `[[IgnoredVulns]]\nid = "GHSA-23cg-7xvm-fpqr"\nignoreUntil = ${until}\nreason = "never called here"\n`;

const openVex = (timestamp: string, purl: string, statement: Json): string =>
  JSON.stringify({
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://example.org/vex/1',
    author: 'a drill',
    timestamp,
    version: 1,
    statements: [
      { vulnerability: { name: 'GHSA-23cg-7xvm-fpqr' }, products: [{ '@id': purl }], ...statement },
    ],
  });

const cycloneVex = (analysis: Json): string =>
  JSON.stringify({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { timestamp: ago(1) },
    vulnerabilities: [{ id: 'GHSA-23cg-7xvm-fpqr', affects: [{ ref: 'left-pad@1.3.0' }], analysis }],
  });

const waived =
  (waivers: string): NonNullable<Fault['edit']> =>
  (draft) => {
    draft.report = npmAudit('left-pad');
    draft.waivers = waivers;
  };

const reported =
  (tool: string, report: Json): NonNullable<Fault['edit']> =>
  (draft) => {
    draft.envelope['tool'] = tool;
    draft.report = report;
  };

/** A Python project of one package, with a report of pip-audit. */
const python = (report: Json, more = ''): Fault => ({
  edit: (draft) => {
    draft.sbom.components = [
      { type: 'library', name: 'numpy', version: '2.0.0', purl: 'pkg:pypi/numpy@2.0.0' },
    ];
    reported('pip-audit', report)(draft);
  },
  after: (root) =>
    writeFile(
      join(root, 'requirements.txt'),
      `${more}numpy==2.0.0 \\\n    --hash=sha256:${'0'.repeat(64)}\n`,
      { mode: 0o600 },
    ),
  ask: (request) => ({ ...request, lock: { kind: 'requirements', path: 'requirements.txt' } }),
});

const PURL = 'pkg:npm/left-pad@1.3.0';
const NOT_AFFECTED = { status: 'not_affected', justification: 'vulnerable_code_not_in_execute_path' };

/** The lock and the SBOM as npm writes them with a workspace: no digest, and a link beside the directory. */
const withWorkspace =
  (directory: string): NonNullable<Fault['edit']> =>
  ({ lock, sbom, report }) => {
    lock.packages[''] = { name: 'drill', version: '1.0.0', workspaces: [directory] };
    lock.packages['node_modules/own'] = { resolved: directory, link: true };
    lock.packages[directory] = { version: '1.0.0' };
    sbom.components.push({ type: 'library', name: 'own', version: '1.0.0', purl: 'pkg:npm/own@1.0.0' });
    report['metadata'] = { ...npmAudit().metadata, dependencies: { total: 4 } };
  };

const lockDrills: readonly Drill<SupplyChainRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill('no-reports', 'none: reports are not asked for', 'allow', {
    after: (root) => rm(join(root, 'report.json')),
    ask: (request) => ({ ...request, reports: 'none' }),
  }),
  drill('open-lock', 'a lock that anyone may write', 'supply-chain.untrusted', {
    after: (root) => chmod(join(root, 'package-lock.json'), 0o666),
  }),
  drill('linked-sbom', 'an SBOM that is a link', 'supply-chain.untrusted', {
    after: async (root) => {
      await rm(join(root, 'sbom.json'));
      await symlink('package-lock.json', join(root, 'sbom.json'));
    },
  }),
  drill('no-report', 'a report that is not there', 'supply-chain.untrusted', {
    after: (root) => rm(join(root, 'report.json')),
  }),
  drill('old-lock', 'a lock of a version without packages', 'supply-chain.lock-malformed', {
    edit: ({ lock }) => {
      lock['lockfileVersion'] = 1;
    },
  }),
  drill('repeated-key', 'a lock that names a key twice', 'supply-chain.lock-malformed', {
    after: (root) =>
      writeFile(join(root, 'package-lock.json'), '{"lockfileVersion":3,"packages":{},"packages":{}}'),
  }),
  drill('empty-lock', 'a lock that pins nothing, and an SBOM that lists nothing', 'supply-chain.lock-empty', {
    edit: ({ lock, sbom }) => {
      lock.packages = { '': {} };
      sbom.components = [];
    },
  }),
  drill('no-integrity', 'a package whose bytes nothing pins', 'supply-chain.unpinned', {
    edit: (draft) => void delete entry(draft)['integrity'],
  }),
  drill('sha1', 'a package that only SHA-1 pins', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['integrity'] = `sha1-${Buffer.alloc(20).toString('base64')}`;
    },
  }),
  drill('by-http', 'a package that came without TLS', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['resolved'] = 'http://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz';
    },
  }),
  drill('other-tarball', 'a package whose tarball is that of another', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['resolved'] = 'https://registry.npmjs.org/left-pae/-/left-pae-1.3.0.tgz';
    },
  }),
  drill('tarball-version', 'a package whose tarball is that of another version', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['resolved'] = 'https://registry.npmjs.org/left-pad/-/left-pad-1.0.0.tgz';
    },
  }),
  drill('elsewhere', 'a package from an address that is no named registry', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['resolved'] = 'https://registry.npmjs.org.example/left-pad/-/left-pad-1.3.0.tgz';
    },
  }),
  drill('from-git', 'a package from a git repository', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['resolved'] = `git+ssh://git@github.com/left-pad/left-pad.git#${'0'.repeat(40)}`;
    },
  }),
  drill('named-registry', 'none: a registry that the request names', 'allow', {
    edit: (draft) => {
      entry(draft)['resolved'] = 'https://npm.example/all/left-pad/-/left-pad-1.3.0.tgz';
    },
    ask: ({ lock, ...request }) => ({
      ...request,
      lock: { ...lock, registries: ['https://registry.npmjs.org/', 'https://npm.example/all/'] },
    }),
  }),
  drill('false-bundle', 'a package that says it is bundled, in none', 'supply-chain.unpinned', {
    edit: (draft) => {
      draft.lock.packages['node_modules/left-pad'] = { version: '1.3.0', inBundle: true };
    },
  }),
  drill('bundled', 'none: a package in the tarball of another', 'allow', {
    edit: (draft) => {
      const { lock, sbom } = draft;
      delete lock.packages['node_modules/left-pad'];
      (lock.packages['node_modules/@scope/tool'] ?? {})['bundleDependencies'] = ['left-pad'];
      lock.packages['node_modules/@scope/tool/node_modules/left-pad'] = { version: '1.3.0', inBundle: true };
      delete sbom.components[0]?.['hashes'];
    },
  }),
  drill('shrinkwrap', 'another lock, which npm would take', 'supply-chain.shadowed', {
    after: (root) => writeFile(join(root, 'npm-shrinkwrap.json'), '{}'),
  }),
  drill('pip-includes', 'a requirements file that takes another one in', 'supply-chain.lock-malformed', {
    ...python({ dependencies: [] }, '--index-url https://pypi.org/simple -r more.txt\n'),
  }),
  drill('pip-comment', 'a comment that seems to go on, for pip it ends', 'supply-chain.lock-malformed', {
    ...python({ dependencies: [] }, `# made by uv \\\nmore==1.0 --hash=sha256:${'0'.repeat(64)}\n`),
  }),
  drill('link', 'a package that is a link to a directory', 'supply-chain.unpinned', {
    edit: ({ lock }) => {
      lock.packages['node_modules/left-pad'] = { resolved: '../left-pad', link: true };
    },
  }),
  drill('two-copies', 'none: a second copy of one version', 'allow', {
    edit: (draft) => {
      draft.lock.packages['node_modules/@scope/tool/node_modules/left-pad'] = { ...entry(draft) };
      draft.report = {
        ...npmAudit(),
        metadata: { ...npmAudit().metadata, dependencies: { total: 3 } },
      };
    },
  }),
  drill('two-digests', 'a package of which npm takes either of two tarballs', 'supply-chain.unpinned', {
    edit: (draft) => {
      entry(draft)['integrity'] += ` sha512-${tarball('another').toString('base64')}`;
    },
  }),
  drill('workspace', 'none: a workspace, which is a directory of the project', 'allow', {
    edit: withWorkspace('packages/own'),
  }),
  drill('workspace-outside', 'a workspace in another project', 'supply-chain.unpinned', {
    edit: withWorkspace('../own'),
  }),
];

const sbomDrills: readonly Drill<SupplyChainRequest>[] = [
  drill('empty-object', 'an SBOM that is an empty object', 'supply-chain.sbom-malformed', {
    after: (root) => writeFile(join(root, 'sbom.json'), '{}'),
  }),
  drill('unknown-field', 'an SBOM with a field that CycloneDX does not know', 'supply-chain.sbom-malformed', {
    edit: ({ sbom }) => {
      sbom['audited'] = true;
    },
  }),
  drill('nameless-component', 'a component without a package URL', 'supply-chain.sbom-malformed', {
    edit: ({ sbom }) => void delete sbom.components[0]?.['purl'],
  }),
  drill('nested-component', 'a component hidden in another', 'supply-chain.sbom-malformed', {
    edit: ({ sbom }) => {
      sbom.components = [{ ...component(NAMES[0]), components: [component(NAMES[1])] }];
    },
  }),
  drill('empty-sbom', 'an SBOM that lists nothing', 'supply-chain.not-in-sbom', {
    edit: ({ sbom }) => {
      sbom.components = [];
    },
  }),
  drill('other-version', 'an SBOM with another version', 'supply-chain.not-in-sbom', {
    edit: ({ sbom }) => {
      sbom.components = [
        component(NAMES[0]),
        { ...component(NAMES[1]), purl: 'pkg:npm/%40scope/tool@1.3.1' },
      ];
    },
  }),
  drill('unlocked', 'an SBOM with a package that the lock does not have', 'supply-chain.not-in-lock', {
    edit: ({ sbom }) => void sbom.components.push(component('extra')),
  }),
  drill('other-digest', 'an SBOM with other bytes for a package', 'supply-chain.other-bytes', {
    edit: ({ sbom }) => {
      const [first, second] = sbom.components;
      if (first && second) first['hashes'] = second['hashes'];
    },
  }),
  drill(
    'listed-twice',
    'an SBOM that lists a package once more, with other bytes',
    'supply-chain.other-bytes',
    {
      edit: ({ sbom }) =>
        void sbom.components.unshift({
          ...component(NAMES[0]),
          'bom-ref': 'again',
          hashes: hashOf('another'),
        }),
    },
  ),
  drill('two-hashes', 'an SBOM with two digests for one package', 'supply-chain.sbom-malformed', {
    edit: ({ sbom }) => {
      const [first] = sbom.components;
      if (first) first['hashes'] = [...hashOf(NAMES[0]), ...hashOf('another')];
    },
  }),
  drill('below-the-subject', 'a component hidden in what the SBOM is about', 'supply-chain.sbom-malformed', {
    edit: ({ sbom }) => {
      const about = { type: 'application', name: 'drill', components: [component('extra')] };
      sbom['metadata'] = { component: about };
    },
  }),
  drill('no-digest', 'an SBOM without a digest', 'supply-chain.other-bytes', {
    edit: ({ sbom }) => void delete sbom.components[0]?.['hashes'],
  }),
];

const reportDrills: readonly Drill<SupplyChainRequest>[] = [
  drill('osv', 'none: a report of OSV-Scanner that lists every package', 'allow', {
    edit: reported('osv-scanner', osv(...NAMES)),
  }),
  drill('bare-report', 'a report without its envelope', 'supply-chain.report-malformed', {
    after: (root) => writeFile(join(root, 'report.json'), JSON.stringify(npmAudit())),
  }),
  drill('failed-audit', 'the message of an audit that failed', 'supply-chain.report-malformed', {
    edit: reported('npm-audit', { message: 'audit endpoint returned an error', method: 'POST' }),
  }),
  drill('another-sbom', 'a report about another SBOM', 'supply-chain.report-of-another', {
    edit: ({ envelope }) => {
      envelope['sbom_sha256'] = sha256Hex('another');
    },
  }),
  drill('old-report', 'a report that is older than allowed', 'supply-chain.report-stale', {
    edit: ({ envelope }) => {
      envelope['created_at'] = ago(8);
    },
  }),
  drill('old-data', 'a fresh report on old data', 'supply-chain.report-stale', {
    edit: ({ envelope }) => {
      envelope['database_time'] = ago(30);
    },
  }),
  drill('future-report', 'a report from the future, which never ages', 'supply-chain.report-stale', {
    edit: ({ envelope }) => {
      envelope['created_at'] = ago(-4_000);
    },
  }),
  drill('part-audited', 'an audit that saw fewer packages than the lock has', 'supply-chain.not-audited', {
    edit: reported('npm-audit', {
      ...npmAudit(),
      metadata: { ...npmAudit().metadata, dependencies: { total: 1 } },
    }),
  }),
  drill('cut-report', 'a report whose findings were cut out', 'supply-chain.report-malformed', {
    edit: reported('npm-audit', { ...npmAudit('left-pad'), vulnerabilities: {} }),
  }),
  drill(
    'cut-cause',
    'a report without the finding that another one comes from',
    'supply-chain.report-malformed',
    {
      edit: reported('npm-audit', {
        ...npmAudit('@scope/tool'),
        vulnerabilities: { '@scope/tool': { name: '@scope/tool', via: ['left-pad'] } },
      }),
    },
  ),
  drill('part-listed', 'a report of OSV-Scanner that lists one package', 'supply-chain.not-audited', {
    edit: reported('osv-scanner', osv(NAMES[0])),
  }),
  drill('skipped', 'a Python package that pip-audit skipped', 'supply-chain.not-audited', {
    ...python({ dependencies: [{ name: 'numpy', skip_reason: 'not found on PyPI' }], fixes: [] }),
  }),
  drill('pip-audit', 'none: a requirements file and a report of pip-audit', 'allow', {
    ...python({ dependencies: [{ name: 'numpy', version: '2.0.0', vulns: [] }], fixes: [] }),
  }),
  drill('pip-finding', 'a known vulnerability of a Python package', 'supply-chain.vulnerable', {
    ...python({
      dependencies: [
        {
          name: 'numpy',
          version: '2.0.0',
          vulns: [{ id: 'PYSEC-2026-1', fix_versions: [], aliases: ['CVE-2026-1'], description: '' }],
        },
      ],
      fixes: [],
    }),
  }),
];

const findingDrills: readonly Drill<SupplyChainRequest>[] = [
  drill('vulnerable', 'a known vulnerability', 'supply-chain.vulnerable', {
    edit: reported('npm-audit', npmAudit('left-pad')),
  }),
  drill('waived', 'none: a waiver with a reason and an end', 'allow', { edit: waived(toml(FAR)) }),
  drill('waived-by-openvex', 'none: waived by OpenVEX', 'allow', {
    edit: waived(openVex(ago(1), PURL, NOT_AFFECTED)),
  }),
  drill('waived-by-cyclonedx', 'none: waived by CycloneDX VEX', 'allow', {
    edit: waived(cycloneVex({ state: 'not_affected', justification: 'code_not_reachable' })),
  }),
  drill('waiver-without-reason', 'a waiver without a reason', 'supply-chain.waiver-malformed', {
    edit: waived(toml(FAR).replace(/reason.*\n/, '')),
  }),
  drill('waiver-without-end', 'a waiver without an end', 'supply-chain.waiver-malformed', {
    edit: waived(toml(FAR).replace(/ignoreUntil.*\n/, '')),
  }),
  drill('ended-waiver', 'a waiver that has ended', 'supply-chain.waiver-expired', {
    edit: waived(toml('2020-01-01')),
  }),
  drill('ended-openvex', 'a statement of OpenVEX from last year', 'supply-chain.waiver-expired', {
    edit: waived(openVex(ago(200), PURL, NOT_AFFECTED)),
  }),
  drill(
    'future-openvex',
    'a statement of OpenVEX from the future, which never ends',
    'supply-chain.waiver-expired',
    {
      edit: waived(openVex(ago(-4_000), PURL, NOT_AFFECTED)),
    },
  ),
  drill('unjustified-openvex', 'a statement of OpenVEX that gives no reason', 'supply-chain.vulnerable', {
    edit: waived(openVex(ago(1), PURL, { status: 'not_affected' })),
  }),
  drill('other-product', 'a waiver for another version', 'supply-chain.vulnerable', {
    edit: waived(openVex(ago(1), 'pkg:npm/left-pad@1.2.0', NOT_AFFECTED)),
  }),
  drill('in-triage', 'a finding that is being looked at', 'supply-chain.vulnerable', {
    edit: waived(cycloneVex({ state: 'in_triage', detail: 'looking' })),
  }),
  drill('other-waiver', 'a waiver for another finding', 'supply-chain.vulnerable', {
    edit: waived(toml(FAR).replace('23cg', '23cf')),
  }),
];

export const supplyChainDrills: readonly Drill<SupplyChainRequest>[] = [
  ...lockDrills,
  ...sbomDrills,
  ...reportDrills,
  ...findingDrills,
];
