// The provenance guard beside Node's own reader of certificates: what the drills' signing service issues is what it says, and
// no byte that is signed can be another.
import { X509Certificate } from 'node:crypto';
import { bundleFromJSON } from '@sigstore/bundle';
import { describe, expect, it } from 'vitest';
import { readAttestations } from '../../../src/guards/release-proof/attestations.ts';
import { makeSigningService } from '../../../src/proof/drills/npm-provenance/signing-service.ts';

const BEGAN = new Date('2026-01-01T00:00:00Z');
const AT = BEGAN.getTime() / 1_000 + 3_600;
const identity = {
  identity: 'https://github.com/a/b/.github/workflows/c.yml@refs/heads/main',
  issuer: 'https://token.example',
  runner: 'github-hosted',
  repository: 'https://github.com/a/b',
  commit: 'c'.repeat(40),
  ref: 'refs/heads/main',
};
const statement = { predicateType: 'https://slsa.dev/provenance/v1' };
const bytes = (value: unknown): Uint8Array => Uint8Array.from(Buffer.from(JSON.stringify(value)));

describe('the signing service of the drills', () => {
  it('issues certificates that Node reads, under its authority alone', () => {
    const [service, other] = [makeSigningService(BEGAN), makeSigningService(BEGAN)];
    const rootOf = ({ trustRoot }: typeof service): X509Certificate => {
      const { certificateAuthorities } = trustRoot as {
        certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
      };
      const [first] = certificateAuthorities;
      return new X509Certificate(Buffer.from(first?.certChain.certificates[0]?.rawBytes ?? '', 'base64'));
    };
    const { content } = bundleFromJSON(service.attest(statement, { at: AT, identity })).verificationMaterial;
    if (content.$case !== 'certificate') throw new Error('no certificate');
    const leaf = new X509Certificate(content.certificate.rawBytes);
    expect(leaf.subjectAltName).toBe(`URI:${identity.identity}`);
    expect(leaf.verify(rootOf(service).publicKey)).toBe(true);
    expect(leaf.verify(rootOf(other).publicKey)).toBe(false);
    expect(new Date(leaf.validFrom).getTime() / 1_000).toBe(AT - 30);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.3']);
  });
});

describe('each byte that is signed', () => {
  it('counts: no bundle with one character of base64 changed is taken', { timeout: 120_000 }, async () => {
    const service = makeSigningService(BEGAN);
    const [trustRoot, keys] = [bytes(service.trustRoot), bytes(service.keys)];
    const faultOf = async (bundle: unknown): Promise<string | undefined> => {
      const { fault, all } = await readAttestations(bytes({ attestations: [{ bundle }] }), trustRoot, keys);
      return fault ?? all[0]?.signatureFault ?? (all.length === 1 ? undefined : 'states nothing');
    };
    const text = JSON.stringify(service.attest(statement, { at: AT, identity }));
    expect(await faultOf(JSON.parse(text))).toBeUndefined();
    let changed = 0;
    for (const { 1: field = '', index } of text.matchAll(
      /"(?:rawBytes|payload|sig|canonicalizedBody|signedEntryTimestamp)":"([^"]{40,})"/g,
    )) {
      const start = text.indexOf(field, index);
      for (let at = start; at < start + field.length - 4; at += 37) {
        const other = text[at] === 'A' ? 'B' : 'A';
        const edited = JSON.parse(`${text.slice(0, at)}${other}${text.slice(at + 1)}`);
        expect({ at, fault: await faultOf(edited) }).not.toEqual({ at, fault: undefined });
        changed += 1;
      }
    }
    expect(changed).toBeGreaterThan(40);
  });
});
