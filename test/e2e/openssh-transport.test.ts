// What only the system's ssh can do, against real sshd: certificates of hosts and users, security keys, other key
// exchanges; that nothing of it is left behind, and that it runs no program.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { type ConnectOptions, connect } from '../../src/ssh/transport/connect.ts';
import type { Credentials } from '../../src/ssh/transport/credentials.ts';
import { Framer, stringOf, uint32, WireReader } from '../../src/ssh/transport/wire.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const skip = missing('sshd', 'ssh', 'ssh-keygen', 'ssh-agent', 'ssh-add') || withoutLogin();

describe("the system's ssh", { timeout: 60_000, ...leftOut(skip) }, () => {
  let host: TestHost;
  const file = (name: string): string => join(host.directory, name);
  const run = (program: string, ...args: readonly string[]): void => {
    execFileSync(program, args, { stdio: 'ignore' });
  };
  const keygen = (name: string, ...options: readonly string[]): Buffer => {
    run('ssh-keygen', '-q', '-N', '', '-f', file(name), ...options);
    return readFileSync(file(name));
  };
  const publicKey = (name: string): string =>
    readFileSync(file(`${name}.pub`), 'utf8')
      .split(' ', 2)
      .join(' ')
      .trim();
  const fingerprint = (name: string): string =>
    execFileSync('ssh-keygen', ['-l', '-f', file(name)])
      .toString()
      .split(' ')[1] ?? '';
  /** Returns who let us in, by the name of the user on the host. */
  const enter = async (
    to: TestHost,
    credentials: Credentials = to.credentials,
    { known, ...options }: Partial<ConnectOptions> & { readonly known?: string } = {},
  ): Promise<string> => {
    const user = to.userWith('/bin/sh');
    const target = to.target(user);
    const knownHosts = join(to.directory, 'known_for_this');
    if (known !== undefined) writeFileSync(knownHosts, known, { mode: 0o600 });
    const asked = known === undefined ? target : { ...target, knownHosts: [knownHosts] };
    await using connection = await connect(asked, credentials, { journal, transport: 'openssh', ...options });
    const command = await enforce(remoteCommand, argv(['id', '-un']), { journal });
    const result = await connection.run(command);
    expect(result.stdout.toString().trim()).toBe(user.name);
    return connection.host.key.type;
  };

  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'], config: ['MaxAuthTries 3'] });
  });
  afterAll(() => host.stop());

  it('believes a host by the line of an authority, and only for the name in its certificate', async () => {
    keygen('authority', '-t', 'ed25519');
    keygen('stranger', '-t', 'ed25519');
    for (const [key, principal] of [
      ['right', '127.0.0.1'],
      ['wrong', '127.0.0.2'],
    ] as const) {
      keygen(key, '-t', 'ecdsa');
      run(
        'ssh-keygen',
        '-q',
        '-s',
        file('authority'),
        '-I',
        'host',
        '-h',
        '-n',
        principal,
        file(`${key}.pub`),
      );
    }
    const serve = (key: string): Promise<TestHost> =>
      startHost({
        shells: ['/bin/sh'],
        config: [`HostKey ${file(key)}`, `HostCertificate ${file(`${key}-cert.pub`)}`],
      });
    const [right, wrong] = [await serve('right'), await serve('wrong')];
    try {
      const line = (to: TestHost, marker: string, key: string): string =>
        `${marker}[127.0.0.1]:${to.port} ${publicKey(key)}\n`;
      const known = line(right, '@cert-authority ', 'authority');
      expect(await enter(right, undefined, { known })).toBe('ecdsa-sha2-nistp256-cert-v01@openssh.com');
      await expect(enter(right, undefined, { known, transport: 'ssh2' })).rejects.toMatchObject({
        code: 'host-key.needs-certificate',
        remedy: expect.stringContaining("transport: 'openssh'"),
      });
      const refusals: readonly (readonly [TestHost, string, string])[] = [
        [wrong, line(wrong, '@cert-authority ', 'authority'), 'host-key.needs-certificate'],
        [right, line(right, '@cert-authority ', 'stranger'), 'host-key.needs-certificate'],
        [right, known + line(right, '@revoked ', 'authority'), 'host-key.revoked'],
        [right, known + line(right, '@revoked ', 'right'), 'host-key.revoked'],
        [right, `${known}@Revoked * ${publicKey('stranger')}\n`, 'host-key.revocation-unclear'],
        [right, known.replace('127.0.0.1', '127.0.0.9'), 'host-key.unknown'],
        [host, line(host, '@cert-authority ', 'authority'), 'host-key.needs-certificate'],
      ];
      for (const [to, lines, code] of refusals)
        await expect(enter(to, to.credentials, { known: lines })).rejects.toMatchObject({ code });
    } finally {
      await right.stop();
      await wrong.stop();
    }
  });

  it('refuses a plain key as the other transport does, by the same codes', async () => {
    const name = `[127.0.0.1]:${host.port}`;
    const own = publicKey('host_key');
    keygen('other', '-t', 'ed25519');
    keygen('ecdsa', '-t', 'ecdsa');
    const refusals: readonly (readonly [string, string])[] = [
      ['host-key.changed', `${name} ${publicKey('other')}\n`],
      ['host-key.other-type', `${name} ${publicKey('ecdsa')}\n`],
      ['host-key.revoked', `${name} ${own}\n@revoked * ${own}\n`],
      ['host-key.revocation-unclear', `${name} ${own}\n@Revoked ${name} ${own}\n`],
      ['host-key.unknown', `127.0.0.1 ${own}\n`],
    ];
    for (const [code, known] of refusals)
      for (const transport of ['ssh2', 'openssh'] as const)
        await expect(enter(host, undefined, { known, transport })).rejects.toMatchObject({ code });
    expect(
      await enter(host, undefined, { known: `other ${publicKey('other')}\n`, hostKeys: 'accept-new' }),
    ).toBe('ssh-ed25519');
    expect(readFileSync(file('known_for_this'), 'utf8')).toContain(`${name} ${own}\n`);
  });

  it('shows a certificate of the user, whose authority the host trusts', async () => {
    keygen('users', '-t', 'ed25519');
    const trusting = await startHost({
      shells: ['/bin/sh'],
      config: [`TrustedUserCAKeys ${file('users.pub')}`, 'AuthorizedPrincipalsFile none'],
    });
    try {
      const { name } = trusting.userWith('/bin/sh');
      const privateKey = keygen('certified', '-t', 'rsa', '-b', '2048');
      run('ssh-keygen', '-q', '-s', file('users'), '-I', 'user', '-n', name, file('certified.pub'));
      const certificate = readFileSync(file('certified-cert.pub'));
      await expect(enter(trusting, { privateKey })).rejects.toMatchObject({
        code: 'ssh.authentication-failed',
      });
      expect(await enter(trusting, { privateKey, certificate })).toBe('ssh-ed25519');
      const other = enter(trusting, { privateKey: trusting.credentials.privateKey ?? '', certificate });
      await expect(other).rejects.toMatchObject({ code: 'ssh.certificate-mismatch' });
      const plain = enter(trusting, { privateKey, certificate }, { transport: 'ssh2' });
      await expect(plain).rejects.toMatchObject({ code: 'ssh.certificate-unsupported' });
    } finally {
      await trusting.stop();
    }
  });

  it.each([
    ['ed25519'],
    ['rsa', '-b', '2048'],
    ['ecdsa', '-b', '256'],
    ['ecdsa', '-b', '384'],
    ['ecdsa', '-b', '521'],
  ])('signs with a key of type %s %s %s', async (type, ...bits) => {
    const name = `key-${type}-${bits[1]}`;
    const privateKey = keygen(name, '-t', type, ...bits);
    host.authorize(host.userWith('/bin/sh'), `${publicKey(name)}\n`);
    expect(await enter(host, { privateKey })).toBe('ssh-ed25519');
  });

  it('offers those keys of an agent that were named, and has it sign', async () => {
    const socket = file('agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await expect.poll(() => statSync(socket, { throwIfNoEntry: false })?.isSocket()).toBe(true);
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      const add = (name: string): unknown =>
        execFileSync('ssh-add', ['-q', file(name)], { env, stdio: 'ignore' });
      for (let each = 0; each < 8; each++) {
        keygen(`agent${each}`, '-t', 'ed25519');
        add(`agent${each}`);
      }
      add('user_key');
      await expect(enter(host, { agent: socket })).rejects.toMatchObject({ code: 'ssh.agent-keys' });
      expect(await enter(host, { agent: socket, agentKeys: [fingerprint('user_key')] })).toBe('ssh-ed25519');
      const four = [0, 1, 2, 3].map((each) => fingerprint(`agent${each}`));
      await expect(enter(host, { agent: socket, agentKeys: four })).rejects.toMatchObject({
        code: 'ssh.too-many-attempts',
      });
      await expect(enter(host, { agent: socket, agentKeys: four.slice(1, 2) })).rejects.toMatchObject({
        code: 'ssh.authentication-failed',
        message: expect.stringMatching(/agent's key SHA256:.*it takes publickey/),
      });
    } finally {
      agent.kill();
    }
  });

  it('passes on what a security key signs', async () => {
    // A security key in software (OpenSSH, PROTOCOL.u2f): sshd checks its signature like any other.
    const type = 'sk-ssh-ed25519@openssh.com';
    const { privateKey, publicKey: half } = generateKeyPairSync('ed25519');
    const raw = half.export({ format: 'der', type: 'spki' }).subarray(-32);
    const blob = Buffer.concat([stringOf(type), stringOf(raw), stringOf('ssh:')]);
    const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();
    const answer = (message: Buffer): Buffer => {
      const reader = new WireReader(message);
      if (reader.byte() === 11)
        return Buffer.concat([Buffer.of(12), uint32(1), stringOf(blob), stringOf('key')]);
      reader.string();
      const touched = Buffer.concat([Buffer.of(1), uint32(7)]); // user present, and a counter
      const signed = Buffer.concat([sha256('ssh:'), touched, sha256(reader.string())]);
      const signature = [stringOf(type), stringOf(sign(null, signed, privateKey)), touched];
      return Buffer.concat([Buffer.of(14), stringOf(Buffer.concat(signature))]);
    };
    const agent = createServer((socket) => {
      const framer = new Framer(65_536);
      socket
        .on('error', () => {})
        .on('data', (chunk) => {
          framer.push(chunk, (message) => void socket.write(stringOf(answer(message))));
        });
    });
    await new Promise<void>((resolve) => {
      agent.listen(file('sk-agent'), resolve);
    });
    const line = `${type} ${blob.toString('base64')}\n`;
    host.authorize(host.userWith('/bin/sh'), line);
    expect(await enter(host, { agent: file('sk-agent') })).toBe('ssh-ed25519');
    agent.close();
  });

  it.each([
    ['KexAlgorithms sntrup761x25519-sha512@openssh.com'],
    ['Ciphers chacha20-poly1305@openssh.com'],
    ['Ciphers aes256-gcm@openssh.com'],
    ['PubkeyAcceptedAlgorithms ssh-ed25519'],
  ])('logs in where the host has only %s', async (line) => {
    const narrow = await startHost({ shells: ['/bin/sh'], config: [line] });
    try {
      expect(await enter(narrow)).toBe('ssh-ed25519');
    } finally {
      await narrow.stop();
    }
  });

  it('says what the host offers where nothing of it is taken, and is not stopped by a long banner', async () => {
    writeFileSync(file('banner'), 'x'.repeat(60_000));
    const old = await startHost({ shells: ['/bin/sh'], config: ['Ciphers aes128-cbc'] });
    const loud = await startHost({ shells: ['/bin/sh'], config: [`Banner ${file('banner')}`] });
    try {
      await expect(enter(old)).rejects.toMatchObject({
        code: 'host-key.no-common-algorithm',
        message: expect.stringContaining('aes128-cbc'),
      });
      expect(await enter(loud)).toBe('ssh-ed25519');
    } finally {
      await old.stop();
      await loud.stop();
    }
  });

  it('is given no password and no strange user', async () => {
    await expect(enter(host, { password: 'x' })).rejects.toMatchObject({ code: 'ssh.password-unsupported' });
    for (const user of ['-oProxyCommand=x', 'a b', 'a;id', 'a%h', '', 'a\0'])
      await expect(
        connect({ ...host.target(host.userWith('/bin/sh')), user }, host.credentials, {
          journal,
          transport: 'openssh',
        }),
      ).rejects.toMatchObject({ code: 'usage.user' });
  });

  describe('leaves nothing behind', () => {
    const temporary = (): string => mkdtempSync(join(tmpdir(), 'left-'));
    /** Command lines of all processes that name the directory. */
    const processes = (directory: string): string =>
      spawnSync('pgrep', ['-f', '-a', `^/bin/sh -c d=.* ${directory}/`]).stdout.toString();
    const worker = fileURLToPath(new URL('openssh-worker.mjs', import.meta.url));

    it.each([
      ['when the log-in is over', 'close', undefined],
      ['after SIGTERM', 'connected', 'SIGTERM'],
      ['after SIGKILL', 'connected', 'SIGKILL'],
      ['after SIGKILL before the log-in', 'held', 'SIGKILL'],
    ] as const)('%s', async (_when, stage, signal) => {
      const TMPDIR = temporary();
      const { name } = host.userWith('/bin/sh');
      const args = [worker, stage, `${host.port}`, name, host.knownHosts, file('user_key')];
      const child = spawn(process.execPath, args, {
        env: { ...process.env, TMPDIR },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      if (signal) {
        expect(processes(TMPDIR)).not.toBe('');
        expect(readdirSync(TMPDIR).filter((entry) => entry.startsWith('gr-'))).toHaveLength(
          stage === 'held' ? 1 : 0,
        );
        child.kill(signal);
      }
      await ended;
      await expect.poll(() => processes(TMPDIR), { timeout: 5_000 }).toBe('');
      expect(readdirSync(TMPDIR).filter((entry) => entry.startsWith('gr-'))).toEqual([]);
      rmSync(TMPDIR, { recursive: true });
    });
  });

  it('runs no program and reads no configuration', leftOut(missing('strace')), async () => {
    const bin = mkdtempSync(join(tmpdir(), 'strace-'));
    const trace = join(bin, 'trace');
    const real = execFileSync('which', ['ssh']).toString().trim();
    writeFileSync(
      join(bin, 'ssh'),
      `#!/bin/sh\n[ "$1" = -V ] && exec ${real} -V\nexec strace -f -e trace=execve,openat -o '${trace}' ${real} "$@"\n`,
    );
    chmodSync(join(bin, 'ssh'), 0o755);
    const { PATH } = process.env;
    process.env['PATH'] = `${bin}:${PATH}`;
    try {
      await enter(host);
    } finally {
      process.env['PATH'] = PATH;
    }
    await expect.poll(() => existsSync(trace) && readFileSync(trace, 'utf8')).toMatch(/exited with/);
    const text = readFileSync(trace, 'utf8');
    expect(text.match(/execve\(/g)).toHaveLength(1);
    expect(text).not.toMatch(/ssh_config|\.ssh\/|known_hosts/);
    rmSync(bin, { recursive: true });
  });
});
