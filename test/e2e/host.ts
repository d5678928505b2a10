// A host for tests: real sshd with fresh keys, and users made for the occasion, one for each login shell. Users need
// root; a stranger without root gets one sshd of his own that lets himself in.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Target } from '../../src/ssh/transport/connection.ts';
import type { Credentials } from '../../src/ssh/transport/credentials.ts';
import { freePort } from '../free-port.ts';
import { missing } from '../ssh/support.ts';

export const asRoot: boolean = process.getuid?.() === 0;
const run = promisify(execFile);

const SHELL_NAMES = [
  'sh',
  'bash',
  'zsh',
  'fish',
  'tcsh',
  'bsd-csh',
  'mksh',
  'ksh93',
  'rc',
  'elvish',
  'busybox',
];

/** Every login shell that is here. Without root there is one user, with one shell. */
export const loginShells: readonly string[] = SHELL_NAMES.flatMap((name) => {
  if (missing(name)) return []; // in CI that was an error
  if (name === 'busybox') return ['busybox ash'];
  return ['/bin', '/usr/bin']
    .map((folder) => `${folder}/${name}`)
    .filter(existsSync)
    .slice(0, 1);
}).slice(0, asRoot ? undefined : 1);

export interface TestUser {
  readonly name: string;
  readonly home: string;
}

export interface TestHost {
  readonly directory: string;
  readonly port: number;
  readonly knownHosts: string;
  readonly credentials: Credentials;
  /** Returns the user with this login shell; without root, the user who runs the tests. */
  userWith(shell: string): TestUser;
  target(user: TestUser): Target;
  /** Lets one more key in, by a file of this host: never by that of whoever runs the tests. */
  authorize(user: TestUser, line: string): void;
  stop(): Promise<void>;
}

export interface HostOptions {
  /** Paths of login shells, and `busybox ash`. */
  readonly shells: readonly string[];
  readonly config?: readonly string[];
  /** Network namespace and its address; sshd then listens on port 22 there. */
  readonly namespace?: { readonly name: string; readonly address: string };
}

function addUser(shell: string, publicKey: string, directory: string): TestUser {
  const name = `gr${randomBytes(4).toString('hex')}`;
  const home = join(directory, name);
  spawnSync('useradd', ['-M', '-d', home, '-s', shell, '-p', '*', name]);
  const ids = spawnSync('id', ['-u', name]).stdout.toString().trim();
  const [uid, gid] = [Number(ids), Number(spawnSync('id', ['-g', name]).stdout.toString())];
  if (!uid) throw new Error(`useradd made no user with ${shell}`);
  for (const path of [home, join(home, '.ssh')]) {
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, uid, gid);
  }
  const keys = join(home, '.ssh', 'authorized_keys');
  writeFileSync(keys, publicKey, { mode: 0o600 });
  chownSync(keys, uid, gid);
  return { name, home };
}

async function listening(host: string, port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host, port });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`sshd does not listen on ${host}:${port}`);
}

/**
 * sshd as root wants an empty directory of the system, which is there only where sshd was ever started. Test files run
 * side by side, so each leaves a note in it; whoever takes the last note away takes the directory away.
 */
function holdRunSshd(): () => void {
  const directory = '/run/sshd';
  const notes = existsSync(directory) ? readdirSync(directory) : ['.guardrails'];
  if (!notes.some((name) => name.startsWith('.guardrails'))) return () => {}; // the system's own
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const note = join(directory, `.guardrails-${randomBytes(4).toString('hex')}`);
  writeFileSync(note, '');
  return () => {
    rmSync(note);
    if (readdirSync(directory).length === 0) rmdirSync(directory);
  };
}

/** Starts sshd as a daemon, so that its limits on sessions and connections are real. */
export async function startHost({ shells, config = [], namespace }: HostOptions): Promise<TestHost> {
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-e2e-'));
  chmodSync(directory, 0o755);
  const releaseRun = asRoot ? holdRunSshd() : () => {};
  for (const name of ['host_key', 'user_key']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
  }
  const publicKey = readFileSync(join(directory, 'user_key.pub'), 'utf8');
  const users = new Map<string, TestUser>();
  // A login shell takes no arguments, so busybox is called by the name of its applet.
  const ash = join(directory, 'ash');
  if (shells.includes('busybox ash')) symlinkSync('/bin/busybox', ash);
  const pathOf = (shell: string): string => (shell === 'busybox ash' ? ash : shell);
  if (asRoot) for (const shell of shells) users.set(shell, addUser(pathOf(shell), publicKey, directory));
  const keys = join(directory, 'authorized_keys');
  writeFileSync(keys, publicKey, { mode: 0o600 });
  const address = namespace?.address ?? '127.0.0.1';
  const port = namespace ? 22 : await freePort();
  const file = join(directory, 'sshd_config');
  const lines = [
    `ListenAddress ${address}:${port}`,
    `HostKey ${join(directory, 'host_key')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    ...(asRoot ? [] : [`AuthorizedKeysFile ${keys}`]),
    ...config,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const sshd = ['/usr/sbin/sshd', '-D', '-e', '-f', file];
  const argv = namespace ? ['ip', 'netns', 'exec', namespace.name, ...sshd] : sshd;
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' });
  await listening(address, port);
  const knownHosts = join(directory, 'known_hosts');
  const [type, key] = readFileSync(join(directory, 'host_key.pub'), 'utf8').split(' ');
  writeFileSync(knownHosts, `${port === 22 ? address : `[${address}]:${port}`} ${type} ${key}\n`, {
    mode: 0o600,
  });
  const self = { name: userInfo().username, home: userInfo().homedir };
  return {
    directory,
    port,
    knownHosts,
    credentials: { privateKey: readFileSync(join(directory, 'user_key')) },
    userWith: (shell) => users.get(shell) ?? self,
    authorize: ({ home }, line) =>
      writeFileSync(asRoot ? join(home, '.ssh', 'authorized_keys') : keys, line, { flag: 'a' }),
    target: ({ name }) => ({ host: address, port, user: name, knownHosts: [knownHosts] }),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.kill('SIGTERM')) await ended;
      for (const { name } of users.values()) await removeUser(name);
      await rm(directory, { recursive: true, force: true });
      releaseRun();
    },
  };
}

/** Ends what the user still runs, then removes the user: nobody else's processes carry that user id. */
async function removeUser(name: string): Promise<void> {
  const listed = spawnSync('ps', ['-o', 'pid=', '-u', name]).stdout.toString();
  for (const pid of listed.split('\n').map(Number).filter(Boolean)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it has ended by itself
  }
  for (let attempt = 0; attempt < 50; attempt++) {
    const { status } = spawnSync('userdel', [name]);
    if (status !== 8) return; // 8: still used by a process
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
