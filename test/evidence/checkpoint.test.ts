// Checkpoints and keys, with openssl and node:crypto as the other opinion.
import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cosignaturesOf,
  cosignCheckpoint,
  cosignerKey,
  parseCheckpoint,
  signCheckpoint,
  signedBy,
} from '../../src/evidence/checkpoint.ts';
import { generateSigner, parseVerifierKey, signerFromPem, verifierOf } from '../../src/evidence/keys.ts';
import { native } from '../../src/evidence/native.ts';
import { COSIGNATURE, noteKey, parseNoteKey } from '../../src/evidence/note-key.ts';
import { portable } from '../../src/evidence/primitives.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const head = { origin: 'agilab-guardrails/test/1', size: 42, root: new Uint8Array(32).fill(7) };
const note = signCheckpoint(head, signer);
const believed = (text: string): boolean => {
  try {
    return signedBy(parseCheckpoint(text), [parseVerifierKey(signer.vkey)]) !== undefined;
  } catch {
    return false;
  }
};

describe('the signed note', () => {
  it('is the three lines of tlog-checkpoint, a blank line and one signature line', () => {
    expect(note.split('\n').slice(0, 4)).toEqual([
      head.origin,
      '42',
      Buffer.from(head.root).toString('base64'),
      '',
    ]);
    expect(believed(note)).toBe(true);
    expect(parseCheckpoint(note).claimed).toEqual(head);
  });

  it('has the key hash of the signed-note text: SHA-256(name, newline, 0x01, key), first four bytes', () => {
    const [, hash, typed] = signer.vkey.split('+');
    const key = Buffer.from(signer.vkey.split('+').slice(2).join('+'), 'base64');
    expect(typed).toBeDefined();
    expect([key[0], key.length]).toEqual([1, 33]);
    expect(createHash('sha256').update(`${signer.name}\n`).update(key).digest('hex').slice(0, 8)).toBe(hash);
  });

  it('is not believed with any one byte changed to any of several others', () => {
    const bytes = Buffer.from(note);
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 2, 16, 32, 128]) {
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ flip;
        expect(believed(changed.toString('utf8')), `byte ${at} xor ${flip}`).toBe(false);
      }
    }
  });

  it('is not believed with any part cut out', () => {
    const wrong: string[] = [];
    for (let from = 0; from < note.length; from++) {
      for (let to = from + 1; to <= note.length; to++) {
        if (believed(note.slice(0, from) + note.slice(to))) wrong.push(`without ${from}..${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['a size with a leading zero', note.replace('\n42\n', '\n042\n')],
    ['a negative size', note.replace('\n42\n', '\n-1\n')],
    ['CRLF', note.replaceAll('\n', '\r\n')],
    ['an empty extension line', note.replace('=\n\n', '=\n\nmore\n\n')],
    ['a control character in an extension line', note.replace('=\n\n', '=\nmo\u001bre\n\n')],
    ['nothing', ''],
    ['too much', `${note}${'x'.repeat(70_000)}\n`],
  ])('refuses %s', (_why, text) => {
    expect(() => parseCheckpoint(text)).toThrow(expect.objectContaining({ code: 'checkpoint.malformed' }));
  });

  it('ignores signatures by unknown keys but not a wrong one under a known key', () => {
    const other = generateSigner('other');
    const both = `${note + (signCheckpoint(head, other).split('\n').at(-2) ?? '')}\n`;
    expect(believed(both)).toBe(true);
    expect(signedBy(parseCheckpoint(note), [other])).toBeUndefined();
    const forged = signCheckpoint({ ...head, size: 43 }, signer).replace('\n43\n', '\n42\n');
    expect(() => signedBy(parseCheckpoint(forged), [signer])).toThrow(
      expect.objectContaining({ code: 'checkpoint.bad-signature' }),
    );
  });

  const reason = missing('openssl');
  it('is accepted by openssl, and not after a change', leftOut(reason), async () => {
    const directory = await scratch();
    const raw = Buffer.from(signer.vkey.split('+').slice(2).join('+'), 'base64').subarray(1);
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]);
    const path = (name: string): string => join(directory, name);
    const { text, signatures } = parseCheckpoint(note);
    writeFileSync(path('key.der'), spki);
    writeFileSync(path('sig'), signatures[0]?.bytes ?? '');
    const ask = (message: string): number | null => {
      writeFileSync(path('text'), message);
      const args = ['pkeyutl', '-verify', '-rawin', '-pubin', '-keyform', 'DER', '-inkey', path('key.der')];
      return spawnSync('openssl', [...args, '-in', path('text'), '-sigfile', path('sig')]).status;
    };
    expect(ask(text)).toBe(0);
    expect(ask(text.replace('42', '43'))).not.toBe(0);
  });
});

describe('a cosignature', () => {
  const seconds = 1_790_000_000;
  const cosigner = generateSigner('witness.example/w1');
  const key = noteKey(cosigner.name, cosigner.publicKey, COSIGNATURE);
  const cosigned = cosignCheckpoint(note, seconds, { ...cosigner, hash: key.hash });

  it('vouches for the time at which the head was seen, and for nothing that was changed', () => {
    for (const primitives of [native, portable]) {
      expect(cosignaturesOf(parseCheckpoint(cosigned), [key], primitives)).toEqual([{ key, time: seconds }]);
      const grown = cosigned.replace('\n42\n', '\n43\n');
      expect(() => cosignaturesOf(parseCheckpoint(grown), [key], primitives)).toThrow(
        expect.objectContaining({ code: 'checkpoint.bad-signature' }),
      );
    }
    expect(believed(cosigned)).toBe(true);
    expect(cosignaturesOf(parseCheckpoint(note), [key])).toEqual([]);
    expect(parseNoteKey(key.vkey).vkey).toBe(key.vkey);
    // A cosigner says what it saw; that is no signature of the journal.
    expect(signedBy(parseCheckpoint(cosigned), [key])).toBeUndefined();
  });

  it('is made with a plain key as well, under the hash that others pin', () => {
    expect(cosignerKey(cosigner)).toEqual(key);
    expect(cosignCheckpoint(note, seconds, cosigner)).toBe(cosigned);
    for (const none of [0, -1, 1.5, Number.NaN])
      expect(() => cosignCheckpoint(note, none, cosigner)).toThrow(RangeError);
  });

  it('is the 76 bytes and the message of tlog-cosignature, put together here by the book', () => {
    const line = Buffer.from(cosigned.trimEnd().split(' ').at(-1) ?? '', 'base64');
    expect(line).toHaveLength(76);
    const typed = Buffer.concat([Buffer.of(4), cosigner.publicKey]);
    const id = createHash('sha256').update(`${cosigner.name}\n`).update(typed).digest().subarray(0, 4);
    expect(line.subarray(0, 4)).toEqual(id);
    expect(line.readBigUInt64BE(4)).toBe(BigInt(seconds));
    const message = Buffer.from(`cosignature/v1\ntime ${seconds}\n${parseCheckpoint(note).text}`);
    const x = Buffer.from(cosigner.publicKey).toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, message, publicKey, line.subarray(12))).toBe(true);
  });
});

it('accepts the published key of the signed-note specification', () => {
  const vkey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
  const signature = Buffer.from(
    'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=',
    'base64',
  );
  const message = Buffer.from('This is an example message.\n');
  expect(signature.subarray(0, 4).toString('hex')).toBe('530d903a');
  expect(parseVerifierKey(vkey).verify(message, signature.subarray(4))).toBe(true);
  const { publicKey } = parseNoteKey(vkey);
  expect(portable.verifyEd25519(publicKey, message, signature.subarray(4))).toBe(true);
  expect(portable.verifyEd25519(publicKey, Buffer.from('x'), signature.subarray(4))).toBe(false);
});

describe('keys', () => {
  // The eight points of small order, canonical spelling; R = identity, S = 0.
  const SMALL = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ];
  it.each(SMALL)('refuses %s, under which node:crypto accepts a signature that nobody made', (hex) => {
    const raw = Buffer.from(hex, 'hex');
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') },
      format: 'jwk',
    });
    const forged = Buffer.alloc(64);
    forged[0] = 1;
    const messages = Array.from({ length: 200 }, (_, index) => Buffer.from(`message ${index}`));
    expect(messages.some((message) => verify(null, message, key, forged))).toBe(true);
    expect(() => verifierOf('x', raw)).toThrow(expect.objectContaining({ code: 'key.small-order' }));
  });

  it.each([
    ['p, a second spelling of 0', `ed${'ff'.repeat(30)}7f`],
    ['p + 1, a second spelling of 1', `ee${'ff'.repeat(30)}7f`],
    ['2^255 - 1 with sign', 'ff'.repeat(32)],
    ['31 bytes', '11'.repeat(31)],
  ])('refuses %s', (_why, hex) => {
    expect(() => verifierOf('x', Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'key.malformed' }),
    );
  });

  it('refuses a verifier key with any one character changed', () => {
    for (let at = 0; at < signer.vkey.length; at++) {
      const changed = `${signer.vkey.slice(0, at)}${signer.vkey[at] === 'A' ? 'B' : 'A'}${signer.vkey.slice(at + 1)}`;
      expect(() => parseVerifierKey(changed), `at ${at}`).toThrow(
        expect.objectContaining({ code: 'key.malformed' }),
      );
    }
  });

  it('comes back from its PEM as the same key, with the same derived secret, and signs for its public half', () => {
    const again = signerFromPem(signer.name, signer.exportPem());
    expect(again.vkey).toBe(signer.vkey);
    expect(again.derive('a')).toEqual(signer.derive('a'));
    expect(again.derive('b')).not.toEqual(signer.derive('a'));
    const message = Buffer.from('x');
    expect(parseVerifierKey(signer.vkey).verify(message, sign(null, message, signer.exportPem()))).toBe(true);
    expect(() => signerFromPem('x', 'no pem at all')).toThrow(
      expect.objectContaining({ code: 'key.malformed' }),
    );
  });
});
