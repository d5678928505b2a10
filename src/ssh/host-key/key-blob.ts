// Public key blobs (RFC 4253 section 6.6): their types, and the plain key inside a certificate.

/** Plain key types of OpenSSH 9, and how many fields follow the type in their blobs. */
const FIELDS: ReadonlyMap<string, number> = new Map([
  ['ssh-ed25519', 1],
  ['ssh-rsa', 2],
  ['ssh-dss', 4],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
  ['sk-ssh-ed25519@openssh.com', 2],
  ['sk-ecdsa-sha2-nistp256@openssh.com', 3],
]);

/** Whether a word names a plain key type. */
export const isPlainType = (word: string): boolean => FIELDS.has(word);

const CERTIFICATE = '-cert-v01@openssh.com';

/** Returns where the length-prefixed field at `at` ends, or `undefined` when the blob ends before it. */
function fieldEnd(blob: Buffer, at: number): number | undefined {
  if (at + 4 > blob.length) return undefined;
  const end = at + 4 + blob.readUInt32BE(at);
  return end <= blob.length ? end : undefined;
}

/** Returns the type named inside a key blob, or `undefined`. */
export function typeInBlob(blob: Buffer): string | undefined {
  const end = fieldEnd(blob, 0);
  return end !== undefined && end < blob.length ? blob.toString('latin1', 4, end) : undefined;
}

/** Returns where `count` fields end that begin at `at`, or `undefined` when the blob ends before them. */
function fieldsEnd(blob: Buffer, at: number, count: number): number | undefined {
  let end: number | undefined = at;
  for (let field = 0; field < count && end !== undefined; field++) end = fieldEnd(blob, end);
  return end;
}

/** Whether a blob is a whole plain key of a type that is known. */
export function isPlainKey(blob: Buffer): boolean {
  const count = FIELDS.get(typeInBlob(blob) ?? '');
  return count !== undefined && fieldsEnd(blob, 0, count + 1) === blob.length;
}

/** Where the plain key stands in a certificate (OpenSSH, PROTOCOL.certkeys: type, nonce, the fields of the key, more). */
function certified(
  blob: Buffer,
): { readonly type: string; readonly start: number; readonly end: number } | undefined {
  const type = typeInBlob(blob);
  if (!type?.endsWith(CERTIFICATE)) return undefined;
  const bare = type.slice(0, -CERTIFICATE.length);
  const plain = bare.startsWith('sk-') ? `${bare}@openssh.com` : bare;
  const count = FIELDS.get(plain);
  const start = fieldsEnd(blob, 0, 2);
  const end = start === undefined || count === undefined ? undefined : fieldsEnd(blob, start, count);
  return start === undefined || end === undefined ? undefined : { type: plain, start, end };
}

/** Returns the plain key of a certificate, or `undefined`. */
export function keyOfCertificate(blob: Buffer): Buffer | undefined {
  const key = certified(blob);
  if (!key) return undefined;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(key.type.length);
  return Buffer.concat([length, Buffer.from(key.type), blob.subarray(key.start, key.end)]);
}

/** Returns the key of the authority that signed a certificate, or `undefined`. */
export function authorityOf(blob: Buffer): Buffer | undefined {
  const key = certified(blob);
  if (!key) return undefined;
  // Serial and kind; key id and principals; two dates; options, extensions and a reserved field.
  const names = fieldsEnd(blob, key.end + 8 + 4, 2);
  const start = names === undefined ? undefined : fieldsEnd(blob, names + 8 + 8, 3);
  const end = start === undefined ? undefined : fieldEnd(blob, start);
  return start === undefined || end === undefined ? undefined : Buffer.from(blob.subarray(start + 4, end));
}

/** Returns the length of an RSA modulus in bits (type, e, n), or `undefined` for other keys. */
export function rsaBits({
  type,
  blob,
}: {
  readonly type: string;
  readonly blob: Buffer;
}): number | undefined {
  if (type !== 'ssh-rsa') return undefined;
  const start = fieldsEnd(blob, 0, 2);
  const end = start === undefined ? undefined : fieldEnd(blob, start);
  if (start === undefined || end === undefined) return 0;
  return BigInt(`0x${blob.toString('hex', start + 4, end) || '0'}`).toString(2).length;
}
