// What the system's ssh decides by a known_hosts file, and what ours must decide then.
import {
  decideHostKey,
  entriesFor,
  type HostKeyVerdict,
  hostKeyOf,
  parseKnownHosts,
} from '../../../src/ssh/host-key/known-hosts.ts';
import { knownHostsName, revocableNames } from '../../../src/ssh/host-key/known-hosts-match.ts';
import type { LoopbackSshd } from '../../e2e/loopback-sshd.ts';
import { runProgram } from '../support.ts';

type Decision = 'accepted' | 'revoked' | 'refused';

/** Returns what ssh does about the host with StrictHostKeyChecking=yes. */
export async function askSsh(
  sshd: LoopbackSshd,
  file: string,
  host: string,
  port: number,
): Promise<Decision> {
  const options = {
    ProxyCommand: sshd.command.join(' '),
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    BatchMode: 'yes',
    PreferredAuthentications: 'none',
    KexAlgorithms: 'curve25519-sha256',
    LogLevel: 'INFO',
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const { stderr } = await runProgram('ssh', ['-F', 'none', ...flags, '-p', `${port}`, host, 'true']);
  if (stderr.includes('Permission denied')) return 'accepted';
  if (!stderr.includes('verification failed')) throw new Error(`ssh could not decide: ${stderr}`);
  return stderr.includes('REVOKED') ? 'revoked' : 'refused';
}

/** Returns what ours decides about the key that the server shows, under a name as known_hosts files spell it. */
export function decide(
  sshd: LoopbackSshd,
  name: string,
  text: string,
  host: string,
  port: number,
): HostKeyVerdict['verdict'] {
  const key = hostKeyOf(Buffer.from(sshd.keys[0]?.split(' ')[1] ?? '', 'base64'));
  if (!key) throw new Error('no host key');
  return decideHostKey(
    key,
    entriesFor(name, parseKnownHosts(text, 'known_hosts'), revocableNames(host, port)),
  ).verdict;
}

/** Whether what ours decided may stand beside what ssh decided. */
export function isNoWeaker(
  sshd: LoopbackSshd,
  theirs: Decision,
  text: string,
  host: string,
  port: number,
): boolean {
  const strict = decide(sshd, knownHostsName(host, port), text, host, port);
  // Taken away more easily than given: where a line may revoke, we may refuse what ssh accepts.
  if (strict === 'revoked' || strict === 'unclear') return true;
  if (theirs === 'revoked') return false;
  // ssh looks again without the port when nothing was found with it. Strict means that we do not.
  const again = strict === 'unknown' || strict === 'needs-certificate';
  return (theirs === 'accepted') === ((again ? decide(sshd, host, text, host, port) : strict) === 'known');
}
