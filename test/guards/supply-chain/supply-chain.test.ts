// The supply-chain guard beside npm itself, and with any text in place of each document.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpmLock, readRequirements } from '../../../src/guards/supply-chain/packages.ts';
import { readPurl, readSbom } from '../../../src/guards/supply-chain/sbom.ts';
import { type SupplyChainRequest, supplyChain } from '../../../src/guards/supply-chain/supply-chain.ts';
import {
  type SupplyChainFacts,
  supplyChainRules,
} from '../../../src/guards/supply-chain/supply-chain-rules.ts';
import { wrapReport } from '../../../src/guards/supply-chain/vulnerability-report.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { liveSupplyChain } from '../../../src/proof/drills/supply-chain/live-supply-chain.ts';
import { siteIn } from '../../drill-site.ts';
import { growthOf, LINEAR } from '../../growth.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';

let root = '';
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'supply-chain-')));
});
afterAll(() => rm(root, { recursive: true }));

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

describe('this package', () => {
  it('has a lock that pins every package, and npm lists exactly those', { timeout: 120_000 }, async () => {
    const directory = join(root, 'site');
    await mkdir(directory, { mode: 0o700 });
    const request = await liveSupplyChain(siteIn(directory));
    const granted = await enforce(supplyChain, request, { journal: memoryJournal() });
    expect(granted.packages).toBeGreaterThan(100);
    expect(granted.audited).toBe(false);
  });
});

/** A project as npm itself writes it, without a network: its lock, and the SBOM of that. */
function npmProject(name: string, files: Readonly<Record<string, object>>): void {
  const cwd = join(root, name);
  for (const [path, json] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(cwd, path), JSON.stringify(json), { mode: 0o600 });
  }
  const npm = (...words: string[]): Buffer => execFileSync('npm', [...words, '--offline'], { cwd });
  npm('install', '--package-lock-only', '--ignore-scripts', '--no-audit');
  const sbom = npm('sbom', '--sbom-format', 'cyclonedx', '--package-lock-only');
  writeFileSync(join(cwd, 'sbom.json'), sbom, { mode: 0o600 });
}

describe('a project of several packages', () => {
  it('is known with its workspaces and its own directories', { timeout: 120_000 }, async () => {
    npmProject('several', {
      'package.json': {
        name: 'several',
        version: '1.0.0',
        workspaces: ['packages/*'],
        dependencies: { own: 'file:./own' },
      },
      'packages/first/package.json': { name: 'first', version: '1.0.0', dependencies: { '@x/second': '*' } },
      'packages/second/package.json': { name: '@x/second', version: '1.1.0' },
      'own/package.json': { name: 'own', version: '2.0.0' },
    });
    const request = { root: join(root, 'several'), sbom: 'sbom.json', reports: 'none' } as const;
    const lock = { kind: 'npm', path: 'package-lock.json' } as const;
    const granted = await enforce(supplyChain, { ...request, lock }, { journal: memoryJournal() });
    expect(granted.packages).toBe(3);
  });
});

describe('a digest of which npm takes either', () => {
  const digest = (text: string): string => `sha512-${createHash('sha512').update(text).digest('base64')}`;
  const taken = [
    `${digest('good')} ${digest('evil')}`,
    `${digest('evil')}?any ${digest('good')}`,
    `${digest('good')}\n${digest('evil')}`,
  ];
  it.each(taken)('pins nothing: %s', (integrity) => {
    const packages = { 'node_modules/a': { version: '1.0.0', integrity } };
    expect(readNpmLock(bytes(JSON.stringify({ lockfileVersion: 3, packages })))[0]?.loose).toBe(
      'has no integrity of one sha512',
    );
  });

  it('as npm itself says', () => {
    const modules = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();
    const ssri = createRequire(import.meta.url)(join(modules, 'npm/node_modules/ssri')) as {
      checkData(data: string, integrity: string): unknown;
    };
    expect(taken.filter((integrity) => !ssri.checkData('evil', integrity))).toEqual([]);
    expect(ssri.checkData('evil', digest('good'))).toBe(false);
  });
});

