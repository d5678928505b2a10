// A signing service of the moment: an authority as Fulcio, a log as Rekor, a certificate log and a registry's key, each with its
// own key, made in this process. What it signs is what npm's registry hands out; nothing leaves the process.
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** DER (X.690): one element with its content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), body]);
  const size = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...content: readonly Buffer[]): Buffer => der(0x30, ...content);
const octets = (content: Buffer): Buffer => der(0x04, content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content);
const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Buffer.from([40 * first + second, ...bytes]));
}

const time = (date: Date): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, '')
        .slice(2)}`,
    ),
  ); // UTCTime
const name = (commonName: string): Buffer => sequence(der(0x31, sequence(oid('2.5.4.3'), utf8(commonName))));
const extension = (id: string, value: Buffer, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), octets(value));

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const signed = (data: Buffer, key: KeyObject): Buffer => sign('sha256', data, key);
const sha256 = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();
const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');

interface Pair {
  readonly privateKey: KeyObject;
  readonly spki: Buffer;
}

function pair(): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

interface Tbs {
  readonly subject: string;
  readonly key: Buffer;
  readonly from: Date;
  readonly to: Date;
  readonly extensions: readonly Buffer[];
}

const AUTHORITY = 'drill authority';
const tbs = ({ subject, key, from, to, extensions }: Tbs): Buffer =>
  sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_SHA256,
    name(AUTHORITY),
    sequence(time(from), time(to)),
    name(subject),
    key,
    der(0xa3, sequence(...extensions)),
  );
const certificate = (body: Buffer, by: Pair): Buffer =>
  sequence(body, ECDSA_SHA256, bits(signed(body, by.privateKey)));

/** What the authority writes into a certificate. */
export interface Identity {
  readonly identity: string;
  readonly issuer: string;
  readonly runner: string;
  readonly repository: string;
  readonly commit: string;
  readonly ref: string;
}

/** How an attestation is signed. */
export interface Signing {
  /** Unix seconds at which the log took it. */
  readonly at: number;
  /** For a certificate; without it the registry's key signs. */
  readonly identity?: Identity;
  /** Signs with these bytes in place of the payload. */
  readonly instead?: string;
  /** How long the certificate lasts, in seconds from half a minute before `at`. Default 600. */
  readonly lasts?: number;
  /** Who signs the checkpoint, in the words of the log. */
  readonly origin?: string;
  readonly withoutCertificateLog?: true;
  /** What the certificate is for (extended key usages). Default: code signing. */
  readonly uses?: readonly string[];
}

export interface SigningService {
  /** Sigstore's trusted root. */
  readonly trustRoot: object;
  /** npm's keys. */
  readonly keys: object;
  /** A Sigstore bundle of an in-toto statement. */
  attest(statement: object, signing: Signing): Record<string, unknown>;
}

/** Makes a service that nobody else knows. `from` is when its keys begin to hold. */
export function makeSigningService(from: Date): SigningService {
  const [authority, log, certificateLog, registry] = [pair(), pair(), pair(), pair()];
  const end = new Date(from.getTime() + 3_650 * 86_400_000);
  const root = certificate(
    tbs({
      subject: AUTHORITY,
      key: authority.spki,
      from,
      to: end,
      extensions: [extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))), true)],
    }),
    authority,
  );

  const leaf = (key: Buffer, begin: Date, who: Identity, how: Omit<Signing, 'identity' | 'at'>): Buffer => {
    const { lasts: seconds = 600, withoutCertificateLog, uses = ['1.3.6.1.5.5.7.3.3'] } = how;
    const fulcio = (last: number, text: string): Buffer =>
      extension(`1.3.6.1.4.1.57264.1.${last}`, utf8(text));
    const extensions = [
      extension('2.5.29.17', sequence(der(0x86, Buffer.from(who.identity))), true),
      ...(uses.length > 0 ? [extension('2.5.29.37', sequence(...uses.map(oid)))] : []),
      fulcio(8, who.issuer),
      fulcio(11, who.runner),
      fulcio(12, who.repository),
      fulcio(13, who.commit),
      fulcio(14, who.ref),
    ];
    const to = new Date(begin.getTime() + seconds * 1_000);
    const parts = { subject: '', key, from: begin, to };
    const body = tbs({ ...parts, extensions });
    // RFC 6962 section 3.2: version 1, the log's id, milliseconds, no extensions, SHA-256 with ECDSA.
    const head = Buffer.alloc(8);
    head.writeBigUInt64BE(BigInt(begin.getTime()));
    const size = Buffer.from([body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff]);
    const entry = Buffer.concat([sha256(authority.spki), size, body]);
    const toSign = [Buffer.from([0, 0]), head, Buffer.from([0, 1]), entry, Buffer.from([0, 0])];
    const proof = signed(Buffer.concat(toSign), certificateLog.privateKey);
    const sized = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
    const sct = Buffer.concat([
      Buffer.from([0]),
      sha256(certificateLog.spki),
      head,
      Buffer.from([0, 0, 4, 3]),
      sized(proof),
    ]);
    const logged = extension('1.3.6.1.4.1.11129.2.4.2', octets(sized(sized(sct))));
    return certificate(
      tbs({ ...parts, extensions: withoutCertificateLog ? extensions : [...extensions, logged] }),
      authority,
    );
  };

  const logged = (signature: string, payload: Buffer, at: number, origin: string): object => {
    const body = base64(
      JSON.stringify({
        apiVersion: '0.0.1',
        kind: 'dsse',
        spec: {
          payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
          signatures: [{ signature }],
        },
      }),
    );
    const id = sha256(log.spki);
    const promised = JSON.stringify({ body, integratedTime: at, logID: id.toString('hex'), logIndex: 0 });
    const rootHash = sha256(Buffer.from([0]), Buffer.from(body, 'base64')); // RFC 6962: the only leaf
    const note = `${origin}\n1\n${base64(rootHash)}\n`;
    const mark = base64(Buffer.concat([id.subarray(0, 4), signed(Buffer.from(note), log.privateKey)]));
    return {
      logIndex: '0',
      logId: { keyId: base64(id) },
      kindVersion: { kind: 'dsse', version: '0.0.1' },
      integratedTime: `${at}`,
      inclusionPromise: { signedEntryTimestamp: base64(signed(Buffer.from(promised), log.privateKey)) },
      inclusionProof: {
        logIndex: '0',
        rootHash: base64(rootHash),
        treeSize: '1',
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 ${origin} ${mark}\n` },
      },
      canonicalizedBody: body,
    };
  };

  const publicKey = (of: Pair): object => ({
    rawBytes: base64(of.spki),
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    validFor: { start: from.toISOString() },
  });
  const instance = (of: Pair, baseUrl: string): object => ({
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: publicKey(of),
    logId: { keyId: base64(sha256(of.spki)) },
  });
  return {
    trustRoot: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: [instance(log, 'https://log.example')],
      certificateAuthorities: [
        {
          subject: { organization: 'drill', commonName: AUTHORITY },
          uri: 'https://authority.example',
          certChain: { certificates: [{ rawBytes: base64(root) }] },
          validFor: { start: from.toISOString() },
        },
      ],
      ctlogs: [instance(certificateLog, 'https://certificates.example')],
      timestampAuthorities: [],
    },
    keys: {
      keys: [{ keyId: 'SHA256:drill', keyUsage: 'npm:attestations', publicKey: publicKey(registry) }],
    },
    attest(statement, { at, identity, ...how }) {
      const { instead, origin = 'log.example' } = how;
      const payloadType = 'application/vnd.in-toto+json';
      const signer = identity ? pair() : registry;
      const text = JSON.stringify(statement);
      const payload = Buffer.from(instead ?? text);
      const toSign = Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${text.length} ${text}`);
      const sig = base64(signed(toSign, signer.privateKey));
      const begin = new Date((at - 30) * 1_000);
      const key = identity
        ? {
            certificate: {
              rawBytes: base64(leaf(signer.spki, begin, identity, how)),
            },
          }
        : { publicKey: { hint: 'SHA256:drill' } };
      return {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        verificationMaterial: { ...key, tlogEntries: [logged(sig, payload, at, origin)] },
        dsseEnvelope: { payload: base64(payload), payloadType, signatures: [{ sig, keyid: '' }] },
      };
    },
  };
}
