// The remote-command guard, with /bin/sh as the judge of what a granted script really does.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { isGranted } from '../../src/kernel/grants.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { daskWorker } from '../../src/ssh/recipes/dask-worker.ts';
import { type RemoteCommand, remoteCommand } from '../../src/ssh/remote-command.ts';
import { memoryJournal } from '../memory-journal.ts';

describe('a granted command', () => {
  it('is what a real shell runs, word for word', async () => {
    const hostile = `it's "x" $(touch PWNED) \`id\` \\ !! *\n; é`;
    const request = argv(['printf', '<%s>', hostile, '', '-n', { path: '~/a b' }]);
    const command = await enforce(remoteCommand, request, { journal: memoryJournal() });
    const { stdout } = spawnSync('sh', ['-c', command.script], {
      env: { HOME: '/h', PATH: '/usr/bin:/bin' },
    });
    expect(stdout.toString()).toBe(`<${hostile}><><-n></h/a b>`);
    expect(command.words).toEqual(['printf', '<%s>', hostile, '', '-n', '~/a b']);
    expect(command.digest).toBe(`sha256:${createHash('sha256').update(command.script).digest('hex')}`);
    expect(command.recipe).toBe('argv');
  });

  it('leaves a record that holds its digest and none of its words', async () => {
    const journal = memoryJournal();
    const command = await enforce(remoteCommand, argv(['cat', 'canary-7f3a']), { journal });
    expect(journal.drafts[0]?.subject).toEqual({
      kind: 'remote-command',
      name: 'argv',
      digest: command.digest,
    });
    expect(JSON.stringify(journal.drafts)).not.toContain('canary-7f3a');
  });

  it('is what the guard handed out, frozen, and nothing that looks like it', async () => {
    const command = await enforce(remoteCommand, argv(['true']), { journal: memoryJournal() });
    expect(isGranted(remoteCommand, command)).toBe(true);
    expect(Object.isFrozen(command)).toBe(true);
    const lookAlike: RemoteCommand = { script: 'id', words: ['id'], recipe: 'argv', secrets: [], digest: '' };
    const proxy = new Proxy(command, {});
    for (const other of [lookAlike, structuredClone(command), { ...command }, Object.create(command), proxy])
      expect(isGranted(remoteCommand, other)).toBe(false);
  });
});

describe('the existing line of a request', () => {
  const request = {
    tool: ['uv'],
    worker: '~/wenv/x',
    scheduler: 'tcp://10.0.0.1:8786',
    host: '10.0.0.2',
    pidFile: 'w.pid',
  };

  it('may be any rendering that means the same, and is never what is sent', async () => {
    const existing = `uv --project "$HOME/wenv/x" run --no-sync dask worker tcp://10.0.0.1:8786 --no-nanny --host 10.0.0.2 --dashboard-address 127.0.0.1:0 --pid-file "$HOME"/'wenv/x/w.pid'`;
    const journal = memoryJournal();
    const command = await enforce(remoteCommand, daskWorker({ ...request, existing }), { journal });
    expect(command.script).not.toBe(existing);
  });

  it.each([
    ['a second command', 'uv --version; id'],
    ['a substitution', 'uv --version $(id)'],
    ['a glob', 'uv --version *'],
    ['a comment', 'uv --version # later'],
    ['a redirection', 'uv --version > x'],
    ['an open substitution', 'uv --version ${x'],
  ])('is refused when it holds %s', async (_why, existing) => {
    const decision = await judge(remoteCommand, argv(['uv', '--version'], { existing }));
    expect(decision.codes).toEqual(['command.existing-syntax']);
  });
});

describe('requests', () => {
  it.each([
    ['an unknown recipe', { recipe: 'shell', line: 'id' }],
    ['an unknown key', { recipe: 'argv', argv: ['ls'], raw: 'id' }],
    ['no program', { recipe: 'argv', argv: [] }],
    ['a word that is no text', { recipe: 'argv', argv: ['ls', { op: ';' }] }],
    ['a nested array', { recipe: 'argv', argv: ['ls', ['-l']] }],
    ['the name of a method as recipe', { recipe: 'toString' }],
    ['a key that would become a prototype', JSON.parse('{"recipe":"argv","argv":["a"],"__proto__":{}}')],
    [
      'a variable that would become a prototype',
      JSON.parse('{"recipe":"argv","argv":["a"],"prefix":{"env":{"__proto__":"x"}}}'),
    ],
    ['a prefix in free text', { recipe: 'argv', argv: ['ls'], prefix: 'nice' }],
  ])('with %s are refused', async (_why, request) => {
    const decision = await judge(remoteCommand, request as never);
    expect(decision.codes).toEqual(['guard.request-invalid']);
  });

  it('are plain JSON and survive a round trip', async () => {
    const request = daskWorker({
      tool: [{ path: '~/.local/bin/uv' }, '--offline'],
      worker: '~/wenv/x',
      scheduler: 'tls://[2001:DB8:0::1]:8786',
      host: '2001:DB8::2',
      pidFile: '~/wenv/x/run/w.pid',
      workerPort: '9000:9100',
      prefix: { env: { DASK_DISTRIBUTED__LOGGING__distributed: 'info' }, wrapper: ['nice', '-n', '5'] },
    });
    const command = await enforce(remoteCommand, JSON.parse(JSON.stringify(request)), {
      journal: memoryJournal(),
    });
    expect(command.words.join(' ')).toBe(
      'DASK_DISTRIBUTED__LOGGING__distributed=info nice -n 5 ~/.local/bin/uv --offline --project ~/wenv/x ' +
        'run --no-sync dask worker tls://[2001:db8::1]:8786 --no-nanny --host 2001:db8::2 --dashboard-address 127.0.0.1:0 ' +
        '--worker-port 9000:9100 ' +
        '--pid-file ~/wenv/x/run/w.pid',
    );
  });
});
