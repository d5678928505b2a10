// The ssh process that carries a connection. It is given every option, reads no configuration, dials nobody (it speaks over
// a stream that we have reached) and runs nothing. It ends when this process does, whatever way: its input ends then. The
// shell around it takes the directory away, which this process may not live to do.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CodedError } from '../../evidence/coded-error.ts';
import type { ReachedStream } from './key-exchange.ts';
import { HoldingAgent } from './openssh-agent.ts';
import { LOG_VERBOSE } from './openssh-log.ts';

export interface MasterOptions {
  readonly user: string;
  /** The name by which the host is known, in `knownHosts` and in its certificate. */
  readonly name: string;
  /** Text of the known_hosts file: lines for `name` alone. */
  readonly knownHosts: string;
  readonly hostKeyAlgorithms: readonly string[];
  readonly acceptsUnknown: boolean;
  readonly keepaliveMs: number;
}

// Names relative to its directory, so that nothing in the path of the directory can be taken for a token of ssh_config(5).
const [CONTROL, AGENT, LOG, KNOWN] = ['m', 'a', 'l', 'k'] as const;
/** Bytes of a socket's path that the kernel takes, less the suffix that ssh adds while it makes one (sun_path, unix(7)). */
const MAX_PATH = 90;
const MAX_LOG = 256 * 1024;
/** For ssh to end once its input has, in milliseconds. */
const END_MS = 2_000;

const WRAPPER = 'd=$1; shift; "$@"; s=$?; cd / && rm -rf -- "$d"; exit $s';

/** What the environment of ssh holds; its configuration comes by options alone. */
const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/',
  LC_ALL: 'C',
});

/** ssh takes the first value of an option, and each is given once. */
function argumentsFor({
  user,
  name,
  hostKeyAlgorithms,
  acceptsUnknown,
  keepaliveMs,
}: MasterOptions): string[] {
  const options = [
    'IgnoreUnknown=RequiredRSASize,EnableEscapeCommandline,ObscureKeystrokeTiming',
    'BatchMode=yes',
    `StrictHostKeyChecking=${acceptsUnknown ? 'accept-new' : 'yes'}`,
    `HostKeyAlias=${name}`,
    `UserKnownHostsFile=${KNOWN}`,
    'GlobalKnownHostsFile=none',
    'KnownHostsCommand=none',
    'UpdateHostKeys=no',
    'VerifyHostKeyDNS=no',
    'CheckHostIP=no',
    'HashKnownHosts=no',
    'CanonicalizeHostname=no',
    'RequiredRSASize=2048',
    // As the embedded transport: nothing with SHA-1, no CBC, no short groups. What else this ssh has, it may use.
    `HostKeyAlgorithms=${hostKeyAlgorithms.join(',')}`,
    'KexAlgorithms=-*sha1,diffie-hellman-group-exchange-*,diffie-hellman-group14-*',
    'Ciphers=-*cbc*,arcfour*',
    'MACs=-*sha1*,*md5*,umac-*',
    'Compression=no',
    'ProxyCommand=-', // standard input and output, and no program
    'ProxyJump=none',
    `IdentityAgent=${AGENT}`,
    'IdentityFile=none',
    'IdentitiesOnly=no', // all keys of our own agent, which holds those that were named
    'CertificateFile=none',
    'AddKeysToAgent=no',
    'PKCS11Provider=none',
    'PreferredAuthentications=publickey',
    'NumberOfPasswordPrompts=0',
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'PermitLocalCommand=no',
    'Tunnel=no',
    'EscapeChar=none',
    'EnableEscapeCommandline=no',
    'ObscureKeystrokeTiming=no', // no terminal here
    'ControlMaster=yes',
    'ControlPersist=no',
    `ServerAliveInterval=${Math.ceil(keepaliveMs / 1000)}`,
    'ServerAliveCountMax=3',
    'LogLevel=VERBOSE',
    `LogVerbose=${LOG_VERBOSE}`,
  ];
  const flags = ['-F', 'none', '-N', '-T', '-a', '-x', '-S', CONTROL, '-E', LOG, '-l', user];
  return ['ssh', ...flags, ...options.flatMap((option) => ['-o', option]), '--', 'host'];
}

