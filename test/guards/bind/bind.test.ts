// The bind guard, against the resolver, the kernel's sockets and the spellings that other checks let through.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type BindRequest, BoundAddress, bind } from '../../../src/guards/bind/bind.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { isGranted } from '../../../src/kernel/grants.ts';
import { freePort } from '../../free-port.ts';
import { leftOut, requiresReal } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';

const run = promisify(execFile);

const ask = (...values: (string | null)[]): BindRequest => ({
  sources: values.map((value, index) => ({ from: `s${index}`, value })),
  port: 8501,
});

async function grantFor(host: string, port: number): Promise<BoundAddress> {
  return enforce(bind, { sources: [{ from: 'cli', value: host }], port }, { journal: memoryJournal() });
}

async function listening(options: { host?: string; port?: number; path?: string }): Promise<Server> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(options);
  await once(server, 'listening');
  return server;
}

describe('hosts that other checks take for loopback, or for no concern', () => {
  it.each([
    ['inet_aton shorthand', '127.1', 'bind.ambiguous-address'],
    ['hexadecimal', '0x7f.1', 'bind.ambiguous-address'],
    ['one decimal number', '2130706433', 'bind.ambiguous-address'],
    ['one octal number', '017700000001', 'bind.ambiguous-address'],
    ['one hexadecimal number', '0x7f000001', 'bind.ambiguous-address'],
    ['leading zeros', '127.000.000.001', 'bind.ambiguous-address'],
    ['a root label after the address', '127.0.0.1.', 'bind.ambiguous-address'],
    ['five numbers', '127.0.0.1.1', 'bind.ambiguous-address'],
    ['a number out of range', '256.0.0.1', 'bind.ambiguous-address'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1', 'bind.ambiguous-address'],
    ['IPv4-mapped loopback in hex', '::FFFF:7f00:1', 'bind.ambiguous-address'],
    ['IPv4-mapped, written out', '0:0:0:0:0:ffff:7f00:0001', 'bind.ambiguous-address'],
    ['zero, which is 0.0.0.0', '0', 'bind.wildcard'],
    ['zero in octal', '000', 'bind.wildcard'],
    ['zero in hex', '0x0.0', 'bind.wildcard'],
    ['the IPv4 wildcard', '0.0.0.0', 'bind.wildcard'],
    ['the IPv6 wildcard', '::', 'bind.wildcard'],
    ['the IPv6 wildcard in brackets', '[::]', 'bind.wildcard'],
    ['the IPv6 wildcard, written out', '0:0:0:0:0:0:0:0', 'bind.wildcard'],
    ['IPv4-mapped wildcard', '::ffff:0.0.0.0', 'bind.wildcard'],
    ['a star', '*', 'bind.wildcard'],
    ['an empty host', '', 'bind.wildcard'],
    ['nothing set', null, 'bind.wildcard'],
    ['a root label after a name', 'localhost.', 'bind.malformed-address'],
    ['host and port of every interface', '0.0.0.0:8501', 'bind.wildcard'],
    ['a port alone', ':8501', 'bind.wildcard'],
    ['a bracketed wildcard and port', '[::]:8501', 'bind.wildcard'],
    ['a URL of every interface', 'http://0.0.0.0:8501', 'bind.wildcard'],
    ['a URL of a name in numbers', 'tcp://0x7f.1:8501', 'bind.ambiguous-address'],
    ['a URL with a user', 'http://me@127.0.0.1:8501', 'bind.malformed-address'],
    ['a URL of every interface with a path', 'http://0.0.0.0:8501/x', 'bind.wildcard'],
    [
      'a URL of another address with a user in its path',
      'http://192.0.2.1:8501/@127.0.0.1',
      'bind.not-loopback',
    ],
    ['a URL with a backslash', 'http://127.0.0.1\\@192.0.2.1:8501/', 'bind.malformed-address'],
    ['a port with six digits', '127.0.0.1:850100', 'bind.malformed-address'],
    ['another port', '127.0.0.1:8502', 'bind.other-port'],
    ['a socket path that everybody may reach', '/run/ui.sock', 'bind.socket-open'],
    ['a socket URL', 'unix:/run/ui.sock', 'bind.socket-open'],
    ['a socket in a directory that everybody may write', '/tmp/ui.sock', 'bind.socket-untrusted'],
    ['a socket path of 108 bytes', `/run/${'x'.repeat(103)}`, 'bind.malformed-address'],
    ['a socket path of fewer characters', `/run/${'é'.repeat(52)}`, 'bind.malformed-address'],
    ['a socket path as long as may be', `/run/${'x'.repeat(99)}`, 'bind.socket-open'],
    ['a short one that is not ASCII', `/run/${'é'.repeat(9)}.sock`, 'bind.socket-open'],
    ['an abstract socket', '@ui', 'bind.malformed-address'],
    ['a zone on IPv4', '127.0.0.1%eth0', 'bind.malformed-address'],
    ['a zone on loopback', '::1%eth0', 'bind.malformed-address'],
    ['a zone in brackets', '[::1%eth0]', 'bind.malformed-address'],
    ['two opening brackets', '[[::1', 'bind.malformed-address'],
    ['one bracket', '[::1', 'bind.malformed-address'],
    ['nested brackets', '[[::1]]', 'bind.malformed-address'],
    ['empty brackets', '[]', 'bind.malformed-address'],
    ['IPv4 in brackets', '[127.0.0.1]', 'bind.malformed-address'],
    ['a line feed', '127.0.0.1\n', 'bind.malformed-address'],
    ['a tab', 'localhost\t', 'bind.malformed-address'],
    ['a blank', ' ', 'bind.malformed-address'],
    ['a blank in front', ' 127.0.0.1', 'bind.malformed-address'],
    ['NUL', '127.0.0.1\0.example.org', 'bind.malformed-address'],
    ['an invisible character', '127.0.0.1\u200b', 'bind.malformed-address'],
    ['fullwidth digits', '１２７.0.0.1', 'bind.malformed-address'],
    ['a name in letters beyond ASCII', 'löcalhost', 'bind.malformed-address'],
    ['a user part', 'root@localhost', 'bind.malformed-address'],
    ['a list', '127.0.0.1,0.0.0.0', 'bind.wildcard'],
    ['an option', '-localhost', 'bind.malformed-address'],
    ['a private network', '192.168.1.10', 'bind.not-loopback'],
    ['a neighbour of the wildcard', '0.0.0.1', 'bind.not-loopback'],
    ['just past loopback', '128.0.0.1', 'bind.not-loopback'],
    ['link-local', 'fe80::1', 'bind.not-loopback'],
    ['IPv4-compatible loopback, which is not loopback', '::127.0.0.1', 'bind.not-loopback'],
    ['translated loopback', '64:ff9b::127.0.0.1', 'bind.not-loopback'],
    ['a label longer than any zone can hold', 'x'.repeat(64), 'bind.unresolvable'],
  ])('refuses %s', async (_why, value, code) => {
    const decision = await judge(bind, ask(value));
    expect(decision.decision).toBe('refuse');
    expect(decision.codes[0]).toBe(code);
    expect(decision.remedy).not.toBe('');
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', 4],
    ['127.9.8.7', '127.9.8.7', 4],
    ['::1', '::1', 6],
    ['[::1]', '::1', 6],
    ['0:0:0:0:0:0:0:1', '::1', 6],
    ['127.0.0.1:8501', '127.0.0.1', 4],
    ['http://[::1]:8501/', '::1', 6],
    ['http://127.0.0.1:8501/ollama', '127.0.0.1', 4],
    ['127.0.0.1:8501,[::1]:8501', '127.0.0.1', 4],
  ] as const)('allows %s and grants the canonical literal', async (value, host, family) => {
    expect(await grantFor(value, 8501)).toMatchObject({ host, family, port: 8501 });
  });
});

describe('several sources', () => {
  it('are all judged, the most exposed is the headline and every code is listed', async () => {
    const decision = await judge(bind, ask('127.0.0.1', '::1%lo', '127.1', '192.0.2.1', null));
    expect(decision.codes).toEqual([
      'bind.wildcard',
      'bind.not-loopback',
      'bind.ambiguous-address',
      'bind.malformed-address',
    ]);
    expect(decision.reason).toContain('s4');
  });

  it('grant the address of the first', async () => {
    const journal = memoryJournal();
    const granted = await enforce(bind, ask('::1', '127.0.0.1'), { journal });
    expect(granted.host).toBe('::1');
  });

  it.each([
    ['no source at all', { sources: [], port: 8501 }],
    ['an unknown key', { ...ask('127.0.0.1'), force: true }],
    ['a port as text', { ...ask('127.0.0.1'), port: '8501' }],
    ['a source that is no identifier', { sources: [{ from: 'a\nb', value: '::1' }], port: 1 }],
    ['a source without a value', { sources: [{ from: 'cli' }], port: 1 }],
  ])('refuse %s', async (_why, request) => {
    const decision = await judge(bind, request as BindRequest);
    expect(decision.codes).toEqual(['guard.request-invalid']);
  });
});

/** Judges a name in a mount namespace of its own whose /etc/hosts says what the test wants. */
async function judgeWithHosts(hosts: string, name: string): Promise<{ codes: string[]; reason: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'bind-hosts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'hosts'), hosts);
  const source = (path: string): string => fileURLToPath(new URL(`../../../dist/${path}`, import.meta.url));
  await writeFile(
    join(directory, 'judge.mjs'),
    `import { bind } from ${JSON.stringify(source('guards/bind/bind.js'))};
     import { judge } from ${JSON.stringify(source('kernel/enforce.js'))};
     const request = { sources: [{ from: 'cli', value: ${JSON.stringify(name)} }], port: 8501 };
     console.log(JSON.stringify(await judge(bind, request)));`,
  );
  const script = 'mount --bind "$1/hosts" /etc/hosts && exec "$2" "$1/judge.mjs"';
  const argv = ['-rm', 'sh', '-c', script, 'sh', directory, process.execPath];
  const { stdout } = await run('unshare', argv, { cwd: fileURLToPath(new URL('../../..', import.meta.url)) });
  return JSON.parse(stdout) as { codes: string[]; reason: string };
}

const namespaces = await run('unshare', ['-rm', 'true']).then(
  () => true,
  () => false,
);

describe('names, as the system resolver answers them (needs unshare and user namespaces)', () => {
  it.each([
    ['loopback and the network', '127.0.0.1 ui.test\n192.0.2.7 ui.test\n', ['bind.not-loopback']],
    ['the wildcard', '0.0.0.0 ui.test\n', ['bind.wildcard']],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1 ui.test\n', ['bind.ambiguous-address']],
    ['a poisoned localhost', '192.0.2.7 localhost\n', ['bind.not-loopback'], 'localhost'],
    ['loopback twice', '127.0.0.1 ui.test\n127.0.0.2 ui.test\n', []],
  ] as [string, string, string[], string?][])(
    'judges every address: %s',
    { timeout: 60_000, ...leftOut(!namespaces && !requiresReal && 'no network namespaces') },
    async (_why, hosts, codes, name = 'ui.test') => {
      expect((await judgeWithHosts(hosts, name)).codes).toEqual(codes);
    },
  );
});

describe('BoundAddress', () => {
  it('confirms a server that really listens there', async () => {
    const granted = await grantFor('127.0.0.1', await freePort());
    const server = await listening({ host: granted.host, port: granted.port });
    expect(granted.confirm(server)).toBe(server);
    expect(server.listening).toBe(true);
  });

  it.each([
    ['every interface', { host: '0.0.0.0' }],
    ['another loopback address', { host: '127.0.0.2' }],
  ])('closes and refuses a server that listens on %s', async (_why, elsewhere) => {
    const granted = await grantFor('127.0.0.1', await freePort());
    const server = await listening({ ...elsewhere, port: granted.port });
    expect(() => granted.confirm(server)).toThrow(
      expect.objectContaining({ code: 'bind.listening-elsewhere' }),
    );
    expect(server.listening).toBe(false);
  });

  it('refuses another port, even when the server lies about its address', async () => {
    const granted = await grantFor('127.0.0.1', await freePort());
    const server = await listening({ host: '127.0.0.1', port: 0 });
    server.address = () => ({ address: '127.0.0.1', family: 'IPv4', port: granted.port });
    expect(() => granted.confirm(server)).toThrow(
      expect.objectContaining({ code: 'bind.listening-elsewhere' }),
    );
  });

  it('refuses a server on a socket path', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'bind-path-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const granted = await grantFor('127.0.0.1', 8501);
    const server = await listening({ path: join(directory, 's') });
    expect(() => granted.confirm(server)).toThrow(
      expect.objectContaining({ code: 'bind.listening-elsewhere' }),
    );
  });

  it('confirms a server on the unix socket that was granted', async () => {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'bind-granted-')));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, 'ui.sock');
    const request = { sources: [{ from: '--bind', value: `unix:${path}` }] };
    const granted = await enforce(bind, request, { journal: memoryJournal() });
    expect(granted).toMatchObject({ host: path, family: 'unix' });
    expect(granted.confirm(await listening({ path }))).toBeInstanceOf(Server);
    const other = await listening({ path: join(directory, 'other.sock') });
    expect(() => granted.confirm(other)).toThrow(
      expect.objectContaining({ code: 'bind.listening-elsewhere' }),
    );
  });

  it('refuses a server that does not listen yet, and what is no server', async () => {
    const granted = await grantFor('127.0.0.1', 8501);
    const code = expect.objectContaining({ code: 'bind.not-listening' });
    expect(() => granted.confirm(createServer())).toThrow(code);
    const impostor = { address: () => ({ address: '127.0.0.1', family: 'IPv4', port: 8501 }) };
    expect(() => granted.confirm(impostor as unknown as Server)).toThrow(code);
  });

  it('is what the guard handed out, frozen, and nothing that looks like it', async () => {
    const granted = await grantFor('::1', 8501);
    expect(isGranted(bind, granted)).toBe(true);
    expect(Object.isFrozen(granted)).toBe(true);
    const server = await listening({ host: '0.0.0.0', port: 0 });
    const inherited = Object.create(granted, { host: { value: '0.0.0.0' } }) as BoundAddress;
    for (const forged of [new BoundAddress('0.0.0.0', 4, 80), inherited]) {
      expect(isGranted(bind, forged)).toBe(false);
      expect(() => forged.confirm(server)).toThrow(expect.objectContaining({ code: 'bind.not-granted' }));
      expect(server.listening).toBe(true); // whoever made it up may not close servers either
    }
  });
});

