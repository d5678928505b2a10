// What the command says when its words are wrong, and that nobody's ears change its answer.
import { spawnSync } from 'node:child_process';
import { existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch } from '../evidence/support.ts';
import { guardrails, MAIN } from './run-cli.ts';

const LOOPBACK = '{"sources":[{"from":"cli","value":"127.0.0.1"}],"port":8501}';

describe('a mistake', () => {
  it.each([
    [['check', 'bind', '--jsn', '{}'], 'guardrails check --help'],
    [['ssh', 'run'], 'guardrails ssh run --help'],
    [['keys', 'nothing'], 'guardrails keys --help'],
    [['nothing'], 'guardrails --help'],
  ])('in %j points to the help of its own command', async (argv, help) => {
    const { code, stdout, stderr } = guardrails(argv, await scratch());
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`see ${help}`);
  });

  it('in an option repeats nothing that is glued to it', async () => {
    const argv = ['check', 'bind', '--jsn={"password":"canary-7f3a"}'];
    const { stderr } = guardrails(argv, await scratch());
    expect(stderr).toContain("unknown option '--jsn';");
    expect(stderr).not.toContain('canary');
  });

  it('in a file names the file and the place in it', async () => {
    const directory = await scratch();
    writeFileSync(join(directory, 'hosts.json'), '{\n  "hosts": [,]\n}');
    const { code, stderr } = guardrails(['ssh', 'run', 'hosts.json', '--json', '{}'], directory);
    expect(code).toBe(2);
    expect(stderr).toMatch(/hosts\.json: .*line 2/);
  });

  it('in a request names the key that was expected, and repeats none that was not', async () => {
    const request = '{"sources":[{"from":"cli","canary-7f3a":1}],"port":8501}';
    const { code, stdout, stderr } = guardrails(['check', 'bind', '--json', request], await scratch());
    expect(stderr).toContain('check bind --schema');
    const { codes, reason, grant } = JSON.parse(stdout) as { codes: string[]; reason: string; grant: null };
    expect([code, codes, grant]).toEqual([1, ['guard.request-invalid'], null]);
    expect(reason).toContain('sources[0].value');
    expect(reason).not.toContain('canary');
  });

  it('in the name of a recipe lists those that there are', async () => {
    const { stdout } = guardrails(
      ['check', 'remote-command', '--json', '{"recipe":"shell"}'],
      await scratch(),
    );
    expect((JSON.parse(stdout) as { reason: string }).reason).toContain('dask-worker');
  });
});

it('prints the JSON Schema of a request, under an id of its own, and asks nobody', async () => {
  const directory = await scratch();
  const { code, stdout } = guardrails(['check', 'bind', '--schema'], directory);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    $id: 'urn:agilab-guardrails:request:bind',
    type: 'object',
    additionalProperties: false,
  });
  expect(existsSync(join(directory, '.guardrails'))).toBe(false);
});

it('answers the same where nothing can be said on stderr', async () => {
  const full = openSync('/dev/full', 'w');
  const directory = await scratch(); // its first use is announced on stderr
  const { status, stdout } = spawnSync(process.execPath, [MAIN, 'check', 'bind', '--json', LOOPBACK], {
    cwd: directory,
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ decision: 'allow', grant: { host: '127.0.0.1', port: 8501 } });
});
