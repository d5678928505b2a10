// Secrets that lie open in files: one tree for each shape, and trees that cannot be looked through.
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { SecretsRequest } from '../../../guards/secrets/secrets.ts';
import type { Drill } from '../../proof.ts';
import { INNOCENT, SECRETS } from './samples.ts';

type More = Omit<SecretsRequest, 'root'>;

function drill(
  id: string,
  fault: string,
  expects: string,
  build: (root: string) => Promise<More | undefined>,
): Drill<SecretsRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const root = site.directory;
      await mkdir(join(root, 'app'), { mode: 0o700 });
      await writeFile(join(root, 'app/README.md'), '# An app\n\nNo secret here.\n', { mode: 0o600 });
      return { root, ...(await build(root)) };
    },
  };
}

const file =
  (path: string, content: string | Buffer): ((root: string) => Promise<undefined>) =>
  async (root) => {
    await writeFile(join(root, path), content, { mode: 0o600 });
    return undefined;
  };

const ofShapes: readonly Drill<SecretsRequest>[] = SECRETS.map(([what, line]) =>
  drill(
    what.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    `${what} in a file`,
    'secrets.found',
    file('app/settings.conf', `# settings\n${line}\n`),
  ),
);

const [, SECRET = ''] = SECRETS.find(([what]) => what === 'npm') ?? [];
const lineOf = (text: string): string => `# settings\n${text}\n`;
const FOUND = 'secrets.found';

export const secretsDrills: readonly Drill<SecretsRequest>[] = [
  drill('sound', 'none', 'allow', async () => undefined),
  drill(
    'innocent-lines',
    'none: references, placeholders, prose and names',
    'allow',
    file('app/notes.txt', INNOCENT.join('\n')),
  ),
  drill('acknowledged', 'none: a file that somebody looked at', 'allow', async (root) => {
    const text = lineOf(SECRET);
    await writeFile(join(root, 'app/fixture.txt'), text, { mode: 0o600 });
    return {
      acknowledged: [{ path: 'app/fixture.txt', sha256: sha256Hex(text) }],
    };
  }),
  drill('left-out', 'none: a directory that is left out by name', 'allow', async (root) => {
    await mkdir(join(root, 'fixtures'), { mode: 0o700 });
    await writeFile(join(root, 'fixtures/x'), lineOf(SECRET), { mode: 0o600 });
    return { skip: ['fixtures'] };
  }),
  ...ofShapes,
  drill(
    'checked-by-provider',
    'a token whose checksum holds, as secretlint checks it',
    FOUND,
    file('app/x.env', `x\n${'ghp'}_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx\n`),
  ),
  drill(
    'utf-16',
    'a secret in a file of UTF-16',
    FOUND,
    file('app/x.txt', Buffer.from(`\ufeff${lineOf(SECRET)}`, 'utf16le')),
  ),
  drill(
    'utf-16-be',
    'a secret in a file of UTF-16, most significant byte first',
    FOUND,
    file('app/x.txt', Buffer.from(`\ufeff${lineOf(SECRET)}`, 'utf16le').swap16()),
  ),
  drill(
    'utf-16-unmarked',
    'a secret in UTF-16 that nothing at the start of the file tells of',
    FOUND,
    file('app/x.reg', Buffer.from(lineOf(SECRET), 'utf16le')),
  ),
  drill(
    'utf-16-marked-only',
    'a secret in a file that begins like one of UTF-16, and is none',
    FOUND,
    file('app/run.sh', Buffer.from(`\xff\xfe\n${lineOf(SECRET)}`, 'latin1')),
  ),
  drill(
    'turned-off',
    'a secret that secretlint alone knows, below a comment by which secretlint looks at nothing',
    FOUND,
    file('app/x.env', `# ${'secretlint'}-disable\n${'shpat'}_${'r8TRc9ZXAvcVvcrmtr7qoVw69WeeY1ex'}\n`),
  ),
  drill(
    'binary',
    'a secret in a file that is no text',
    FOUND,
    file('app/x.db', Buffer.from(`SQLite format 3\0\0\0${SECRET}\0\0`, 'latin1')),
  ),
  drill('hidden-file', 'a secret in a hidden file', FOUND, file('.env', lineOf(SECRET))),
  drill('changed-since', 'a file that changed after somebody looked at it', FOUND, async (root) => {
    await writeFile(join(root, 'app/fixture.txt'), `${lineOf(SECRET)}#\n`, { mode: 0o600 });
    return {
      acknowledged: [{ path: 'app/fixture.txt', sha256: sha256Hex(lineOf(SECRET)) }],
    };
  }),
  drill('too-large', 'a file that is too large to look at', 'secrets.unscanned', async (root) => {
    await file('app/large.bin', '')(root);
    await truncate(join(root, 'app/large.bin'), 8 * 1024 * 1024 + 1);
    return undefined;
  }),
  drill('too-many', 'more files than are looked at', 'secrets.too-many-files', async (root) => {
    await file('app/other.txt', 'x\n')(root);
    return { maxFiles: 1 };
  }),
  drill('empty', 'a directory without a file', 'secrets.nothing-scanned', async () => ({ skip: ['app'] })),
  {
    id: 'dot-dot',
    fault: 'a root that leaves its directory and comes back',
    expects: 'secrets.not-a-directory',
    build: async (site) => {
      const root = join(site.directory, 'app');
      await mkdir(root, { mode: 0o700 });
      return { root: `${root}/../app` };
    },
  },
  {
    id: 'linked-root',
    fault: 'a root that is a link to an empty directory',
    expects: 'secrets.not-a-directory',
    build: async (site) => {
      const root = site.directory;
      await mkdir(join(root, 'empty'), { mode: 0o700 });
      await symlink('empty', join(root, 'link'));
      return { root: join(root, 'link') };
    },
  },
];