describe('a long document', () => {
  const component = (_: unknown, at: number): object => ({
    type: 'library',
    name: `p${at}`,
    purl: `pkg:npm/p${at}@1.0.0`,
  });
  const sbomOf = (size: number): Uint8Array =>
    bytes(
      JSON.stringify({
        bomFormat: 'CycloneDX',
        specVersion: '1.5',
        version: 1,
        components: Array.from({ length: size }, component),
      }),
    );
  it('takes a look at each component, not at each pair', { timeout: 120_000 }, async () => {
    await readSbom(sbomOf(1)); // the schema is compiled
    expect(await growthOf((size) => readSbom(sbomOf(size)), 2_000)).toBeLessThan(LINEAR);
  });

  it('is refused where its schema would compare for hours', async () => {
    const properties = Array.from({ length: 20_000 }, (_, at) => ({ name: `${at}` }));
    const sbom = { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, properties };
    await expect(readSbom(bytes(JSON.stringify(sbom)))).rejects.toThrow('too long to compare');
  });

  it('of waivers is not gone through for each finding', { timeout: 120_000 }, async () => {
    const ids = ['CVE-2026-1'];
    const rule = supplyChainRules.find(({ code }) => code === 'supply-chain.vulnerable');
    const factsOf = (size: number): SupplyChainFacts => {
      const packages = Array.from({ length: size }, (_, at) => ({
        ecosystem: 'npm' as const,
        name: `p${at}`,
        version: '1.0.0',
      }));
      const report = { tool: 'osv-scanner', madeAt: 0, dataAt: 0, sbom: '', audited: [] } as const;
      const findings = packages.map(({ ecosystem, name }) => ({ ecosystem, name, ids }));
      const waivers = packages.map(({ name }) => ({ ids: [name], packages: [`npm:${name}@2`], until: 1 }));
      return {
        files: [],
        isShadowed: false,
        lock: { kind: 'read', value: packages },
        sbom: { kind: 'unread' },
        sbomDigest: undefined,
        reports: [{ kind: 'read', value: { ...report, findings } }],
        waivers: { kind: 'read', value: waivers },
        now: 0,
        maxAgeDays: 1,
      };
    };
    expect(await growthOf((size) => rule?.refuses(factsOf(size)), 1_000)).toBeLessThan(LINEAR);
  });
});

