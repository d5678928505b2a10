// `guardrails manifest`, as a user at a terminal has it.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { soundManifest } from '../../src/proof/drills/run-manifest/run-manifest-drills.ts';
import { guardrails } from './run-cli.ts';

const here = realpathSync(mkdtempSync(join(tmpdir(), 'cli-manifest-')));
afterAll(() => rmSync(here, { recursive: true }));
const SECRET = 'password: rose';

it('seals a run, proves it, and refuses it once a byte is changed', { timeout: 60_000 }, () => {
  mkdirSync(join(here, 'run'), { mode: 0o700 });
  const manifest = soundManifest();
  manifest.artifacts = [{ name: 'a', path: 'a.csv', kind: 'file', exists: true, size_bytes: 4 }];
  manifest.validations.push({ label: 'riddle', status: 'pass', summary: SECRET, details: {} });
  writeFileSync(join(here, 'run', 'run_manifest.json'), JSON.stringify(manifest), { mode: 0o600 });
  writeFileSync(join(here, 'run', 'a.csv'), '1,2\n', { mode: 0o600 });
  const key = guardrails(['keys', 'init'], here).stdout.trim();

  const sealed = guardrails(['manifest', 'seal', 'run', '--sign'], here);
  expect(sealed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^[0-9a-f]{64} {2}1 files sealed\n$/),
  });
  expect(sealed.stderr).not.toContain(SECRET);
  const [, acknowledged = ''] = /--acknowledge ([0-9a-f]{64})/.exec(sealed.stderr) ?? [];

  const unknown = guardrails(['manifest', 'verify', 'run', '--key', key], here);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('run-manifest.secret-in-text') });
  expect(unknown.stderr).not.toContain(acknowledged);
  const verify = ['manifest', 'verify', 'run', '--key', key, '--acknowledge', acknowledged];
  expect(guardrails(verify, here)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/1 files proven, signed\n$/),
  });
  const agilab = (): { status: string; checks: { id: string; status: string }[] } => {
    const { code, stdout } = guardrails([...verify, '--format', 'agilab'], here);
    const report = JSON.parse(stdout) as ReturnType<typeof agilab>;
    expect(code).toBe(report.status === 'pass' ? 0 : 1);
    return report;
  };
  const passed = agilab();
  expect(passed.checks.filter(({ id, status }) => id !== 'replay_available' && status !== 'pass')).toEqual(
    [],
  );
  writeFileSync(join(here, 'run', 'a.csv'), '1,3\n');
  const failed = agilab();
  expect(failed.status).toBe('fail');
  expect(failed.checks).toContainEqual(
    expect.objectContaining({ id: 'files_are_as_sealed', status: 'fail' }),
  );
  expect(guardrails(verify, here)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('run-manifest.sealed-digest'),
  });
});
