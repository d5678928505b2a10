// Signed releases as text: what another in-toto tool would see, and that no damage gets past the signature.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Release, readRelease, signRelease } from '../../../src/capacity/origin/statement.ts';
import { encodeSidecar, parseSidecar } from '../../../src/capacity/sidecar.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { sealEnvelope } from '../../../src/evidence/dsse.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';

const signer = generateSigner('release');
const release: Release = {
  model: 'm.pkl',
  digest: '0123456789abcdef'.repeat(4),
  version: 3,
  expires: '2999-01-01T00:00:00.000Z',
};

describe('a signed release', () => {
  it('is an in-toto statement about one file', () => {
    const envelope = JSON.parse(signRelease(signer, release)) as { payload: string; payloadType: string };
    expect(envelope.payloadType).toBe('application/vnd.in-toto+json');
    expect(JSON.parse(Buffer.from(envelope.payload, 'base64').toString())).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'm.pkl', digest: { sha256: release.digest } }],
      predicateType: 'urn:agilab-guardrails:capacity-model-release:v1',
      predicate: { version: 3, expires: release.expires },
    });
  });

  it('is read back with the key, and is nothing without', () => {
    const text = Buffer.from(signRelease(signer, release));
    expect(readRelease(text, [signer])).toEqual({ release, signers: [signer] });
    expect(readRelease(text, [generateSigner('release')])).toEqual({ signers: [] });
    expect(readRelease(text, [])).toEqual({ signers: [] });
  });

  it.each([
    ['version 0', { version: 0 }],
    ['a fraction', { version: 1.5 }],
    ['a date without a time', { expires: '2999-01-01' }],
    ['local time', { expires: '2999-01-01T00:00:00.000+01:00' }],
    ['a digest in capitals', { digest: release.digest.toUpperCase() }],
  ])('is not signed with %s', (_why, change) => {
    expect(() => signRelease(signer, { ...release, ...change })).toThrow();
  });

  const signed = (text: string): Buffer =>
    Buffer.from(sealEnvelope(signer, 'application/vnd.in-toto+json', Buffer.from(text)));
  const statement = Buffer.from(
    (JSON.parse(signRelease(signer, release)) as { payload: string }).payload,
    'base64',
  ).toString();
  it.each([
    ['another type of statement', statement.replace('Statement/v1', 'Statement/v0.1'), 'statement.malformed'],
    ['another predicate', statement.replace(':v1', ':v2'), 'statement.malformed'],
    [
      'two subjects',
      statement.replace('"subject":[', '"subject":[{"name":"x","digest":{}},'),
      'statement.malformed',
    ],
    ['two versions', statement.replace('"version":3', '"version":4,"version":3'), 'json.duplicate-key'],
    ['a version with a point', statement.replace('"version":3', '"version":3.0'), 'json.not-integer'],
    [
      'more than a release',
      statement.replace('"version":3', '"version":3,"force":true'),
      'statement.malformed',
    ],
  ])('is refused with %s, though the key signed it', (_why, text, code) => {
    expect(text).not.toBe(statement);
    expect(() => readRelease(signed(text), [signer])).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['a key beside its type', '"_type"', '"force":true,"_type"'],
    ['a key beside its name', '"name"', '"force":true,"name"'],
    ['a second digest', '"sha256"', '"sha512":"","sha256"'],
    ['no name', '"m.pkl"', '""'],
    ['a name of 256 letters', '"m.pkl"', `"${'m'.repeat(256)}"`],
    ['a digest of 65 digits', '"sha256":"', '"sha256":"0'],
    ['a digest of 63 digits', '"sha256":"0', '"sha256":"'],
    ['a digest with a line feed', 'cdef"', 'cdef\\n"'],
  ])('is refused with %s, though the rest is right', (_why, from, to) => {
    const text = statement.replace(from, to);
    expect(text).not.toBe(statement);
    expect(() => readRelease(signed(text), [signer])).toThrow(
      expect.objectContaining({ code: 'statement.malformed' }),
    );
  });

  it('survives no damage: a refusal with a code, no signer, or the very same release', () => {
    const text = signRelease(signer, release);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, drop, put) => {
        const damaged = Buffer.from(text.slice(0, at) + put + text.slice(at + drop));
        try {
          const read = readRelease(damaged, [signer]);
          expect(read.release ?? release).toEqual(release);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a damaged sidecar', () => {
  it('is refused with a code, or says something that a whole one could say', () => {
    const text = encodeSidecar({
      schema: 'agilab.capacity_model_manifest.v1',
      algorithm: 'sha256',
      digest_sha256: release.digest,
      model_file: 'm.pkl',
      size_bytes: 1_942_056,
    });
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(3), fc.uint8Array({ maxLength: 3 }), (at, drop, put) => {
        const damaged = Buffer.concat([
          Buffer.from(text.slice(0, at)),
          put,
          Buffer.from(text.slice(at + drop)),
        ]);
        try {
          const read = parseSidecar(damaged);
          expect(parseSidecar(Buffer.from(encodeSidecar(read)))).toEqual(read);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
