// The identities of a log-in by the system's ssh: keys and certificates, those of an agent too. Private keys stay in this
// process, or in the agent; ssh gets signatures.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { connect } from 'node:net';
import { CodedError } from '../../evidence/coded-error.ts';
import { keyOfCertificate, typeInBlob } from '../host-key/key-blob.ts';
import { type Credentials, chosenKeys, fingerprintOf, NO_AGENT, NO_CREDENTIALS } from './credentials.ts';
import { parsePrivateKey } from './offers.ts';
import type { Identity } from './openssh-agent.ts';
import { Framer, stringOf, uint32, WireReader } from './wire.ts';

const MAX_ANSWER = 1024 * 1024;

/** Sends one request to an agent and returns its answer. Rejects when there is none. */
function ask(agent: string, ...request: readonly Buffer[]): Promise<WireReader> {
  return new Promise((resolve, reject) => {
    const socket = connect(agent);
    const framer = new Framer(MAX_ANSWER);
    const fail = (): void => void socket.destroy(new Error('the agent did not answer'));
    socket.on('error', reject).on('close', () => reject(new Error('the agent hung up')));
    socket.on('data', (chunk: Buffer) => {
      try {
        framer.push(chunk, (answer) => {
          resolve(new WireReader(answer));
          socket.destroy();
        });
      } catch {
        fail();
      }
    });
    socket.write(stringOf(Buffer.concat(request)));
  });
}

async function agentIdentities(
  agent: string,
  named: readonly string[] | undefined,
): Promise<readonly Identity[]> {
  let blobs: Buffer[];
  try {
    const answer = await ask(agent, Buffer.of(11));
    if (answer.byte() !== 12) throw new Error('no list of keys');
    blobs = Array.from({ length: Math.min(answer.uint32(), 10_000) }, () => {
      const blob = Buffer.from(answer.string());
      answer.string(); // its comment
      return blob;
    });
  } catch {
    throw NO_AGENT();
  }
  // A certificate goes by the fingerprint of its key, as in `ssh-add -l`.
  const keys = blobs.map((blob) => ({ blob, fingerprint: fingerprintOf(keyOfCertificate(blob) ?? blob) }));
  return chosenKeys(keys, named).map(({ blob, fingerprint }) => ({
    name: `the agent's key ${fingerprint}`,
    blob,
    sign: async (data, flags) => {
      const answer = await ask(agent, Buffer.of(13), stringOf(blob), stringOf(data), uint32(flags));
      if (answer.byte() !== 14) throw new Error('the agent would not sign');
      return answer.string();
    },
  }));
}

/** Returns an integer as RFC 4251 section 5 writes it, from its big-endian bytes. */
function mpint(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  return stringOf((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** Signs as RFC 4253 section 6.6, RFC 5656 section 3.1.2, RFC 8332 and RFC 8709 say. */
function signWith(key: KeyObject, type: string, data: Buffer, flags: number): Buffer {
  if (type === 'ssh-ed25519') return Buffer.concat([stringOf(type), stringOf(sign(null, data, key))]);
  if (type === 'ssh-rsa') {
    if ((flags & 6) === 0) throw new Error('no signature with SHA-1');
    const hash = (flags & 4) !== 0 ? '512' : '256';
    return Buffer.concat([stringOf(`rsa-sha2-${hash}`), stringOf(sign(`sha${hash}`, data, key))]);
  }
  const hash = { '256': 'sha256', '384': 'sha384', '521': 'sha512' }[type.slice(-3)];
  const whole = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
  const half = whole.length / 2;
  const numbers = Buffer.concat([mpint(whole.subarray(0, half)), mpint(whole.subarray(half))]);
  return Buffer.concat([stringOf(type), stringOf(numbers)]);
}

/** Returns the blob of a certificate in the text of its file. @throws CodedError `ssh.certificate-unreadable`, `ssh.certificate-mismatch`. */
function certificateFor(key: Buffer, text: string | Buffer): Buffer {
  const [, base64 = ''] = text
    .toString()
    .trim()
    .split(/[ \t]+/);
  const blob = Buffer.from(base64, 'base64');
  const plain = keyOfCertificate(blob);
  if (!plain)
    throw new CodedError(
      'ssh.certificate-unreadable',
      'that is no certificate of OpenSSH',
      'Name the file that ssh-keygen -s wrote: NAME-cert.pub.',
    );
  if (plain.equals(key)) return blob;
  throw new CodedError(
    'ssh.certificate-mismatch',
    'the certificate is for another key',
    'Give the private key that the certificate is for.',
  );
}

/**
 * Returns what to offer, in order: a certificate before its key.
 *
 * @throws CodedError `ssh.no-credentials`, `ssh.password-unsupported`, `ssh.key-*`, `ssh.certificate-*`, `ssh.no-agent`,
 * `ssh.no-agent-key`, `ssh.agent-keys`.
 */
export async function identitiesOf(credentials: Credentials): Promise<readonly Identity[]> {
  const { privateKey, passphrase, certificate, agent, agentKeys, password } = credentials;
  if (password !== undefined)
    throw new CodedError(
      'ssh.password-unsupported',
      "the system's ssh takes no password from a program",
      "Use a key or an agent, or transport: 'ssh2'.",
    );
  const identities: Identity[] = [];
  if (privateKey !== undefined) {
    const parsed = await parsePrivateKey(privateKey, passphrase);
    const plain = parsed.getPublicSSH();
    const key = createPrivateKey(parsed.getPrivatePEM());
    const type = typeInBlob(plain) ?? '';
    const own = async (data: Buffer, flags: number): Promise<Buffer> => signWith(key, type, data, flags);
    const name = `the key ${fingerprintOf(plain)}`;
    if (certificate !== undefined)
      identities.push({
        name: `the certificate of ${name}`,
        blob: certificateFor(plain, certificate),
        sign: own,
      });
    identities.push({ name, blob: plain, sign: own });
  }
  if (agent !== undefined) identities.push(...(await agentIdentities(agent, agentKeys)));
  if (identities.length === 0) throw NO_CREDENTIALS();
  return identities;
}
