// Certificates for drills: an authority of the moment, and what it signs, right and wrong. node-forge makes the structures;
// it reads nothing that anybody sends.
import { generateKeyPair, type KeyObject, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type forgeModule from 'node-forge';

type Forge = typeof forgeModule;

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  /** Names in subjectAltName; none: the name stands in the common name alone. */
  readonly names?: readonly string[];
  /** Days from now to its end; negative for one that has ended. */
  readonly days?: number;
  /** For clients instead of servers. */
  readonly forClients?: true;
}

export interface Authority {
  readonly cert: string;
  issue(name: string, wanted?: Wanted): Certified;
}

const DAY_MS = 86_400_000;

interface Pair {
  readonly publicKey: forgeModule.pki.PublicKey;
  readonly privateKey: KeyObject;
}

async function keyPair({ pki }: Forge): Promise<Pair> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKey: pki.publicKeyFromPem(spki), privateKey };
}

/** Signs as node-forge asks its own keys to, a hundred times as fast. */
function signWith({ asn1, md }: Forge, key: KeyObject, cert: forgeModule.pki.Certificate): void {
  const signed = (): string => asn1.toDer(cert.tbsCertificate).getBytes();
  const signer = { sign: () => sign('sha256', Buffer.from(signed(), 'latin1'), key).toString('latin1') };
  cert.sign(signer as unknown as forgeModule.pki.rsa.PrivateKey, md.sha256.create());
}

let leaf: Promise<Pair> | undefined;

/** Makes an authority that nobody else knows. */
export async function makeAuthority(): Promise<Authority> {
  const { default: forge } = await import('node-forge');
  const { pki } = forge;
  leaf ??= keyPair(forge); // one for all certificates: making keys takes longest
  const [authority, holder] = await Promise.all([keyPair(forge), leaf]);
  const key = holder.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const issuer = [{ name: 'commonName', value: 'drill authority' }];
  const make = (
    subject: string,
    publicKey: forgeModule.pki.PublicKey,
    days: number,
    extensions: object[],
  ): string => {
    const cert = pki.createCertificate();
    cert.publicKey = publicKey;
    // Begins with 01: of an INTEGER that begins with two zero bytes, OpenSSL reads nothing (X.690 section 8.3.2).
    cert.serialNumber = `01${randomBytes(12).toString('hex')}`;
    cert.validity.notBefore = new Date(Date.now() - 30 * DAY_MS);
    cert.validity.notAfter = new Date(Date.now() + days * DAY_MS);
    cert.setSubject([{ name: 'commonName', value: subject }]);
    cert.setIssuer(issuer);
    cert.setExtensions(extensions);
    signWith(forge, authority.privateKey, cert);
    return pki.certificateToPem(cert);
  };
  return {
    cert: make('drill authority', authority.publicKey, 30, [
      { name: 'basicConstraints', cA: true, critical: true },
    ]),
    issue: (name, { names = [name], days = 30, forClients } = {}) => ({
      cert: make(name, holder.publicKey, days, [
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: !forClients, clientAuth: forClients === true },
        ...(names.length > 0
          ? [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }]
          : []),
      ]),
      key,
    }),
  };
}
