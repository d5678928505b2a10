// Every reason to refuse a host, judged on what one key exchange and the known_hosts files showed.
import { basename } from 'node:path';
import type { Rule } from '../../kernel/guard.ts';
import type { Dial } from '../transport/key-exchange.ts';
import type { HostKeyRequest } from './host-key-request.ts';
import { rsaBits } from './key-blob.ts';
import type { HostKeyVerdict } from './known-hosts.ts';
import type { KnownHostsLook } from './known-hosts-file.ts';

export interface HostKeyFacts {
  readonly request: HostKeyRequest;
  readonly files: KnownHostsLook;
  /** Absent when the files must not be used: then nothing is dialled. */
  readonly dial?: Dial;
  readonly verdict?: HostKeyVerdict;
}

const where = ({ verdict }: HostKeyFacts): string =>
  verdict && 'by' in verdict ? `line ${verdict.by.line} of ${basename(verdict.by.file)}` : 'known_hosts';

/** NIST SP 800-131A revision 2, section 3: shorter RSA keys are disallowed for signatures. */
const MIN_RSA_BITS = 2048;

const isVerdict = (facts: HostKeyFacts, verdict: HostKeyVerdict['verdict']): boolean =>
  facts.verdict?.verdict === verdict;

export const unknown: Rule<HostKeyFacts> = {
  code: 'host-key.unknown',
  remedy: 'Get the host key fingerprint from its administrator, compare it, and add the key to known_hosts.',
  refuses: (facts) => isVerdict(facts, 'unknown') && 'no known_hosts line names this host',
};

export const rules: readonly Rule<HostKeyFacts>[] = [
  {
    code: 'host-key.unreadable',
    remedy: 'Name known_hosts files that exist and that this process can read.',
    refuses: ({ files }) =>
      files.fault?.kind === 'unreadable' && `a known_hosts file cannot be read: ${files.fault.why}`,
  },
  {
    code: 'host-key.file-writable',
    remedy: 'Check the lines of the file, then make it yours and writable by you alone (chmod go-w).',
    refuses: ({ files }) =>
      files.fault?.kind === 'writable' && `a known_hosts file is not this user's alone: ${files.fault.why}`,
  },
  {
    code: 'host-key.unreachable',
    remedy: 'Check address, port, network and that sshd runs; see MaxStartups if it drops connections.',
    refuses: ({ dial }) => dial?.outcome === 'unreachable' && `no key exchange with the host: ${dial.why}`,
  },
  {
    code: 'host-key.no-common-algorithm',
    remedy:
      'Update sshd on the host, or let it offer curve25519, AES-GCM or CTR, SHA-2 and a key other than DSA.',
    refuses: ({ dial }) =>
      dial?.outcome === 'no-common-algorithm' &&
      `the host offers no ${dial.what} that is taken here, but ${dial.offered}`,
  },
  {
    code: 'host-key.no-strict-kex',
    remedy: 'Update sshd on the host (OpenSSH 9.6, or a distribution patch for CVE-2023-48795).',
    refuses: ({ dial }) => dial?.outcome === 'no-strict-kex' && 'the host does not do strict key exchange',
  },
  {
    code: 'host-key.unproven',
    remedy: 'Somebody may be between you and the host: check the network path before you try again.',
    refuses: ({ dial }) => dial?.outcome === 'unproven' && 'the host did not prove that it holds its key',
  },
  {
    code: 'host-key.short-rsa',
    remedy: 'Give the host an Ed25519 key, or RSA of at least 3072 bits, and distribute it.',
    refuses: ({ dial }) => {
      const bits =
        dial?.outcome === 'presented' ? rsaBits(dial.key.certificate?.plain ?? dial.key) : undefined;
      return bits !== undefined && bits < MIN_RSA_BITS && `the RSA key of the host has only ${bits} bits`;
    },
  },
  {
    code: 'host-key.revoked',
    remedy: 'Do not connect. The key was revoked: give the host a new key and distribute it.',
    refuses: (facts) => isVerdict(facts, 'revoked') && `the host shows a key revoked by ${where(facts)}`,
  },
  {
    code: 'host-key.revocation-unclear',
    remedy: 'Write the line as `@revoked HOSTS TYPE KEY`, or begin it with # if it revokes nothing.',
    refuses: (facts) =>
      isVerdict(facts, 'unclear') && `${where(facts)} may revoke a key of this host, and is not understood`,
  },
  {
    code: 'host-key.changed',
    remedy: 'Find out why the key changed. Only if it was replaced on purpose, replace the line.',
    refuses: (facts) => isVerdict(facts, 'changed') && `the host shows another key than ${where(facts)}`,
  },
  {
    code: 'host-key.other-type',
    remedy: 'Compare the new key with the host administrator, then add it beside the known one.',
    refuses: (facts) =>
      isVerdict(facts, 'other-type') && `the host shows another type of key than ${where(facts)}`,
  },
  {
    code: 'host-key.needs-certificate',
    remedy:
      "Use transport: 'openssh' and a certificate that is valid for this host, or add the host's plain key.",
    refuses: (facts) =>
      isVerdict(facts, 'needs-certificate') &&
      `${where(facts)} asks for a host certificate, and none that counts was shown`,
  },
  unknown,
];