describe('what is read', () => {
  it.each([
    ['numpy==2.0.0 --hash=sha256:00', 'numpy', undefined],
    [
      'Foo.Bar_baz[extra,more]==1.0.post1 ; python_version >= "3.9" \\\n  --hash=sha256:00 \\\n  --hash=sha256:11 # via x',
      'foo-bar-baz',
      undefined,
    ],
    ['numpy==2.0.0', 'numpy', 'has no hash'],
  ])('pins of a requirements file: %s', (line, name, loose) => {
    const [first, ...more] = readRequirements(
      bytes(`# made by uv\n--index-url https://index.example/simple\n${line}\n`),
    );
    expect([first?.name, first?.loose, more.length]).toEqual([name, loose, 0]);
  });

  it.each([
    'numpy>=2',
    'numpy',
    '-e .',
    'git+https://example.org/x',
    './local.whl',
    '-r other.txt',
    'numpy==2.*',
  ])('no pin in a requirements file: %s', (line) =>
    expect(() => readRequirements(bytes(line))).toThrow('line 1 pins no version'),
  );

  describe('no line that pip reads otherwise', () => {
    const hash = `--hash=sha256:${'0'.repeat(64)}`;
    const texts: readonly (readonly [where: string, text: string])[] = [
      ['after a comment that ends in a backslash', `# made by uv \\\nmore==1 ${hash}\n`],
      ['after an option', '--index-url https://pypi.org/simple -r more.txt\n'],
      ['after a vertical tab in a comment', `numpy==2 ${hash} # x\vmore==1 ${hash}\n`],
      ['after U+0085 in a comment', `numpy==2 ${hash} # x\u0085more==1 ${hash}\n`],
      ['after a lone carriage return', `# x\rmore==1 ${hash}\n`],
      ['in the coding that it names', `# coding: utf-7\n# x+AAo-more==1 ${hash}\n`],
    ];
    it.each(texts)('%s', (_where, text) => {
      expect(() => readRequirements(bytes(text))).toThrow(/pip may read other lines in it|line 1 pins no/);
    });

    const PIP = `
import sys
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements
for found in parse_requirements(sys.argv[1], session=PipSession()): print(found.requirement)`;
    const hasPip = spawnSync('python3', ['-c', 'import pip']).status === 0;
    it('which pip itself shows', leftOut(!hasPip && 'no pip here'), () => {
      writeFileSync(join(root, 'more.txt'), 'more==1');
      const silent = texts.filter(([, text]) => {
        writeFileSync(join(root, 'lock.txt'), text);
        const { stdout } = spawnSync('python3', ['-c', PIP, join(root, 'lock.txt')], { encoding: 'utf8' });
        return !stdout.includes('more==1');
      });
      expect(silent).toEqual([]);
    });
  });

  it('the real name of an aliased package', () => {
    const lock = {
      lockfileVersion: 3,
      packages: { 'node_modules/a': { name: '@b/c', version: '1.0.0', integrity: 'x' } },
    };
    expect(readNpmLock(bytes(JSON.stringify(lock)))).toMatchObject([
      { name: '@b/c', loose: 'has no integrity of one sha512' },
    ]);
  });

  it.each([
    ['pkg:npm/%40scope/name@1.0.0', 'npm', '@scope/name', '1.0.0'],
    ['pkg:pypi/Some_Name@1.0?file_name=x.whl', 'pypi', 'some-name', '1.0'],
    ['pkg:npm/a@1.0.0-rc.1%2Bbuild', 'npm', 'a', '1.0.0-rc.1+build'],
  ])('the package URL %s', (purl, ecosystem, name, version) => {
    expect(readPurl(purl)).toEqual({ ecosystem, name, version });
  });

  it.each(['pkg:npm/a', 'pkg:gem/a@1', 'pkg:npm/%E0@1', 'npm/a@1', 'pkg:npm/a/b/c@1'])(
    'no package URL of ours: %s',
    (purl) => {
      expect(readPurl(purl)).toBeUndefined();
    },
  );
});

describe('whatever the files hold', () => {
  const anything = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom(
      '{',
      '[]',
      '[[IgnoredVulns]]',
      `${'['.repeat(100_000)}`,
      '{"@context":1}',
      '{"bomFormat":"CycloneDX","specVersion":"1.5"}',
    ),
    fc
      .record({
        lockfileVersion: fc.constantFrom(2, 3),
        packages: fc.dictionary(
          fc.string(),
          fc.dictionary(fc.constantFrom('version', 'integrity', 'link', 'name'), fc.jsonValue()),
        ),
      })
      .map((value) => JSON.stringify(value)),
    fc
      .jsonValue()
      .map((report) =>
        wrapReport(
          { tool: 'osv-scanner', version: '2.0.0', databaseTime: null, sbom: new Uint8Array() },
          report,
        ),
      ),
  );

  it('is answered by a refusal with a code', { timeout: 120_000 }, async () => {
    const names = ['lock', 'sbom', 'report', 'waivers'] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(anything, anything, anything, anything),
        fc.constantFrom('npm' as const, 'requirements' as const),
        async (texts, kind) => {
          for (const [index, name] of names.entries())
            await writeFile(join(root, name), texts[index] ?? '', { mode: 0o600 });
          const request: SupplyChainRequest = {
            root,
            lock: { kind, path: 'lock' },
            sbom: 'sbom',
            reports: ['report'],
            waivers: 'waivers',
          };
          const { decision, codes } = await judge(supplyChain, request);
          expect(decision).toBe('refuse');
          expect(codes[0]).toMatch(/^supply-chain\./);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('and whatever is asked', async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (asked) => {
        expect((await judge(supplyChain, asked as SupplyChainRequest)).codes[0]).toMatch(
          /^(?:guard|supply-chain)\./,
        );
      }),
    );
  });
});
