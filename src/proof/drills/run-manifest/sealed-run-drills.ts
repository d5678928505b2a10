// Runs as AGILAB leaves them: a manifest that lists itself and a directory, without a digest. Sealed, then tampered with.
import { mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateSigner } from '../../../evidence/keys.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { RunManifestRequest } from '../../../guards/run-manifest/run-manifest-look.ts';
import { sealRun } from '../../../guards/run-manifest/seal.ts';
import type { Drill } from '../../proof.ts';
import { VKEY } from '../../random.ts';
import { ARTIFACT, type Draft, soundManifest } from './run-manifest-drills.ts';

/** What a drill finds laid out: a sealed run. */
interface Run {
  /** Directory of manifest, artifact `metrics.csv`, directory `log` with `log/run.txt`, and seal. */
  readonly directory: string;
  readonly manifest: string;
  readonly seal: string;
  readonly signature: string;
  /** Verifier key that signed, and one that did not. */
  readonly key: string;
  readonly otherKey: string;
}

interface Fault {
  readonly before?: (manifest: Draft) => void;
  /** Tampers with the sealed run. */
  readonly after?: (run: Run) => Promise<unknown>;
  readonly ask?: (run: Run) => Partial<RunManifestRequest>;
}

function drill(
  id: string,
  fault: string,
  expects: string,
  { before, after, ask }: Fault = {},
): Drill<RunManifestRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      site.random('KEY', VKEY);
      site.unread(/seal\.intoto\.jsonl$/);
      const root = site.directory;
      const directory = join(root, 'run');
      await mkdir(join(directory, 'log'), { recursive: true, mode: 0o700 });
      await writeFile(join(directory, 'metrics.csv'), ARTIFACT, { mode: 0o600 });
      await writeFile(join(directory, 'log', 'run.txt'), 'done\n', { mode: 0o600 });
      const manifest = soundManifest();
      manifest.artifacts = [
        { name: 'run_manifest', path: 'run_manifest.json', kind: 'manifest', exists: true, size_bytes: null },
        { name: 'log', path: 'log', kind: 'directory', exists: true, size_bytes: null },
        { name: 'metrics', path: 'metrics.csv', kind: 'file', exists: true, size_bytes: ARTIFACT.length },
      ];
      manifest.timing.finished_at = manifest.timing.started_at; // AGILAB writes whole seconds
      before?.(manifest);
      const path = join(directory, 'run_manifest.json');
      await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
      const signer = generateSigner('drill');
      await sealRun({ root, manifest: 'run/run_manifest.json', signer });
      const run: Run = {
        directory,
        manifest: path,
        seal: join(directory, 'run_manifest.seal.json'),
        signature: join(directory, 'run_manifest.seal.intoto.jsonl'),
        key: signer.vkey,
        otherKey: generateSigner('another').vkey,
      };
      await after?.(run);
      return { root, manifest: 'run/run_manifest.json', ...ask?.(run) };
    },
  };
}

const PROSE = 'the password: rose, is the answer of a riddle';
const note = (manifest: Draft): void =>
  void manifest.validations.push({ label: 'note', status: 'pass', summary: PROSE, details: {} });

