// Public keys of OpenSSH and what they sign (RFC 4253 section 6.6, RFC 5656, RFC 8332, RFC 8709, PROTOCOL.u2f). Read strictly, one
// spelling each; Node's crypto verifies.
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

/** What is no key, signature or list of the form that is read here. Its message goes on after a subject: "is cut short". */
export class SshFault extends Error {}

/** Returns the length-prefixed fields that a blob is made of. @throws SshFault when they are not the whole of it. */
export function fieldsOf(blob: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    const start = at + 4;
    if (start > blob.length) throw new SshFault('is cut short');
    at = start + blob.readUInt32BE(start - 4);
    if (at > blob.length) throw new SshFault('is cut short');
    fields.push(blob.subarray(start, at));
  }
  return fields;
}

function exactly(fields: readonly Buffer[], count: number): readonly Buffer[] {
  if (fields.length !== count) throw new SshFault('has more or fewer fields');
  return fields;
}

function sized(field: Buffer | undefined, length: number): Buffer {
  if (field?.length !== length) throw new SshFault('has a field of another length');
  return field;
}

/** Returns a positive number without the zero byte before its highest bit (RFC 4251 section 5: mpint). */
function positive(field: Buffer): Buffer {
  const [first = 0x80, second = 0] = field;
  if (first > 0x7f || (first === 0 && second < 0x80)) throw new SshFault('has a number in another form');
  return first === 0 ? field.subarray(1) : field;
}

function imported(key: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    throw new SshFault('has no point of its curve');
  }
}
const base64url = (bytes: Buffer): string => bytes.toString('base64url');
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** Whether a key signed a message; `rest` is the signature after its format. @throws SshFault. */
type Verify = (format: string, rest: Buffer, message: Buffer) => boolean;
/** Takes the fields of a key after its type. @throws SshFault. */
type ReadKey = (fields: readonly Buffer[]) => Verify;

const onlyField = (rest: Buffer): Buffer => exactly(fieldsOf(rest), 1)[0] as Buffer;

const ed25519: ReadKey = (fields) => {
  const x = base64url(sized(exactly(fields, 1)[0], 32));
  const key = imported({ kty: 'OKP', crv: 'Ed25519', x });
  return (_format, rest, message) => verify(null, message, key, sized(onlyField(rest), 64));
};

const ecdsa =
  (name: string, crv: string, hash: string, size: number): ReadKey =>
  (fields) => {
    const [curve, field] = exactly(fields, 2);
    const point = sized(field, 1 + 2 * size);
    if (curve?.toString('latin1') !== name || point[0] !== 4) throw new SshFault('has another curve or form');
    const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map(base64url) as [string, string];
    const key = imported({ kty: 'EC', crv, x, y });
    return (_format, rest, message) => {
      const numbers = exactly(fieldsOf(onlyField(rest)), 2).map((part) => {
        const number = positive(part);
        return Buffer.concat([Buffer.alloc(Math.max(0, size - number.length)), number]);
      });
      const signature = sized(Buffer.concat(numbers), 2 * size);
      return verify(hash, message, { key, dsaEncoding: 'ieee-p1363' }, signature);
    };
  };

/** Fewer bits are not safe any more (NIST SP 800-131A); more than OpenSSH reads would cost time only. */
const RSA_BYTES = { fewest: 2048 / 8, most: 16_384 / 8 };

const rsa: ReadKey = (fields) => {
  const [e, n] = exactly(fields, 2).map(positive) as [Buffer, Buffer];
  const isShort = n.length === RSA_BYTES.fewest && n.readUInt8() < 0x80;
  if (isShort || n.length < RSA_BYTES.fewest || n.length > RSA_BYTES.most)
    throw new SshFault('is an RSA key of fewer than 2048 bits, or of more than 16384');
  // With an exponent of 1 a signature is the padded hash, which anyone can write.
  if (e.length > 4 || e.readUIntBE(0, e.length) < 3) throw new SshFault('has an exponent that nobody uses');
  const key = imported({ kty: 'RSA', n: base64url(n), e: base64url(e) });
  return (format, rest, message) =>
    verify(format.replace('rsa-sha2-', 'sha'), message, key, sized(onlyField(rest), n.length));
};

/** A key in hardware signs the hash of a message between what the token adds: a byte of flags and a counter. */
const hardware =
  (plain: ReadKey): ReadKey =>
  (fields) => {
    const check = plain(fields.slice(0, -1));
    const application = sha256(fields.at(-1) ?? Buffer.alloc(0));
    return (format, rest, message) => {
      const added = sized(rest.subarray(-5), 5);
      if ((added.readUInt8() & 1) === 0) throw new SshFault('is of a token that nobody touched');
      return check(format, rest.subarray(0, -5), Buffer.concat([application, added, sha256(message)]));
    };
  };

const p256 = ecdsa('nistp256', 'P-256', 'sha256', 32);

const TYPES: ReadonlyMap<string, ReadKey> = new Map([
  ['ssh-ed25519', ed25519],
  ['ssh-rsa', rsa],
  ['ecdsa-sha2-nistp256', p256],
  ['ecdsa-sha2-nistp384', ecdsa('nistp384', 'P-384', 'sha384', 48)],
  ['ecdsa-sha2-nistp521', ecdsa('nistp521', 'P-521', 'sha512', 66)],
  ['sk-ssh-ed25519@openssh.com', hardware(ed25519)],
  ['sk-ecdsa-sha2-nistp256@openssh.com', hardware(p256)],
]);

/** Signatures of RSA keys have names of their own (RFC 8332); `ssh-rsa` among them would be SHA-1. */
const formatsOf = (type: string): readonly string[] =>
  type === 'ssh-rsa' ? ['rsa-sha2-256', 'rsa-sha2-512'] : [type];

export interface SshKey {
  readonly type: string;
  readonly blob: Buffer;
  /** Whether this key signed the message. @throws SshFault when the signature is of another form, or of another type of key. */
  verify(signature: Buffer, message: Buffer): boolean;
}

/** Returns the key in a blob. @throws SshFault, also for a certificate, ssh-dss and other types that are not read here. */
export function readKey(blob: Buffer): SshKey {
  const [name, ...fields] = fieldsOf(blob);
  const type = name?.toString('latin1') ?? '';
  const read = TYPES.get(type);
  if (!read) throw new SshFault('is a certificate, or of another type that is not taken');
  const check = read(fields);
  return {
    type,
    blob,
    verify(signature, message) {
      const length = signature.length < 4 ? 0 : signature.readUInt32BE();
      const format = signature.toString('latin1', 4, 4 + length);
      if (!formatsOf(type).includes(format)) throw new SshFault('is of another type than its key');
      return check(format, signature.subarray(4 + length), message);
    },
  };
}
