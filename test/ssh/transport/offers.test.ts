// Private keys in the formats that people have: read, or named as what they are, with a way to go on that works.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parsePrivateKey } from '../../../src/ssh/transport/offers.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../support.ts';

it.each([
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey],
  ['ECDSA', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
])(
  'a key of OpenSSL (PKCS#8, %s) is named, and read once ssh-keygen has written it anew',
  {
    ...leftOut(missing('ssh-keygen')),
  },
  async (_type, key) => {
    const directory = mkdtempSync(join(tmpdir(), 'guardrails-key-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'key');
    writeFileSync(file, key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    await expect(parsePrivateKey(readFileSync(file), undefined)).rejects.toMatchObject({
      code: 'ssh.key-format',
      remedy: expect.stringContaining('ssh-keygen -p -f FILE'),
    });
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', '', '-f', file], { stdio: 'ignore' });
    expect((await parsePrivateKey(readFileSync(file), undefined)).isPrivateKey()).toBe(true);
  },
);

it.each([
  [
    'an encrypted one of OpenSSL',
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n',
  ],
  ['one of PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n'],
])('%s is named', async (_what, text) => {
  await expect(parsePrivateKey(text, 'a passphrase')).rejects.toMatchObject({ code: 'ssh.key-format' });
});
