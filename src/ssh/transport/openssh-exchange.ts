// The key exchange of the system's ssh. ssh checks the key by a known_hosts file that holds the lines of this host alone; what
// it then tells our agent is judged once more here, and only when that is on record does the agent let it log in.
import { execFile } from 'node:child_process';
import { CodedError } from '../../evidence/coded-error.ts';
import { typeInBlob } from '../host-key/key-blob.ts';
import { type HostKey, hostKeyOf, type KnownHost, shownKeyOf } from '../host-key/known-hosts.ts';
import { HOST_KEYS, offerFor } from './algorithms.ts';
import type { Dial, DialOptions, KeyExchange, ReachedStream } from './key-exchange.ts';
import type { Link } from './link.ts';
import type { Identity } from './openssh-agent.ts';
import { OpenSshLink } from './openssh-link.ts';
import { exchangeFailure, type LoggedKey, logInFailure, readExchange } from './openssh-log.ts';
import { Master } from './openssh-master.ts';
import { softwareOf } from './reach.ts';

const CERTIFICATES = HOST_KEYS.map((type) => `${type}-cert-v01@openssh.com`);

/** Certificates are asked for where a line names an authority, and then first, as ssh does. */
function algorithmsFor(named: readonly KnownHost[]): readonly string[] {
  const certified = named.some(({ marker }) => marker === 'cert-authority');
  const plain = (offerFor(named).serverHostKey ?? []) as readonly string[];
  return certified ? [...CERTIFICATES, ...plain] : plain;
}

const MARKERS: Readonly<Partial<Record<KnownHost['marker'], string>>> = {
  none: '',
  revoked: '@revoked ',
  'cert-authority': '@cert-authority ', // a line that is unclear refuses the host by itself
};

/** Returns a known_hosts file with what the lines say about this host, and about no other. */
function knownHostsOf(name: string, named: readonly KnownHost[]): string {
  return named
    .flatMap(({ marker, blob }) => {
      const word = MARKERS[marker];
      return word === undefined ? [] : [`${word}${name} ${typeInBlob(blob)} ${blob.toString('base64')}\n`];
    })
    .join('');
}

const NO_KEY = Buffer.alloc(0);

/** Returns the key that ssh did not accept, by the little that its log says of it. */
function refusedKey({ type, fingerprint, authority }: LoggedKey, named: readonly KnownHost[]): HostKey {
  const withPrint = (print: string, lines: readonly KnownHost[]): Buffer =>
    lines.find(({ blob }) => hostKeyOf(blob)?.fingerprint === print)?.blob ?? NO_KEY;
  const blob = withPrint(fingerprint, named);
  const plain = { type: type.replace(/-cert-v01@openssh\.com$/, ''), blob, fingerprint };
  if (authority === undefined) return plain;
  // An authority that we know and ssh did not take may still have been revoked; that it vouches for this is not said.
  const revoked = named.filter(({ marker }) => marker === 'revoked');
  return { type, blob, fingerprint, certificate: { plain, authority: withPrint(authority, revoked) } };
}

async function exchangeOn(
  { name, named, acceptsUnknown, accepts, keepaliveMs, signal }: DialOptions,
  socket: ReachedStream,
  user: string,
  identities: readonly Identity[],
): Promise<Dial> {
  signal.throwIfAborted();
  const knownHosts = knownHostsOf(name, named);
  const hostKeyAlgorithms = algorithmsFor(named);
  const options = { user, name, knownHosts, hostKeyAlgorithms, acceptsUnknown, keepaliveMs };
  const master = await Master.start(options, socket);
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void master.ended.then(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
  aborted.catch(() => {});
  try {
    const bound = await Promise.race([master.agent.bound, master.ended.then(() => undefined), aborted]);
    const dialed = await judge(bound, await master.log());
    if (dialed.outcome !== 'presented' || !dialed.held) master.stop();
    return dialed;
  } catch (error) {
    master.stop();
    throw error;
  }

  async function judge(blob: Buffer | undefined, log: string): Promise<Dial> {
    const { strict, negotiated, presented } = readExchange(log);
    if (!blob) {
      if (!presented) return exchangeFailure(log);
      const key = refusedKey(presented, named);
      // ssh has refused it, or its proof: what we would have said of it cannot change that.
      return accepts(key) === true ? { outcome: 'unproven' } : { outcome: 'presented', key };
    }
    // Without strict key exchange a man in the middle can drop messages (CVE-2023-48795), so it stops here.
    if (!strict) return { outcome: 'no-strict-kex' };
    const key = shownKeyOf(blob);
    if (!key || !negotiated) return { outcome: 'unproven' };
    if (accepts(key) !== true) return { outcome: 'presented', key };
    master.hold(false); // a grant that nobody uses keeps no process alive
    return {
      outcome: 'presented',
      key,
      negotiated,
      held: { logIn: () => logInOn(master, identities, softwareOf(socket)), destroy: () => master.stop() },
    };
  }
}

async function logInOn(master: Master, identities: readonly Identity[], software: string): Promise<Link> {
  master.hold(true);
  master.agent.release(identities);
  try {
    const link = await OpenSshLink.open(await master.control(), master, software);
    await master.hide();
    return link;
  } catch {
    master.stop();
    await master.ended;
    throw logInFailure(
      await master.log(),
      identities.map(({ name }) => name),
    );
  }
}

/** Names of users that ssh takes, and that no shell, pattern or option syntax has a use for. */
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,255}$/;

/** Returns the key exchange after which `user` logs in with one of `identities`. @throws CodedError `usage.user`. */
export function openSshExchange(user: string, identities: readonly Identity[]): KeyExchange {
  if (!USER.test(user))
    throw new CodedError(
      'usage.user',
      "that is no user name which the system's ssh is given",
      "Use letters, digits and . _ @ + -, or transport: 'ssh2'.",
    );
  return (options, socket) => exchangeOn(options, socket, user, identities);
}

let version: Promise<string> | undefined;

/** Resolves when there is an ssh that tells its agent about the host (OpenSSH 8.9). @throws CodedError `ssh.no-openssh`. */
export async function requireOpenSsh(): Promise<void> {
  version ??= new Promise((resolve) => {
    execFile('ssh', ['-V'], { timeout: 10_000 }, (_error, _out, said) => resolve(said));
  });
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(await version) ?? [];
  if (Number(major) * 100 + Number(minor) >= 809) return;
  version = undefined;
  throw new CodedError(
    'ssh.no-openssh',
    'there is no OpenSSH client of version 8.9 or newer in PATH',
    "Install openssh-client, or use transport: 'ssh2'.",
  );
}
