// A second signature for auditors who have openssl and nothing else: PKCS#7 (RFC 2315, CMS RFC 5652), detached, under an RSA
// certificate of a small authority of this machine. node-forge makes the structures and reads nothing that comes from
// strangers; the keys are made by node:crypto, and checking is openssl's. It is loaded when it is needed.
import { generateKeyPair, randomBytes, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type forgeModule from 'node-forge';
import { CodedError, errnoOf } from './coded-error.ts';
import { makeDirectory, publishFile, readBounded } from './files.ts';
import { processIdentity } from './identity.ts';
import { changingKeys } from './key-store.ts';

type Forge = typeof forgeModule;
type Certificate = forgeModule.pki.Certificate;

const CA_FILE = 'host-ca.pem';
const CA_KEY_FILE = 'host-ca-key.pem';
const LEAF_FILE = 'countersign.pem';
const LEAF_KEY_FILE = 'countersign-key.pem';
const MAX_FILE_BYTES = 65_536;

const RSA_BITS = 3_072;
const CA_YEARS = 10;
const LEAF_YEARS = 2;

const loadForge = async (): Promise<Forge> => (await import('node-forge')).default;

/** Returns a new RSA key as PKCS#1 PEM, which is what forge reads. */
async function rsaKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: RSA_BITS,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
}

function certificateFor(forge: Forge, publicKey: string, name: string, years: number): Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `00${randomBytes(16).toString('hex')}`; // 00: a set high bit would make it negative
  certificate.validity.notBefore = new Date();
  certificate.validity.notAfter = new Date();
  certificate.validity.notAfter.setFullYear(certificate.validity.notBefore.getFullYear() + years);
  certificate.setSubject([{ shortName: 'CN', value: name }]);
  return certificate;
}

/**
 * Makes the authority of this machine in `directory` and a certificate under it, and returns the authority's certificate
 * as PEM, for `openssl cms -verify -CAfile`.
 *
 * @throws CodedError `keys.exist`, `keys.unsafe`, `keys.locked`, `keys.not-written`.
 */
export async function makeHostCa(directory: string): Promise<string> {
  const forge = await loadForge();
  await makeDirectory(directory);
  const { host } = processIdentity();
  const [caKeys, leafKeys] = await Promise.all([rsaKey(), rsaKey()]);
  const caKey = forge.pki.privateKeyFromPem(caKeys.privateKey);

  const ca = certificateFor(forge, caKeys.publicKey, `agilab-guardrails CA of ${host}`, CA_YEARS);
  ca.setIssuer(ca.subject.attributes);
  ca.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  ca.sign(caKey, forge.md.sha256.create());

  const leaf = certificateFor(forge, leafKeys.publicKey, `agilab-guardrails on ${host}`, LEAF_YEARS);
  leaf.setIssuer(ca.subject.attributes);
  leaf.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true },
    // openssl cms asks for this purpose, or for none at all.
    { name: 'extKeyUsage', emailProtection: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: ca.generateSubjectKeyIdentifier().getBytes() },
  ]);
  leaf.sign(caKey, forge.md.sha256.create());

  const pem = forge.pki.certificateToPem(ca).replaceAll('\r', '');
  const files: readonly [string, string][] = [
    [CA_KEY_FILE, caKeys.privateKey], // first: where it is there already, nothing else is written
    [CA_FILE, pem],
    [LEAF_KEY_FILE, leafKeys.privateKey],
    [LEAF_FILE, forge.pki.certificateToPem(leaf).replaceAll('\r', '')],
  ];
  try {
    await changingKeys(directory, async () => {
      for (const [name, content] of files) await publishFile(join(directory, name), content);
    });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') {
      const remedy = `Use what is there. To make another, or where a part of it is missing, move away first what there is of ${files.map(([name]) => name).join(', ')}.`;
      throw new CodedError('keys.exist', 'this directory already has an authority, or a part of one', remedy);
    }
    if (error instanceof CodedError) throw error;
    const remedy = 'Name a directory that this user can write to, on a disk that has space.';
    throw new CodedError(
      'keys.not-written',
      `the authority could not be written (${errnoOf(error)})`,
      remedy,
      {
        cause: error,
      },
    );
  }
  return pem;
}

async function ownFile(directory: string, name: string): Promise<string> {
  const policy = { maxBytes: MAX_FILE_BYTES, owner: 'own', forbiddenMode: 0o077 } as const;
  try {
    return (await readBounded(join(directory, name), policy)).toString('latin1');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      throw new CodedError('keys.missing', 'this machine has no authority', 'Run `guardrails keys host-ca`.');
    const remedy = 'Make it a plain file of your own with mode 0600.';
    throw new CodedError('keys.unsafe', 'a key or certificate is open to others', remedy, { cause: error });
  }
}

/** A signature under a certificate that has ended is made as easily, and is refused by every auditor. */
function requireCurrent(certificate: string): void {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const now = Date.now();
  if (Date.parse(validFrom) <= now && now < Date.parse(validTo)) return;
  const remedy = `Look whether the clock is right. If so, move ${LEAF_FILE}, ${LEAF_KEY_FILE}, ${CA_FILE} and ${CA_KEY_FILE} away, run \`guardrails keys host-ca\`, and give auditors the new authority.`;
  throw new CodedError('keys.expired', 'the certificate of this machine is not valid now', remedy);
}

/**
 * Returns a detached signature over `content`, DER. Check it with
 * `openssl cms -verify -binary -inform DER -in SIGNATURE -content FILE -CAfile host-ca.pem`.
 *
 * @throws CodedError `keys.missing`, `keys.unsafe`, `keys.expired`.
 */
export async function countersign(directory: string, content: Uint8Array): Promise<Buffer> {
  const key = await ownFile(directory, LEAF_KEY_FILE);
  const certificate = await ownFile(directory, LEAF_FILE);
  requireCurrent(certificate);
  const forge = await loadForge();
  const { oids } = forge.pki;
  const signed = forge.pkcs7.createSignedData();
  signed.content = forge.util.createBuffer(Buffer.from(content).toString('binary'));
  signed.addCertificate(certificate);
  signed.addSigner({
    key,
    certificate,
    digestAlgorithm: oids['sha256'] ?? '',
    authenticatedAttributes: [
      { type: oids['contentType'] ?? '', value: oids['data'] ?? '' },
      { type: oids['messageDigest'] ?? '' },
      // The types want text; forge encodes a Date.
      { type: oids['signingTime'] ?? '', value: new Date() as unknown as string },
    ],
  });
  signed.sign({ detached: true });
  return Buffer.from(forge.asn1.toDer(signed.toAsn1()).getBytes(), 'binary');
}
