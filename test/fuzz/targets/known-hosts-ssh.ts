// What is decided by a known_hosts file beside what the system's ssh decides: four log-ins to a real sshd for each input,
// so far fewer of them than of look-ups beside ssh-keygen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoopbackSshd, startSshd } from '../../e2e/loopback-sshd.ts';
import { askSsh, isNoWeaker } from '../../ssh/host-key/real-ssh.ts';
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const HOSTS: readonly (readonly [string, number])[] = [
  ['a.example', 22],
  ['a.example', 2222],
  ['10.0.0.7', 22],
  ['::1', 2222],
];
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu';

/** The key of the server is another one each time, so inputs have words in its place: KEY, its type, and its two halves. */
function filled(bytes: Uint8Array, { keys: [key = ''] }: LoopbackSshd): string {
  const [type = '', blob = ''] = key.split(' ');
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll('KEY', key)
    .replaceAll('TYPE', type)
    .replaceAll('HEAD', blob.slice(0, 32))
    .replaceAll('TAIL', blob.slice(32));
}

export const target = {
  name: 'known-hosts-ssh',
  oracle: 'ssh with StrictHostKeyChecking=yes, a log-in to each of four names',
  unavailable: missing('ssh', 'sshd', 'ssh-keygen'),
  seeds: [
    `a.example,10.0.0.7,[::1]:2222 KEY\n@revoked b.example KEY\n`,
    `[a.example]:2222 KEY comment\n@revoked a.example TYPE HEADTAIL\r\n`,
    `*.example,!b.example ${OTHER}\na.* KEY\n@cert-authority a.example ${OTHER}\n`,
    `# a.example KEY\n@revoked *\tTYPE\tHEADTAIL\n10.0.0.? KEY\n`,
  ].map(bytesOf),
  words: 'KEY TYPE HEAD TAIL HEADTAIL @revoked @cert-authority a.example 10.0.0.7 ::1 * ? ! , [ ]:2222 | #'
    .split(' ')
    .concat('@revoked ', '@revoked\t', ' ', '\t', '\n', '\r', '\r\n', '\0', '\v', '\f', OTHER),
  async fuzz(bytes) {
    const sshd = await startSshd({ types: ['ed25519'], outdated: false });
    const directory = mkdtempSync(join(tmpdir(), 'guardrails-fuzz-'));
    try {
      const file = join(directory, 'known_hosts');
      const text = filled(bytes, sshd);
      writeFileSync(file, text, 'latin1');
      const decisions = await Promise.all(HOSTS.map(([host, port]) => askSsh(sshd, file, host, port)));
      for (const [i, [host, port]] of HOSTS.entries()) {
        const theirs = decisions[i] as (typeof decisions)[number];
        if (!isNoWeaker(sshd, theirs, text, host, port))
          throw new Error(`for ${host} port ${port}: ssh says ${theirs}, ours does not`);
      }
    } finally {
      rmSync(directory, { recursive: true });
      await sshd.stop();
    }
  },
} satisfies FuzzTarget;
