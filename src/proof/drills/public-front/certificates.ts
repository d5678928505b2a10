// Certificates for drills: an authority of the moment, and what it signs, right and wrong. node-forge makes the structures;
// it reads nothing that anybody sends.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
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
  readonly privateKey: forgeModule.pki.rsa.PrivateKey;
  /** PKCS#8 PEM. */
  readonly key: string;
}

function keyPair({ pki }: Forge): Pair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKey: pki.publicKeyFromPem(spki), privateKey: pki.privateKeyFromPem(key), key };
}

/** Makes an authority that nobody else knows. */
export async function makeAuthority(): Promise<Authority> {
  const { default: forge } = await import('node-forge');
  const { pki, md } = forge;
  const authority = keyPair(forge);
  const leaf = keyPair(forge); // one for all certificates of a drill: making keys takes longest
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
    cert.sign(authority.privateKey, md.sha256.create());
    return pki.certificateToPem(cert);
  };
  return {
    cert: make('drill authority', authority.publicKey, 30, [
      { name: 'basicConstraints', cA: true, critical: true },
    ]),
    issue: (name, { names = [name], days = 30, forClients } = {}) => ({
      cert: make(name, leaf.publicKey, days, [
        { name: 'basicConstraints', cA: false },
        { name: 'extKeyUsage', serverAuth: !forClients, clientAuth: forClients === true },
        ...(names.length > 0
          ? [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }]
          : []),
      ]),
      key: leaf.key,
    }),
  };
}
