// Why a log-in fails, each reason by its own code, against sshd; what fails before any host is asked asks none.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server, utils } from 'ssh2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Credentials } from '../../src/ssh/transport/credentials.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startEmbedded } from '../ssh/transport/embedded-host.ts';
import { startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const attempt = async (
  host: TestHost,
  credentials: Credentials,
  user = host.userWith('/bin/sh').name,
): Promise<string> => {
  const target = { ...host.target(host.userWith('/bin/sh')), user };
  await using connection = await connect(target, credentials, { journal });
  return connection.isOpen ? 'in' : 'out';
};

const skip = missing('sshd', 'ssh-keygen', 'ssh-agent', 'ssh-add') || withoutLogin();

describe('a log-in', { timeout: 60_000, ...leftOut(skip) }, () => {
  let host: TestHost;
  const file = (name: string): string => join(host.directory, name);
  const keygen = (name: string, ...options: readonly string[]): Buffer => {
    execFileSync('ssh-keygen', [
      '-q',
      '-f',
      file(name),
      ...(options.includes('-N') ? [] : ['-N', '']),
      ...options,
    ]);
    return readFileSync(file(name));
  };
  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'], config: ['MaxAuthTries 3'] });
  });
  afterAll(() => host.stop());

  it('that the host refuses names the key and what the host takes', async () => {
    const stranger = keygen('stranger', '-t', 'ed25519');
    const print = execFileSync('ssh-keygen', ['-l', '-f', file('stranger')])
      .toString()
      .split(' ')[1];
    await expect(attempt(host, { privateKey: stranger })).rejects.toMatchObject({
      code: 'ssh.authentication-failed',
      message: expect.stringMatching(new RegExp(`${print?.replaceAll('+', '\\+')}.*it takes publickey`)),
    });
    await expect(attempt(host, { password: 'wrong' })).rejects.toMatchObject({
      code: 'ssh.authentication-failed',
      message: expect.stringContaining('it takes publickey'),
    });
  });

  it.each([
    ['ssh.key-encrypted', 'ed25519', 'secret', undefined],
    ['ssh.key-passphrase', 'ed25519', 'secret', 'wrong'],
    ['ssh.key-encrypted', 'rsa', 'secret', undefined],
  ] as const)(
    'with a key that cannot be opened is %s (%s), and no host is asked',
    async (code, type, set, passphrase) => {
      const privateKey = keygen(`locked-${type}-${passphrase}`, '-t', type, '-N', set);
      const nobody = { host: '127.0.0.1', port: 1, user: 'x', knownHosts: ['/nowhere'] };
      const credentials = passphrase === undefined ? { privateKey } : { privateKey, passphrase };
      await expect(connect(nobody, credentials, { journal })).rejects.toMatchObject({ code });
      await expect(attempt(host, { privateKey, passphrase: set })).rejects.toMatchObject({
        code: 'ssh.authentication-failed',
      });
    },
  );

  it('with something else than a private key is told apart, and no host is asked', async () => {
    const nobody = { host: '127.0.0.1', port: 1, user: 'x', knownHosts: ['/nowhere'] };
    const whole = readFileSync(file('user_key'), 'utf8');
    for (const [code, credentials] of [
      ['ssh.key-public', { privateKey: readFileSync(file('user_key.pub')) }],
      ['ssh.key-unreadable', { privateKey: whole.replace(/\n[^\n]+\n/, '\n') }],
      ['ssh.key-unreadable', { privateKey: 'no key at all' }],
      ['ssh.no-credentials', {}],
      ['ssh.no-agent', { agent: file('no-socket') }],
    ] as const)
      await expect(connect(nobody, credentials, { journal })).rejects.toMatchObject({ code });
  });

  it('with an agent of nine keys needs one named, and offers that one alone', async () => {
    const socket = file('agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await expect.poll(() => statSync(socket, { throwIfNoEntry: false })?.isSocket()).toBe(true);
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      for (let each = 0; each < 8; each++) {
        keygen(`agent${each}`, '-t', 'ed25519');
        execFileSync('ssh-add', ['-q', file(`agent${each}`)], { env, stdio: 'ignore' });
      }
      execFileSync('ssh-add', ['-q', file('user_key')], { env, stdio: 'ignore' });
      const print = (name: string): string =>
        execFileSync('ssh-keygen', ['-l', '-f', file(name)])
          .toString()
          .split(' ')[1] ?? '';
      await expect(attempt(host, { agent: socket })).rejects.toMatchObject({ code: 'ssh.agent-keys' });
      await expect(attempt(host, { agent: socket, agentKeys: ['SHA256:x'] })).rejects.toMatchObject({
        code: 'ssh.no-agent-key',
      });
      expect(await attempt(host, { agent: socket, agentKeys: [print('user_key')] })).toBe('in');
      const four = [0, 1, 2, 3].map((each) => print(`agent${each}`));
      await expect(attempt(host, { agent: socket, agentKeys: four })).rejects.toMatchObject({
        code: 'ssh.too-many-attempts',
      });
    } finally {
      agent.kill();
    }
  });

  it.each(['rsa-sha2-512', 'rsa-sha2-256'])(
    'with an RSA key works where the host takes %s alone',
    async (algorithm) => {
      const strict = await startHost({
        shells: ['/bin/sh'],
        config: [`PubkeyAcceptedAlgorithms ${algorithm}`],
      });
      try {
        const key = keygen(`rsa-${algorithm}`, '-t', 'rsa', '-b', '2048');
        strict.authorize(strict.userWith('/bin/sh'), readFileSync(file(`rsa-${algorithm}.pub`), 'utf8'));
        expect(await attempt(strict, { privateKey: key })).toBe('in');
      } finally {
        await strict.stop();
      }
    },
  );

  it.each(['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr'])(
    'works where the host has %s alone',
    async (cipher) => {
      const narrow = await startHost({ shells: ['/bin/sh'], config: [`Ciphers ${cipher}`] });
      try {
        expect(await attempt(narrow, narrow.credentials)).toBe('in');
      } finally {
        await narrow.stop();
      }
    },
  );

  it('behind a banner that ssh2 cannot take says so', async () => {
    const banner = file('banner');
    writeFileSync(banner, 'x'.repeat(60_000));
    const loud = await startHost({ shells: ['/bin/sh'], config: [`Banner ${banner}`] });
    try {
      await expect(attempt(loud, loud.credentials)).rejects.toMatchObject({ code: 'ssh.packet-too-long' });
    } finally {
      await loud.stop();
    }
  });

  it('to a host whose key exchange is another says what the host offers', async () => {
    const modern = await startHost({
      shells: ['/bin/sh'],
      config: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'],
    });
    try {
      await expect(attempt(modern, modern.credentials)).rejects.toMatchObject({
        code: 'host-key.no-common-algorithm',
        message: expect.stringContaining('sntrup761x25519-sha512@openssh.com'),
      });
    } finally {
      await modern.stop();
    }
  });
});

describe('a host that ends the log-in', () => {
  it('is no host that refused the credentials', async () => {
    const host = await startEmbedded((peer) => peer.prependListener('authentication', () => peer.end()));
    try {
      const run = connect(host.target, host.credentials, { journal });
      await expect(run).rejects.toMatchObject({ code: 'ssh.link-lost' });
    } finally {
      await host.stop();
    }
  });

  it('because the password has expired says that, and is given no other', async () => {
    const { private: key, public: publicKey } = utils.generateKeyPairSync('ecdsa', { bits: 256 });
    const server = new Server({ hostKeys: [key] }, (peer) => {
      peer.on('error', () => {});
      peer.on('authentication', (context) => {
        if (context.method === 'password') context.requestChange('new one, please', () => context.reject());
        else context.reject(['password']);
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { port: number };
    const host = await startEmbedded(() => {});
    writeFileSync(host.target.knownHosts[0] ?? '', `[127.0.0.1]:${port} ${publicKey}\n`);
    const run = connect({ ...host.target, port }, { password: 'old' }, { journal });
    await expect(run).rejects.toMatchObject({ code: 'ssh.password-expired' });
    await host.stop();
    await new Promise((resolve) => server.close(resolve));
  });
});