describe('evidence', () => {
  it('never repeats a host text', async () => {
    const journal = memoryJournal();
    const canary = 'canary-7f3a';
    for (const value of [`${canary}\n`, `[${canary}]`, `${canary}:1`, `${'x'.repeat(64)}.${canary}`]) {
      await expect(enforce(bind, ask(value), { journal })).rejects.toMatchObject({ guard: 'bind' });
    }
    expect(journal.drafts).toHaveLength(4);
    expect(JSON.stringify(journal.drafts)).not.toContain(canary);
  });

  it('settles when the caller gives up', async () => {
    const decision = await judge(bind, ask('localhost'), { signal: AbortSignal.abort() });
    expect(decision.codes).toEqual(['guard.aborted']);
  });
});

describe('whatever is asked', () => {
  const value = fc.oneof(
    fc.string(),
    fc.ipV4Extended(),
    fc.ipV6(),
    fc.domain().map((name) => `${name}.invalid.`),
    fc.webUrl(),
    fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('', '*', '[::1]', '127.0.0.1')), fc.nat(99_999))
      .map(([host, port]) => `${host}:${port}`),
    fc.stringMatching(/^(?:unix:)?(?:\/[a-z.]{0,6}){1,5}$/),
  );
  const request = fc.record(
    {
      sources: fc.array(
        fc.record({
          from: fc.constantFrom('--host', '--bind', 'PORT', '/a/b'),
          value: fc.option(fc.oneof(value, fc.array(value))),
        }),
        { maxLength: 4 },
      ),
      program: fc.constantFrom(undefined, 'flask', 'gunicorn', 'streamlit'),
      port: fc.oneof(fc.nat(70_000), fc.double()),
    },
    { requiredKeys: ['sources'] },
  );

  it('is a decision with a code, and an exposed socket is never granted', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (asked) => {
        const { decision, codes } = await judge(bind, asked as BindRequest);
        if (decision === 'allow') expect(JSON.stringify(asked.sources)).toMatch(/127\.|::1|0:1|localhost|\//);
        else expect(codes[0]).toMatch(/^(?:bind|guard)\.[a-z-]+$/);
        expect(codes).not.toContain('guard.rule-failed');
      }),
      { numRuns: 300 },
    );
  });
});
