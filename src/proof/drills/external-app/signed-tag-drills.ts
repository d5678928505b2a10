// Tags that are not what was asked for, or not signed by whom: signatures of SSH, made in this process with a key of the drill's own.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExternalAppRequest } from '../../../guards/external-app/external-app.ts';
import type { Drill } from '../../proof.ts';
import { drill, type Repository } from './repository.ts';

const field = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** An Ed25519 key from its name: the same on every host. PKCS #8 (RFC 8410) is these bytes before the seed. */
function keyOf(name: string) {
  const seed = createHash('sha256').update(`a key of a drill: ${name}`).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(secret).export({ format: 'jwk' });
  return { secret, blob: Buffer.concat([field('ssh-ed25519'), field(Buffer.from(x, 'base64url'))]) };
}
const signer = keyOf('signer');
const line = (options = 'namespaces="git"', { blob } = signer): string =>
  `maintainer@example.org ${options} ssh-ed25519 ${blob.toString('base64')} a comment\n`;

interface Tag {
  readonly name: string;
  readonly type: string;
  readonly object: string;
  readonly key: typeof signer;
  readonly namespace: string;
  readonly hash: string;
  readonly version: number;
  /** What is written where the signed message was. */
  readonly shown: (message: string) => string;
  /** What is written where the signature was. */
  readonly ending: (signature: string) => string;
  readonly list: string;
  /** The file below .git that leads to the tag, and what it says. */
  readonly ref: readonly [file: string, text: (oid: string) => string];
}

const usual: Omit<Tag, 'object'> = {
  name: 'v1.0',
  type: 'commit',
  key: signer,
  namespace: 'git',
  hash: 'sha512',
  version: 1,
  shown: (message) => message,
  ending: (signature) => signature,
  list: line(),
  ref: ['refs/tags/v1.0', (oid) => `${oid}\n`],
};

function armoured(message: string, { key, namespace, hash, version }: Omit<Tag, 'object'>): string {
  const digest = createHash(hash).update(message, 'latin1').digest();
  const signed = ['', hash, digest].map(field);
  const made = sign(null, Buffer.concat([Buffer.from('SSHSIG'), field(namespace), ...signed]), key.secret);
  const head = Buffer.concat([Buffer.from('SSHSIG\0\0\0'), Buffer.from([version])]);
  const signature = Buffer.concat([field('ssh-ed25519'), field(made)]);
  const blob = Buffer.concat([head, ...[key.blob, namespace, '', hash, signature].map(field)]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/** Writes a signed tag, and asks for v1.0. */
async function tag(repository: Repository, given: Partial<Tag>): Promise<void> {
  const made = { ...usual, object: repository.commit, ...given };
  const who = 'A Drill <drill@example.org> 1700000000 +0000';
  const head = `object ${made.object}\ntype ${made.type}\ntag ${made.name}\ntagger ${who}`;
  const message = `${head}\n\nThe first\n`;
  const content = `${made.shown(message)}${made.ending(armoured(message, made))}`;
  const oid = await repository.write('tag', Buffer.from(content, 'latin1'));
  const file = join(repository.root, '.git', made.ref[0]);
  await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
  await writeFile(file, made.ref[1](oid), { mode: 0o600 });
  repository.signedTag = { name: 'v1.0', allowedSigners: made.list };
}

const tagged = (
  id: string,
  fault: string,
  code: string,
  given: Partial<Tag> = {},
): Drill<ExternalAppRequest> =>
  drill(id, fault, code === 'allow' ? code : `external-app.${code}`, (repository) => tag(repository, given));

export const signedTagDrills: readonly Drill<ExternalAppRequest>[] = [
  tagged('signed-tag', 'none: a tag that an allowed signer signed', 'allow'),
  tagged('packed-tag', 'none: the same among packed refs, with SHA-256 and dates', 'allow', {
    hash: 'sha256',
    list: `# who may sign\n\n${line('valid-after="20231114221320Z",valid-before="20231114221321Z"')}`,
    ref: ['packed-refs', (oid) => `# pack-refs with: peeled fully-peeled sorted \n${oid} refs/tags/v1.0\n`],
  }),

  tagged('absent-tag', 'a tag that is not there', 'no-tag', {
    ref: ['refs/tags/v1.0.1', (oid) => `${oid}\n`],
  }),
  drill(
    'light-tag',
    'a tag that is a name for the commit alone',
    'external-app.no-tag',
    async (repository) => {
      await tag(repository, { ref: ['refs/tags/v1.0', () => `${repository.commit}\n`] });
    },
  ),
  tagged('tag-of-another-head', 'a tag whose head has a line more', 'no-tag', {
    shown: (message) => message.replace('\ntagger', '\nobject 0\ntagger'),
  }),
  tagged('renamed-tag', 'another tag under the name that was asked for', 'other-tag', { name: 'v0.9' }),
  tagged('tag-of-another-commit', 'a signed tag of another commit', 'other-tag', { object: 'a'.repeat(40) }),
  tagged('tag-of-a-tree', 'a signed tag that names no commit', 'other-tag', { type: 'tree' }),

  tagged('authority', 'a list that trusts certificates', 'allowed-signers', { list: line('cert-authority') }),
  tagged('time-without-zone', 'a date that is another in each time zone', 'allowed-signers', {
    list: line('valid-before="20991231"'),
  }),
  tagged('no-key', 'a line without a key', 'allowed-signers', { list: 'maintainer@example.org\n' }),

  tagged('unsigned-tag', 'no signature', 'no-signature', { ending: () => '' }),
  tagged('text-after-signature', 'text after the signature', 'no-signature', {
    ending: (signature) => `${signature}more\n`,
  }),
  tagged('signed-file', 'a signature that was made for a file', 'no-signature', { namespace: 'file' }),
  tagged('weak-hash', 'a signature over SHA-1', 'no-signature', { hash: 'sha1' }),
  tagged('next-version', 'a signature of a form that is not known yet', 'no-signature', { version: 2 }),

  tagged('unknown-signer', 'a good signature by a key that nobody listed', 'other-signer', {
    key: keyOf('stranger'),
  }),
  tagged('other-purpose', 'a key that is listed for files', 'other-signer', {
    list: line('namespaces="file"'),
  }),
  tagged('not-yet', 'a key that is allowed later', 'other-signer', {
    list: line('valid-after="20231114221321Z"'),
  }),
  tagged('no-more', 'a key that was allowed before', 'other-signer', {
    list: line('valid-before="20231114221319Z"'),
  }),

  tagged('changed-message', 'a message that was changed after it was signed', 'forged-signature', {
    shown: (message) => message.replace('first', 'First'),
  }),
  drill(
    'moved-tag',
    'the signature of another commit before the pinned one',
    'external-app.forged-signature',
    (repository) =>
      tag(repository, {
        object: 'a'.repeat(40),
        shown: (message) => message.replace('a'.repeat(40), repository.commit),
      }),
  ),
];
