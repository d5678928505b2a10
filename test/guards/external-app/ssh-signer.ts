// Writes keys, signatures and lists of OpenSSH's forms with Node's crypto, in every way that a test wants them wrong. What is right
// is said by ssh-keygen.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const field = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const mpint = (bytes: Uint8Array): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = Buffer.from(bytes.subarray(start));
  return field((short[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), short]) : short);
};

export interface Signer {
  readonly type: string;
  readonly blob: Buffer;
  /** The signature field of an SSHSIG. */
  readonly sign: (message: Buffer) => Buffer;
}

const part = (key: KeyObject, name: 'x' | 'y' | 'n' | 'e'): Buffer =>
  Buffer.from(key.export({ format: 'jwk' })[name] ?? '', 'base64url');
const blobOf = (...fields: readonly (string | Uint8Array)[]): Buffer => Buffer.concat(fields.map(field));

export function ed25519(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const type = 'ssh-ed25519';
  const make = (message: Buffer): Buffer => blobOf(type, sign(null, message, privateKey));
  return { type, blob: blobOf(type, part(publicKey, 'x')), sign: make };
}

function ecdsa(bits: number, hash: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: `P-${bits}` });
  const [curve, type] = [`nistp${bits}`, `ecdsa-sha2-nistp${bits}`];
  const point = Buffer.concat([Buffer.of(4), part(publicKey, 'x'), part(publicKey, 'y')]);
  const make = (message: Buffer): Buffer => {
    const both = sign(hash, message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const half = both.length / 2;
    const numbers = Buffer.concat([mpint(both.subarray(0, half)), mpint(both.subarray(half))]);
    return blobOf(type, numbers);
  };
  return { type, blob: blobOf(type, curve, point), sign: make };
}

function rsa(bits: number, format = 'rsa-sha2-512', hash = 'sha512'): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const numbers = [mpint(part(publicKey, 'e')), mpint(part(publicKey, 'n'))];
  return {
    type: 'ssh-rsa',
    blob: Buffer.concat([field('ssh-rsa'), ...numbers]),
    sign: (message) => blobOf(format, sign(hash, message, privateKey)),
  };
}

const APPLICATION = 'ssh:';
/** A key as a token has it, whose flags say what the caller wants. */
function inHardware(type: string, plain: Signer, flags = 1): Signer {
  const sha256 = (bytes: string | Buffer): Buffer => createHash('sha256').update(bytes).digest();
  const added = Buffer.of(flags, 0, 0, 0, 7);
  const rest = plain.blob.subarray(4 + plain.type.length);
  return {
    type,
    blob: Buffer.concat([field(type), rest, field(APPLICATION)]),
    sign: (message) => {
      const inner = plain.sign(Buffer.concat([sha256(APPLICATION), added, sha256(message)]));
      return Buffer.concat([field(type), inner.subarray(4 + plain.type.length), added]);
    },
  };
}

/** One of each kind. */
export const everyKind = (): readonly Signer[] => [
  ed25519(),
  rsa(2048),
  rsa(3072, 'rsa-sha2-256', 'sha256'),
  ecdsa(256, 'sha256'),
  ecdsa(384, 'sha384'),
  ecdsa(521, 'sha512'),
  inHardware('sk-ssh-ed25519@openssh.com', ed25519()),
  inHardware('sk-ecdsa-sha2-nistp256@openssh.com', ecdsa(256, 'sha256')),
];
/** What ssh-keygen takes, or once took, and ours does not. */
export const weakKinds = (): Readonly<Record<string, Signer>> => ({
  untouched: inHardware('sk-ssh-ed25519@openssh.com', ed25519(), 0),
  short: rsa(1024),
  sha1: rsa(2048, 'ssh-rsa', 'sha1'),
});

export interface Made {
  readonly namespace?: string;
  readonly reserved?: string;
  readonly hash?: 'sha256' | 'sha512';
  readonly more?: string;
}

/** Returns an armoured signature. */
export function armoured(signer: Signer, message: Uint8Array, made: Made = {}): string {
  const { namespace = 'git', reserved = '', hash = 'sha512', more = '' } = made;
  const digest = createHash(hash).update(message).digest();
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...[namespace, '', hash, digest].map(field)]);
  const fields = [signer.blob, namespace, reserved, hash, signer.sign(signed)].map(field);
  const blob = Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), ...fields, Buffer.from(more)]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/** Returns a line of a list of allowed signers. */
export const lineOf = ({ type, blob }: Pick<Signer, 'type' | 'blob'>, options = ''): string =>
  `maintainer@example.org ${options}${options && ' '}${type} ${blob.toString('base64')}\n`;
