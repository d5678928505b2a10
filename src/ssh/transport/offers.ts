// Credentials as ssh2 takes them, looked at before any host is asked: a key that cannot be read is no fault of a host.
import type { BaseAgent, ParsedKey } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import { type Credentials, chosenKeys, fingerprintOf, NO_AGENT, NO_CREDENTIALS } from './credentials.ts';
import type { RsaHash } from './rsa-hash.ts';
import { loadSsh2 } from './ssh2.ts';

/** A method as ssh2 takes it; its own types leave the values out. */
type AuthMethod = Readonly<Record<string, unknown>> & { readonly type: 'publickey' | 'agent' | 'password' };

/** One thing to try at a log-in. */
export interface Offer {
  /** For messages: what it is, with the fingerprint of a key. */
  readonly name: string;
  readonly method: (user: string) => AuthMethod;
  /** For RSA keys, which sign in two ways. */
  readonly hash?: RsaHash;
}

const withHashes = (offer: Offer, isRsa: boolean): readonly Offer[] =>
  isRsa
    ? [
        { ...offer, hash: 'sha2-512' },
        { ...offer, hash: 'sha2-256' },
      ]
    : [offer];

/** What Node and OpenSSL write, and PuTTY from 0.75 on. */
const FOREIGN = /^(?:-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----|PuTTY-User-Key-File-)/m;

/**
 * Returns the key.
 *
 * @throws CodedError `ssh.key-encrypted`, `ssh.key-passphrase`, `ssh.key-format`, `ssh.key-unreadable`, `ssh.key-public`.
 */
export async function parsePrivateKey(
  text: string | Buffer,
  passphrase: string | undefined,
): Promise<ParsedKey> {
  const { utils } = await loadSsh2();
  const key = utils.parseKey(text, passphrase);
  if (key instanceof Error) {
    if (key.message.includes('no passphrase given'))
      throw new CodedError(
        'ssh.key-encrypted',
        'the private key is encrypted',
        'Give its passphrase, or use an agent.',
      );
    if (passphrase !== undefined && /passphrase|integrity/i.test(key.message))
      throw new CodedError(
        'ssh.key-passphrase',
        'the passphrase does not open the private key',
        'Give the right one.',
      );
    if (FOREIGN.test(text.toString('latin1')))
      throw new CodedError(
        'ssh.key-format',
        'the private key is in the format of OpenSSL (PKCS#8) or PuTTY, which is not read here',
        'Let `ssh-keygen -p -f FILE` write it anew in that of OpenSSH, or export it from PuTTYgen.',
      );
    throw new CodedError(
      'ssh.key-unreadable',
      'the private key is in no format that is read here, or broken',
      'Look at it with `ssh-keygen -y -f FILE`; OpenSSH and PEM keys are read.',
    );
  }
  const [first] = Array.isArray(key) ? key : [key];
  if (first?.isPrivateKey() === true) return first;
  throw new CodedError('ssh.key-public', 'that is the public half of a key', 'Give the private key.');
}

/** Returns the identities that the agent holds. @throws CodedError `ssh.no-agent`. */
async function agentKeysOf(agent: BaseAgent): Promise<readonly ParsedKey[]> {
  const { utils } = await loadSsh2();
  return await new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) return reject(NO_AGENT());
      const parsed = (keys ?? []).map((key) => utils.parseKey(key as Buffer));
      resolve(parsed.flat().filter((key): key is ParsedKey => !(key instanceof Error)));
    });
  });
}

/** Returns an offer for each key of the agent that was named, or for all of a few. */
async function agentOffers(path: string, named: readonly string[] | undefined): Promise<readonly Offer[]> {
  const { BaseAgent: Base, OpenSSHAgent } = await loadSsh2();
  const whole = new OpenSSHAgent(path);
  const keys = (await agentKeysOf(whole)).map((key) => ({
    key,
    fingerprint: fingerprintOf(key.getPublicSSH()),
  }));
  return chosenKeys(keys, named).flatMap(({ key, fingerprint }) => {
    class OneKey extends Base {
      override getIdentities(done: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
        done(undefined, [key]);
      }
      override sign(...args: readonly unknown[]): void {
        (whole.sign as (...args: readonly unknown[]) => void).apply(whole, [...args]);
      }
    }
    const agent = new OneKey() as unknown as BaseAgent;
    const method = (username: string): AuthMethod => ({ type: 'agent', username, agent });
    return withHashes({ name: `the agent's key ${fingerprint}`, method }, key.type === 'ssh-rsa');
  });
}

/**
 * Returns what to try, in order.
 *
 * @throws CodedError `ssh.no-credentials`, `ssh.certificate-unsupported`, `ssh.key-*`, `ssh.no-agent`, `ssh.no-agent-key`, `ssh.agent-keys`.
 */
export async function offersOf(credentials: Credentials): Promise<readonly Offer[]> {
  const { privateKey, passphrase, certificate, agent, agentKeys, password } = credentials;
  if (certificate !== undefined)
    throw new CodedError(
      'ssh.certificate-unsupported',
      'ssh2 cannot show a certificate',
      "Use transport: 'openssh', or leave the certificate out.",
    );
  const offers: Offer[] = [];
  if (privateKey !== undefined) {
    const key = await parsePrivateKey(privateKey, passphrase);
    const name = `the key ${fingerprintOf(key.getPublicSSH())}`;
    const method = (username: string): AuthMethod => ({ type: 'publickey', username, key });
    offers.push(...withHashes({ name, method }, key.type === 'ssh-rsa'));
  }
  if (agent !== undefined) offers.push(...(await agentOffers(agent, agentKeys)));
  if (password !== undefined)
    offers.push({ name: 'the password', method: (username) => ({ type: 'password', username, password }) });
  if (offers.length > 0) return offers;
  throw NO_CREDENTIALS();
}
