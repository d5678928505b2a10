// DSSE envelopes, with openssl as the second opinion on what was signed.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEnvelope, sealEnvelope } from '../../src/evidence/dsse.ts';
import { generateSigner, signerFromPem } from '../../src/evidence/keys.ts';
import { requiresReal } from '../left-out.ts';

const TYPE = 'application/vnd.in-toto+json';
const signer = generateSigner('test');
const payload = Buffer.from('{"é":1}');
const sealed = sealEnvelope(signer, TYPE, payload);
interface Parts {
  payload: string;
  payloadType: string;
  signatures: { keyid: string; sig: string }[];
}
const parts = (): Parts => JSON.parse(sealed) as Parts;

describe('a DSSE envelope', () => {
  it('opens with the key that signed it, wherever that is in the list', () => {
    const other = generateSigner('other');
    const opened = openEnvelope(Buffer.from(sealed), TYPE, [other, signer]);
    expect(opened.payload.equals(payload)).toBe(true);
    expect(opened.signers).toEqual([signer]);
    expect(openEnvelope(Buffer.from(sealed), TYPE, [other]).signers).toEqual([]);
  });

  it('signs what openssl says it signs: the encoding of the protocol', async (context) => {
    const directory = await mkdtemp(join(tmpdir(), 'dsse-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const at = (name: string): string => join(directory, name);
    const pem = createPublicKey(signer.exportPem()).export({ type: 'spki', format: 'pem' });
    await writeFile(at('key.pem'), pem);
    await writeFile(at('pae'), `DSSEv1 28 ${TYPE} 8 {"é":1}`);
    await writeFile(at('sig'), Buffer.from(parts().signatures[0]?.sig ?? '', 'base64'));
    const argv = [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-inkey',
      at('key.pem'),
      '-rawin',
      '-in',
      at('pae'),
      '-sigfile',
      at('sig'),
    ];
    const { stdout, error } = spawnSync('openssl', argv, { encoding: 'utf8' });
    if (error && !requiresReal) context.skip('no openssl');
    expect(stdout).toContain('Signature Verified Successfully');
  });

  it('does not depend on the name or the hint of the key', () => {
    const renamed = signerFromPem('another-name', signer.exportPem());
    const forged = JSON.stringify({ ...parts(), signatures: parts().signatures.map(({ sig }) => ({ sig })) });
    expect(openEnvelope(Buffer.from(forged), TYPE, [renamed]).signers).toEqual([renamed]);
  });

  it('is signed by nobody once any byte of payload or signature is another', () => {
    const flip = (base64: string, at: number): string => {
      const bytes = Buffer.from(base64, 'base64');
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes.toString('base64');
    };
    for (let at = 0; at < payload.length; at++) {
      const text = JSON.stringify({ ...parts(), payload: flip(parts().payload, at) });
      expect(openEnvelope(Buffer.from(text), TYPE, [signer]).signers).toEqual([]);
    }
    for (let at = 0; at < 64; at++) {
      const [{ sig } = { sig: '' }] = parts().signatures;
      const text = JSON.stringify({ ...parts(), signatures: [{ sig: flip(sig, at) }] });
      expect(openEnvelope(Buffer.from(text), TYPE, [signer]).signers).toEqual([]);
    }
  });

  it('is bound to its type', () => {
    const retyped = JSON.stringify({ ...parts(), payloadType: 'text/plain' });
    expect(openEnvelope(Buffer.from(retyped), 'text/plain', [signer]).signers).toEqual([]);
    expect(() => openEnvelope(Buffer.from(retyped), TYPE, [signer])).toThrow(
      expect.objectContaining({ code: 'dsse.malformed' }),
    );
  });

  it.each([
    ['no signature', () => JSON.stringify({ ...parts(), signatures: [] }), 'dsse.malformed'],
    [
      'base64 with a blank',
      () => JSON.stringify({ ...parts(), payload: `${parts().payload} ` }),
      'dsse.malformed',
    ],
    ['base64url', () => JSON.stringify({ ...parts(), payload: '-_-_' }), 'dsse.malformed'],
    ['an unknown key', () => JSON.stringify({ ...parts(), extra: 1 }), 'dsse.malformed'],
    ['two payloads', () => sealed.replace('{', '{"payload":"AAAA",'), 'json.duplicate-key'],
    ['two envelopes', () => sealed + sealed, 'json.syntax'],
    ['nothing', () => '', 'json.syntax'],
  ])('refuses %s', (_why, text, code) => {
    expect(() => openEnvelope(Buffer.from(text()), TYPE, [signer])).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
