// A real OpenSSH server for the host-key states: unprivileged, on loopback, one sshd process per connection (inetd
// mode), with host keys made for the occasion. Nothing listens and nothing is left once its test has ended.
import { execFile, spawn } from 'node:child_process';
import { access, chown, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type {
  LoopbackServer,
  ServerKeyType,
  ServerOptions,
} from '../../src/proof/drills/host-key/loopback-server.ts';
import { DrillUnavailable } from '../../src/proof/proof.ts';

const run = promisify(execFile);

const KEYGEN: Readonly<Record<ServerKeyType, readonly string[]>> = {
  ed25519: ['-t', 'ed25519'],
  ecdsa: ['-t', 'ecdsa'],
  rsa: ['-t', 'rsa', '-b', '2048'],
  rsa1024: ['-t', 'rsa', '-b', '1024'],
};

export interface LoopbackSshd extends LoopbackServer {
  /** The command that serves one connection on standard input and output, for `ssh -o ProxyCommand`. */
  readonly command: readonly string[];
}

async function findSshd(): Promise<string> {
  for (const path of ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd', '/sbin/sshd']) {
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new DrillUnavailable('no sshd here: install openssh-server (it need not be started)');
}

// sshd as root wants a privilege separation directory, which only the system's own set-up makes. It checks host keys
// and serves key exchanges as any user, so for a drill run by root it is `nobody`.
const NOBODY = 65_534;
const asRoot = process.getuid?.() === 0;
const identity = asRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** Returns a server with fresh host keys. @throws DrillUnavailable where sshd does not start with them. */
export async function startSshd({ types, outdated }: ServerOptions): Promise<LoopbackSshd> {
  const sshd = await findSshd();
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-sshd-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const keys: string[] = [];
    const lines = ['UsePAM no', 'StrictModes no', 'PidFile none'];
    if (outdated) lines.push('Ciphers aes128-ctr', 'MACs hmac-sha1');
    for (const [index, type] of types.entries()) {
      const path = join(directory, `key${index}`);
      await run('ssh-keygen', ['-q', ...KEYGEN[type], '-N', '', '-f', path]);
      keys.push((await readFile(`${path}.pub`, 'utf8')).split(' ', 2).join(' ').trim());
      if (asRoot) await chown(path, NOBODY, NOBODY);
      lines.push(`HostKey "${path.replaceAll(/["\\]/g, '\\$&')}"`); // sshd_config(5): arguments may be quoted
    }
    const file = join(directory, 'sshd_config');
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
    if (asRoot) await chown(directory, NOBODY, NOBODY);
    // A directory that nobody can reach, for one, must not look like a host that does not answer.
    await run(sshd, ['-t', '-f', file], identity).catch(() => {
      throw new DrillUnavailable(
        'sshd does not start here: see `sshd -t`, and whether nobody can reach TMPDIR',
      );
    });
    return await listen([sshd, '-i', '-f', file], keys, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function listen(
  argv: readonly string[],
  keys: readonly string[],
  remove: () => Promise<void>,
): Promise<LoopbackSshd> {
  const [program = '', ...args] = argv;
  const stops = new Set<() => void>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const child = spawn(program, args, { stdio: [socket, socket, 'ignore'], ...identity });
    const stop = (): void => void child.kill('SIGKILL');
    stops.add(stop);
    child.on('error', () => {}).on('close', () => stops.delete(stop));
    socket.on('error', () => {}).destroy(); // the child has its own copy
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const prefix = asRoot ? ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'] : [];
  return {
    host: '127.0.0.1',
    port,
    keys,
    command: [...prefix, ...argv],
    stop: async () => {
      await new Promise((resolve) => server.close(resolve));
      for (const stop of stops) stop();
      await remove();
    },
  };
}
