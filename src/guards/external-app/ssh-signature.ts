// Signatures of `ssh-keygen -Y sign` (OpenSSH, PROTOCOL.sshsig) in their armour, as they end a tag of git.
import { createHash } from 'node:crypto';
import { fromBase64 } from '../../evidence/bytes.ts';
import { fieldsOf, SshFault } from './ssh-key.ts';

export const BEGIN = '-----BEGIN SSH SIGNATURE-----\n';
const ARMOUR = new RegExp(`^${BEGIN}((?:[A-Za-z0-9+/=]{1,76}\n)+)-----END SSH SIGNATURE-----\n$`);

const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
/** What git signs, and nothing else: a signature for `file` or `email` says nothing of a tag. */
export const NAMESPACE = 'git';

export interface SshSignature {
  /** Blob of the key that claims to have signed. */
  readonly key: Buffer;
  readonly signature: Buffer;
  /** Returns what was signed, given the message. */
  readonly signed: (message: Buffer) => Buffer;
}

function withLength(text: Uint8Array | string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Returns an armoured signature for the namespace `git`. @throws SshFault for every other form. */
export function readSignature(text: string): SshSignature {
  const blob = Buffer.from(fromBase64(ARMOUR.exec(text)?.[1]?.replaceAll('\n', '') ?? '') ?? '');
  const head = MAGIC.length + 4;
  if (blob.length < head || !blob.subarray(0, MAGIC.length).equals(MAGIC))
    throw new SshFault('has another armour');
  if (blob.readUInt32BE(MAGIC.length) !== VERSION) throw new SshFault('is of another version');
  const [key, namespace, reserved, hash, signature, ...more] = fieldsOf(blob.subarray(head));
  if (!key || !signature || more.length > 0) throw new SshFault('has more or fewer fields');
  if (namespace?.toString('latin1') !== NAMESPACE) throw new SshFault('is for another purpose');
  if (reserved?.length !== 0) throw new SshFault('has something in its reserved field');
  const algorithm = hash?.toString('latin1') ?? '';
  if (algorithm !== 'sha256' && algorithm !== 'sha512') throw new SshFault('is over another kind of hash');
  const signed = (message: Buffer): Buffer => {
    const digest = createHash(algorithm).update(message).digest();
    return Buffer.concat([MAGIC, ...[NAMESPACE, '', algorithm, digest].map(withLength)]);
  };
  return { key, signature, signed };
}
