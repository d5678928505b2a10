// The gate as a command, on environment files and settings of a home made for each test; and its reports as Python reads them.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { securityCheck, sharedGoGate } from '../../src/gate/agilab-reports.ts';
import { askGate, type GateResult } from '../../src/gate/gate.ts';
import { gateRequest } from '../../src/gate/gate-request.ts';
import type { Profile } from '../../src/gate/profiles.ts';
import { readEnvironmentFile } from '../../src/guards/agilab-settings/environment-file.ts';
import { toAgilabJson } from '../../src/scorecard/report.ts';
import { MAIN } from '../cli/run-cli.ts';
import { askPython } from '../guards/notebook-import/python.ts';
import { memoryJournal } from '../memory-journal.ts';

interface Site {
  readonly env?: string;
  readonly config?: string;
  /** The configuration where the interface is started. */
  readonly ownConfig?: string;
  readonly requests?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
}

function home({ env = '', config, ownConfig, requests = {} }: Site): string {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'gate-')));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(join(place, path, '..'), { recursive: true });
    writeFileSync(join(place, path), text, { mode: 0o600 });
  };
  put('.agilab/.env', env);
  if (config !== undefined) put('.streamlit/config.toml', config);
  if (ownConfig !== undefined) put('app/.streamlit/config.toml', ownConfig);
  put('requests.json', JSON.stringify(requests));
  return place;
}

async function ask(profile: Profile, site: Site) {
  const { environment = {}, requests = {} } = site;
  const at = home(site);
  const place = { home: at, cwd: join(at, 'app'), envFile: undefined, environment };
  const { request, settingsFile } = await gateRequest(profile, place, requests);
  const result = await askGate(request, { journal: memoryJournal() });
  const codes = Object.fromEntries(
    result.checks.map((check) => [
      check.id,
      check.status === 'pass' ? 'pass' : (check.codes[0] ?? check.status),
    ]),
  );
  const time = new Date();
  return { result, codes, report: securityCheck(result, settingsFile, time), go: sharedGoGate(result, time) };
}

const LOOPBACK = 'STREAMLIT_SERVER_ADDRESS=127.0.0.1\n';

