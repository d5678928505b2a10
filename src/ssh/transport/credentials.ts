// What a user may prove itself with, whichever transport carries it.
import { createHash } from 'node:crypto';
import { CodedError } from '../../evidence/coded-error.ts';

/** Tried in this order; a password last, and only when the host asks for one. */
export interface Credentials {
  /** OpenSSH or PEM text. */
  readonly privateKey?: string | Buffer;
  readonly passphrase?: string;
  /** Text of an OpenSSH certificate for that key. Only the transport `openssh` can show one. */
  readonly certificate?: string | Buffer;
  /** Path of an agent's socket. The agent is never forwarded. */
  readonly agent?: string;
  /** Which keys of the agent to offer, as `SHA256:` fingerprints. An agent with more than five needs this. */
  readonly agentKeys?: readonly string[];
  readonly password?: string;
}

/** sshd hangs up after six attempts (sshd_config(5), MaxAuthTries), and each key is one. */
const MAX_AGENT_KEYS = 5;

/** Returns the fingerprint as ssh-keygen prints it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

export const NO_AGENT = (): CodedError =>
  new CodedError(
    'ssh.no-agent',
    'no agent answers at that socket',
    'Start an agent and add a key to it (ssh-add), or name a private key.',
  );

export const NO_CREDENTIALS = (): CodedError =>
  new CodedError(
    'ssh.no-credentials',
    'there is nothing to log in with',
    'Name a private key, or the socket of an agent (SSH_AUTH_SOCK).',
  );

/** Returns the keys that were named, or all of a few. @throws CodedError `ssh.no-agent-key`, `ssh.agent-keys`. */
export function chosenKeys<Key extends { readonly fingerprint: string }>(
  keys: readonly Key[],
  named: readonly string[] | undefined,
): readonly Key[] {
  const chosen = named ? keys.filter(({ fingerprint }) => named.includes(fingerprint)) : keys;
  if (chosen.length === 0)
    throw new CodedError(
      'ssh.no-agent-key',
      'the agent holds no such key',
      'Add it with ssh-add; `ssh-add -l` lists them.',
    );
  if (chosen.length <= MAX_AGENT_KEYS) return chosen;
  throw new CodedError(
    'ssh.agent-keys',
    `the agent holds ${chosen.length} keys, and hosts hang up after about six attempts`,
    'Name those to offer in agentKeys, by the fingerprints that `ssh-add -l` prints.',
  );
}