export const sealedRunDrills: readonly Drill<RunManifestRequest>[] = [
  drill('sealed', 'none: a run as AGILAB leaves it, sealed', 'allow'),
  drill('signed', 'none: sealed and signed by the pinned key', 'allow', {
    ask: ({ key, otherKey }) => ({ keys: [otherKey, key] }),
  }),
  drill('acknowledged', 'none: what looks like a secret is acknowledged by its digest', 'allow', {
    before: note,
    ask: () => ({ acknowledged: [sha256Hex(PROSE)] }),
  }),
  drill('acknowledged-another', 'the digest of another string', 'run-manifest.secret-in-text', {
    before: note,
    ask: () => ({ acknowledged: [sha256Hex('another')] }),
  }),

  drill('manifest-directory', 'a directory in place of the manifest', 'run-manifest.untrusted', {
    after: async ({ manifest }) => {
      await rm(manifest);
      await mkdir(manifest, { mode: 0o700 });
    },
  }),
  drill('unsealed', 'the seal is gone, and AGILAB wrote no digests', 'run-manifest.artifact-undigested', {
    after: ({ seal }) => rm(seal),
  }),
  drill('seal-malformed', 'a seal with a key of its own', 'run-manifest.seal-malformed', {
    after: async ({ seal }) => writeFile(seal, (await readFile(seal, 'utf8')).replace('{', '{ "by": "me",')),
  }),
  drill('seal-twice', 'a seal that lists one file twice', 'run-manifest.seal-malformed', {
    after: async ({ seal }) => {
      const content = JSON.parse(await readFile(seal, 'utf8')) as { files: unknown[] };
      content.files = [content.files[0], ...content.files];
      await writeFile(seal, JSON.stringify(content));
    },
  }),
  drill('seal-linked', 'a symbolic link to the seal', 'run-manifest.artifact-untrusted', {
    after: async ({ seal, directory }) => {
      await rename(seal, join(directory, '..', 'seal.json'));
      await symlink('../seal.json', seal);
    },
  }),

  drill('unsigned', 'no signature where a key is pinned', 'run-manifest.not-signed', {
    after: ({ signature }) => rm(signature),
    ask: ({ key }) => ({ keys: [key] }),
  }),
  drill('signed-by-another', 'signed by a key that is not pinned', 'run-manifest.not-signed', {
    ask: ({ otherKey }) => ({ keys: [otherKey] }),
  }),
  drill('signature-moved', 'the signature of the seal before this one', 'run-manifest.not-signed', {
    after: async ({ directory }) => {
      await writeFile(join(directory, 'metrics.csv'), 'plane,latency\n1,9.75\n');
      await sealRun({ root: directory, manifest: 'run_manifest.json' });
    },
    ask: ({ key }) => ({ keys: [key] }),
  }),

  drill('manifest-edited', 'a status that was edited into passing', 'run-manifest.manifest-changed', {
    before: (manifest) => {
      manifest.status = 'fail';
    },
    after: async ({ manifest }) =>
      writeFile(manifest, (await readFile(manifest, 'utf8')).replace('"status": "fail"', '"status": "pass"')),
  }),
  drill('sealed-changed', 'other bytes of the same length', 'run-manifest.sealed-digest', {
    after: ({ directory }) => writeFile(join(directory, 'metrics.csv'), Buffer.alloc(ARTIFACT.length, 0x30)),
  }),
  drill('sealed-emptied', 'an artifact without its bytes', 'run-manifest.artifact-size', {
    after: ({ directory }) => truncate(join(directory, 'metrics.csv')),
  }),
  drill('log-changed', 'a line less in a file of a listed directory', 'run-manifest.sealed-digest', {
    after: ({ directory }) => writeFile(join(directory, 'log', 'run.txt'), ''),
  }),
  drill('log-missing', 'a file of a listed directory is gone', 'run-manifest.sealed-missing', {
    after: ({ directory }) => rm(join(directory, 'log', 'run.txt')),
  }),
  drill('log-directory-missing', 'a listed directory is gone', 'run-manifest.artifact-missing', {
    after: ({ directory }) => rm(join(directory, 'log'), { recursive: true }),
  }),
  drill('added', 'a file that nobody sealed', 'run-manifest.unsealed-file', {
    after: ({ directory }) => writeFile(join(directory, 'log', 'more.txt'), 'x', { mode: 0o600 }),
  }),
  drill(
    'log-endless',
    'a link to an endless device in a listed directory',
    'run-manifest.artifact-untrusted',
    {
      after: ({ directory }) => symlink('/dev/zero', join(directory, 'log', 'zero')),
    },
  ),
  drill('too-much', 'directories inside each other, without end', 'run-manifest.too-much', {
    after: ({ directory }) =>
      mkdir(join(directory, ...Array<string>(40).fill('d')), { recursive: true, mode: 0o700 }),
  }),
];