describe('the gate', () => {
  it('lets one user work on loopback, and says of shared use that it did not judge it', () => {
    const place = home({ env: LOOPBACK });
    const argv = [
      MAIN,
      '--dir',
      join(place, 'state'),
      'gate',
      '--profile',
      'local',
      '--output',
      join(place, 'out'),
      '--json',
    ];
    const env = { PATH: process.env['PATH'], HOME: place, XDG_STATE_HOME: place };
    const { status, stdout } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as GateResult;
    expect(result.decision).toBe('go');
    expect(
      result.checks.filter((check) => check.status === 'pass').every(({ evidence }) => evidence.length === 1),
    ).toBe(true);
    const read = (name: string): object =>
      JSON.parse(readFileSync(join(place, 'out', name), 'utf8')) as object;
    expect(read('security-check.json')).toMatchObject({
      schema: 'agilab.security_check.v1',
      schema_version: 1,
      status: 'pass',
    });
    expect(read('shared-go-gate.json')).toMatchObject({
      schema: 'agilab.shared_go_gate.v1',
      decision: 'blocked',
    });
  });

  it('runs nothing that the file names: Node would take --env-file, and NODE_OPTIONS in it, for its own', () => {
    const place = home({});
    const [file, ran] = [join(place, 'other.env'), join(place, 'ran')];
    writeFileSync(join(place, 'x.cjs'), `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '')`);
    writeFileSync(file, `${LOOPBACK}NODE_OPTIONS=--require=${place}/x.cjs\n`, { mode: 0o600 });
    const argv = ['--dir', join(place, 'state'), 'gate', '--profile', 'local', '--env-file', file];
    const env = { PATH: process.env['PATH'], HOME: place, XDG_STATE_HOME: place };
    const started = spawnSync(MAIN, argv, { env, encoding: 'utf8' });
    expect([started.status, existsSync(ran)]).toEqual([0, false]);
  });

  it.each<[string, Profile, Site, object]>([
    [
      'an address that nobody set, which is every interface',
      'local',
      {},
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'an exposed address in the configuration',
      'local',
      { env: LOOPBACK, config: '[server]\naddress = "0.0.0.0"' },
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'an exposed address in the configuration where it is started',
      'local',
      { config: '[server]\naddress = "127.0.0.1"', ownConfig: '[server]\naddress = "0.0.0.0"' },
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'an exposed address in the environment',
      'local',
      { env: LOOPBACK, environment: { AGILAB_UI_HOST: '0.0.0.0' } },
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'a configuration that nobody can read',
      'local',
      { env: LOOPBACK, config: '[server' },
      { ui_network_exposure: 'bind.malformed-address' },
    ],
    [
      'a secret in the file',
      'local',
      { env: `${LOOPBACK}API_KEY=9f8e7d6c5b4a` },
      { persisted_plaintext_secrets: 'agilab-settings.plain-secret' },
    ],
    [
      'packages that nobody asked about',
      'shared',
      { env: LOOPBACK },
      { supply_chain_artifacts: 'gate.not-asked' },
    ],
    [
      'a repository of applications without a pin',
      'shared',
      { env: `${LOOPBACK}APPS_REPOSITORY=/srv/apps` },
      { apps_repository_pin: 'gate.not-asked' },
    ],
    [
      'a cluster without a share',
      'cluster',
      { env: LOOPBACK },
      { cluster_share_isolation: 'gate.not-asked' },
    ],
    [
      'a public interface without a proof',
      'public-ui',
      { env: LOOPBACK },
      { ui_public_front: 'gate.not-asked' },
    ],
    [
      'a sandbox of a process without limits',
      'local',
      { env: `${LOOPBACK}UOAIC_AUTOFIX=1\nAGILAB_GENERATED_CODE_SANDBOX=process` },
      { generated_code_execution_boundary: 'gate.not-asked' },
    ],
    [
      'a share that is not the one of the settings',
      'local',
      {
        env: `${LOOPBACK}AGI_CLUSTER_SHARE=/srv/share`,
        requests: { 'cluster-share': { share: '/srv/other' } },
      },
      { cluster_share_isolation: 'gate.not-asked' },
    ],
    [
      'packages without a report of what is known of them',
      'shared',
      { env: LOOPBACK, requests: { 'supply-chain': { reports: 'none' } } },
      { supply_chain_artifacts: 'gate.not-asked' },
    ],
    [
      'reports that may be older than AGILAB takes them',
      'shared',
      { env: LOOPBACK, requests: { 'supply-chain': { reports: ['audit.json'], maxAgeDays: 31 } } },
      { supply_chain_artifacts: 'gate.not-asked' },
    ],
    [
      'a request that its guard cannot read',
      'local',
      { env: LOOPBACK, requests: { resources: { launcher: [] } } },
      { generated_code_execution_boundary: 'guard.request-invalid' },
    ],
    [
      'an exposed address beside a given one that is not',
      'local',
      {
        env: 'AGILAB_UI_HOST=0.0.0.0',
        requests: { bind: { sources: [{ from: '--server.address', value: '127.0.0.1' }] } },
      },
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'an address that nobody set, called that of a program that would be loopback',
      'local',
      { requests: { bind: { program: 'ollama', sources: [{ from: 'OLLAMA_HOST', value: null }] } } },
      { ui_network_exposure: 'bind.wildcard' },
    ],
    [
      'a guard beside the list that refuses',
      'local',
      { env: LOOPBACK, requests: { routes: {} } },
      { routes: 'guard.request-invalid' },
    ],
  ])('is closed to %s', async (_what, profile, site, expected) => {
    const { result, codes, report, go } = await ask(profile, site);
    expect(codes).toMatchObject(expected);
    expect(result.decision).toBe('no-go');
    expect(report).toMatchObject({ status: 'fail' });
    expect(go).toMatchObject({ decision: 'blocked' });
  });

  it('believes a flag that whoever starts the interface gives', async () => {
    const bind = { sources: [{ from: '--server.address', value: '127.0.0.1' }] };
    expect((await ask('local', { requests: { bind } })).result.decision).toBe('go');
  });

  it('is a go for shared use only when packages were proven', async () => {
    const { result, go } = await ask('shared', { env: LOOPBACK });
    const proven = result.checks.map((check) => ({ ...check, status: 'pass' as const }));
    expect(sharedGoGate({ ...result, decision: 'go', checks: proven }, new Date())).toMatchObject({
      decision: 'go',
    });
    expect(go).toMatchObject({ summary: { failed_checks: ['supply_chain_artifacts'] } });
  });

  it('shows no secret in its answer and reports', async () => {
    expect(JSON.stringify(await ask('local', { env: `${LOOPBACK}API_KEY=9f8e7d6c5b4a` }))).not.toContain(
      '9f8e7d6c5b4a',
    );
  });

  it('takes no settings that others can write', async () => {
    const place = home({ env: LOOPBACK });
    chmodSync(join(place, '.agilab/.env'), 0o666);
    const asked = gateRequest('local', { home: place, cwd: place, envFile: undefined, environment: {} }, {});
    await expect(asked).rejects.toMatchObject({ code: 'read.open-mode' });
  });

  it('writes its reports as AGILAB writes them', async ({ skip }) => {
    const { report, go } = await ask('shared', { env: LOOPBACK });
    const texts = [report, go].map(toAgilabJson);
    const script =
      'import json,sys\nprint(json.dumps([json.dumps(json.loads(t), indent=2, sort_keys=True) + "\\n" for t in json.load(sys.stdin)]))';
    const theirs = askPython<readonly string[]>(script, texts, ['json']);
    if (typeof theirs === 'string') return skip(theirs);
    expect(texts).toEqual(theirs);
  });
});

describe('an environment file', () => {
  it('is read as python-dotenv reads it, or not at all', () => {
    const { settings, unclear } = readEnvironmentFile(
      [
        '# c',
        '',
        'A=1',
        'export B = "x y" # c',
        "C='#'",
        'D=',
        'E=a#b',
        'F="$X"',
        'G',
        'H=a\\nb',
        'A=1',
        'A=2',
        'I=a b # c',
        'J=1\rK=1',
        "L='1\fM=1'",
        'N=1\u2028O=1',
        '# \u0085P=1',
      ].join('\r\n'),
    );
    expect(settings).toEqual({ A: '1', B: 'x y', C: '#', D: '', I: 'a b' });
    expect(unclear).toEqual([7, 8, 9, 10, 12, 14, 15, 16, 17]);
  });
});
