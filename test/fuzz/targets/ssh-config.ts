// The reader of ssh_config against ssh itself: what it answers, `ssh -G` answers too. It may refuse what ssh takes, and
// takes nothing that ssh refuses. No file with Match is given to ssh, which would run what stands in it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { type ConfiguredHost, lookUpHost, parseSshConfig } from '../../../src/ssh/config/ssh-config.ts';
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const HOSTS = ['node1', 'node1.example', 'other', '10.0.0.2'] as const;

/** A line with an option that is not read here. */
const OTHERS =
  /^[ \t]*(?!(?:host|hostname|user|port|identityfile|identitiesonly|proxyjump|hostkeyalias|certificatefile)[ \t=])[^# \t\n]/im;

function ours(text: string, host: string): ConfiguredHost | undefined {
  try {
    return lookUpHost(parseSshConfig(text), host);
  } catch (error) {
    if (error instanceof CodedError && error.code.startsWith('ssh-config.')) return undefined;
    throw error;
  }
}

export const target = {
  name: 'ssh-config',
  oracle: 'ssh -G',
  unavailable: missing('ssh'),
  seeds: [
    'Host node*\n  HostName 10.0.0.7\n  User me\n  Port 2222\n  IdentityFile ~/.ssh/id_node\n  IdentitiesOnly yes\n',
    '# all\nUser first\nHost *.example !node1.example\n\tUser second\nHost *\n\tPort=22\n\tHostKeyAlias worker-3\n',
    'Host 10.0.0.? other\nProxyJump gate,me@inner:2200\nCertificateFile /k/cert.pub\nHost other\nProxyJump none\n',
    'host NODE1\nhostname x.y\nHost n?de1 10.*\nport 1\nuser a\nPort 65535\n',
  ].map(bytesOf),
  words: [
    ...'\n|\n\n| |\t|=| = |#|"|\'|\\|%h|$HOME|*|!|?|,|none|yes|no|0|022|65536|\r|\0|\u00a0|Host |Host *\n|HostName '.split(
      '|',
    ),
    ...'User |Port |IdentityFile |IdentitiesOnly |ProxyJump |HostKeyAlias |Compression yes\n|node1|other|Host\n'.split(
      '|',
    ),
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const answers = HOSTS.map((host) => [host, ours(text, host)] as const);
    if (answers.every(([, answer]) => answer === undefined)) return;
    if (/match|include/i.test(text)) return; // ssh would act on it
    const directory = mkdtempSync(join(tmpdir(), 'guardrails-fuzz-'));
    try {
      const file = join(directory, 'config');
      writeFileSync(file, bytes, { mode: 0o600 });
      for (const [host, answer] of answers) {
        if (!answer) continue;
        const { status, stdout } = spawnSync('ssh', ['-G', '-F', file, '--', host]);
        if (status !== 0 && OTHERS.test(text)) continue; // in a line for another host, that is not read here
        if (status !== 0) throw new Error(`for ${host} there is an answer here, and ssh refuses the file`);
        const theirs = new Map(
          stdout
            .toString()
            .split('\n')
            .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
        );
        const check = (option: string, mine: string | undefined): void => {
          if (mine !== undefined && theirs.get(option)?.toLowerCase() !== mine.toLowerCase())
            throw new Error(`for ${host}, ${option} is ${mine} here and ${theirs.get(option)} to ssh`);
        };
        check('hostname', answer.host);
        check('user', answer.user);
        check('port', `${answer.port ?? 22}`);
        check('hostkeyalias', answer.hostKeyAlias);
        if ((answer.hostKeyAlias === undefined) !== (theirs.get('hostkeyalias') === undefined))
          throw new Error(`for ${host}, only one of both has an alias`);
        check('identitiesonly', answer.identitiesOnly ? 'yes' : 'no');
        if (answer.identityFile !== undefined) check('identityfile', answer.identityFile);
        check('certificatefile', answer.certificateFile);
        const hops = answer.proxyJump.map(({ host: hop, user, port }) => {
          const name = hop.includes(':') ? `[${hop}]` : hop;
          return `${user === undefined ? '' : `${user}@`}${name}${port === undefined ? '' : `:${port}`}`;
        });
        const jump = theirs.get('proxyjump');
        if ((jump ?? '') !== hops.join(','))
          throw new Error(`for ${host}, the hops are ${hops.join()} here and ${jump} to ssh`);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
} satisfies FuzzTarget;