export class Master {
  readonly #directory: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stream: ReachedStream;
  readonly #log: FileHandle;
  #complaint: string;
  /** The log as it was when ssh ended. */
  #last: string | undefined;
  readonly agent: HoldingAgent;
  /** Resolves when ssh is gone, and its directory with it. */
  readonly ended: Promise<void>;

  private constructor(
    directory: string,
    agent: HoldingAgent,
    log: FileHandle,
    options: MasterOptions,
    stream: ReachedStream,
  ) {
    this.#directory = directory;
    this.#stream = stream;
    this.#log = log;
    this.#complaint = '';
    this.#last = undefined;
    this.agent = agent;
    const child = spawn('/bin/sh', ['-c', WRAPPER, 'sh', directory, ...argumentsFor(options)], {
      cwd: directory,
      env: environment(),
      detached: true, // what a terminal sends to our group is for us to handle
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve()).once('close', () => resolve());
    }).then(() => this.#clean());
    for (const end of [child.stdin, child.stdout, child.stderr, stream]) end.on('error', () => {});
    child.stderr.on('data', (bytes: Buffer) => {
      if (this.#complaint.length < 1_000) this.#complaint += bytes.toString('latin1');
    });
    stream.pipe(child.stdin);
    child.stdout.pipe(stream);
    stream.once('close', () => child.stdin.destroy());
  }

  /**
   * Starts ssh on a stream that the host has spoken on. It belongs to the master from here on.
   *
   * @throws CodedError `ssh.directory-too-long`; what the file system says.
   */
  static async start(options: MasterOptions, stream: ReachedStream): Promise<Master> {
    const directory = await mkdtemp(join(tmpdir(), 'gr-')); // mode 0700, by mkdtemp(3)
    try {
      if (Buffer.byteLength(directory) + 2 > MAX_PATH)
        throw new CodedError(
          'ssh.directory-too-long',
          'the path of the directory for temporary files is too long for a socket in it',
          'Set TMPDIR to a shorter one, such as /tmp.',
        );
      await writeFile(join(directory, KNOWN), options.knownHosts, { mode: 0o600 });
      const agent = await HoldingAgent.listen(join(directory, AGENT));
      const log = await open(join(directory, LOG), 'ax+', 0o600);
      return new Master(directory, agent, log, options, stream);
    } catch (error) {
      stream.destroy();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Returns what ssh has logged so far, or complained of before it had a log. */
  async log(): Promise<string> {
    if (this.#last !== undefined) return this.#last;
    const bytes = Buffer.alloc(MAX_LOG);
    const { bytesRead } = await this.#log.read(bytes, 0, MAX_LOG, 0);
    return bytesRead > 0 ? bytes.toString('latin1', 0, bytesRead) : this.#complaint;
  }

  /** Returns a connection to the control socket, once ssh has logged in and made one. Rejects when ssh ends first. */
  async control(): Promise<Socket> {
    const path = join(this.#directory, CONTROL);
    await new Promise<void>((resolve, reject) => {
      const watcher = watch(this.#directory, () => look());
      const settle = (then: () => void): void => {
        watcher.close();
        then();
      };
      const look = (): void => {
        if (existsSync(path)) settle(resolve);
      };
      watcher.on('error', () => {});
      void this.ended.then(() => settle(() => reject(new Error('ssh ended'))));
      look();
    });
    return await new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject)));
    });
  }

  /** Takes the directory away: whoever is connected stays so, and nobody else gets in. */
  async hide(): Promise<void> {
    this.agent.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Whether this process waits for ssh to end. */
  hold(held: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const each of [this.#child, stdin, stdout, stderr, this.#stream] as {
      ref?(): void;
      unref?(): void;
    }[]) {
      if (held) each.ref?.();
      else each.unref?.();
    }
  }

  stop(): void {
    this.agent.close();
    const { stdin, stdout, pid } = this.#child;
    for (const end of [this.#stream, stdin, stdout]) end.destroy();
    const timer = setTimeout(() => {
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {} // it has ended
    }, END_MS);
    void this.ended.then(() => clearTimeout(timer));
  }

  async #clean(): Promise<void> {
    this.agent.close();
    this.#stream.destroy();
    this.#last = await this.log().catch(() => '');
    await this.#log.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
