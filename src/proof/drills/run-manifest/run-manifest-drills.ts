// Run manifests that vouch for something untrue, each written for real with its artifact beside it.
import { execFile } from 'node:child_process';
import { appendFile, chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { RunManifest } from '../../../guards/run-manifest/run-manifest-format.ts';
import type { RunManifestRequest } from '../../../guards/run-manifest/run-manifest-look.ts';
import { SECRET_PATTERNS } from '../../../guards/secret-patterns.ts';
import type { Drill } from '../../proof.ts';
import { trustedDirectory } from '../../trusted-directory.ts';
import { SAMPLES } from '../secrets/samples.ts';

/** Where a pattern of manifests has another name than the shape of a secret in files. */
/** Texts that no shape of a provider has, one for each pattern of manifests. Made up, and put together here. */
const OF_PATTERN: ReadonlyMap<string, string> = new Map([
  ['authorization-header', `${'bearer'} abcdefghijklmnopqr`],
  ['url-password', `postgres://app:${'password'}@db`],
  ['json-web-token', `x.${'eyJ'}zdWIiOiIx`],
  ['hugging-face-token', `${'hf'}_aB3dE6gH9jK2mN5p`],
  ['model-api-key', `${'sk'}-abcdefgh-ijklmnop`],
  ['assignment', `${'password'}: x`],
]);
const OF_PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['private-key', 'private-key'],
  ['aws-access-key', 'aws-key-id'],
  ['github-token', 'github'],
  ['gitlab-token', 'gitlab'],
  ['slack-token', 'slack'],
  ['google-api-key', 'google-key'],
  ['stripe-key', 'stripe'],
]);

export const ARTIFACT: Buffer = Buffer.from('plane,latency\n1,0.25\n');

type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Writable<T[Key]> }
    : T;
export type Draft = Writable<RunManifest>;

/** Returns a manifest that nothing is wrong with, artifact digest included. */
export function soundManifest(): Draft {
  return {
    schema_version: 1,
    kind: 'agilab.run_manifest',
    run_id: 'run-0123456789ab',
    path_id: 'drill',
    label: 'drill',
    status: 'pass',
    command: {
      label: 'proof',
      argv: ['python3', '-V'],
      cwd: '.',
      env_overrides: { PYTHONHASHSEED: '0', API_KEY: '<redacted>' },
    },
    environment: {
      python_version: '3.12.0',
      python_executable: '/usr/bin/python3',
      platform: 'linux',
      repo_root: '/srv/agilab',
      active_app: '/srv/agilab/app',
      app_name: 'app',
    },
    timing: {
      started_at: '2026-01-01T00:00:00Z',
      finished_at: '2026-01-01T00:00:01Z',
      duration_seconds: 1.25,
      target_seconds: null,
    },
    artifacts: [
      {
        name: 'metrics',
        path: 'metrics.csv',
        kind: 'file',
        exists: true,
        size_bytes: ARTIFACT.length,
        sha256: sha256Hex(ARTIFACT),
      },
    ],
    validations: [{ label: 'rows', status: 'pass', summary: 'ok', details: { rows: 1 } }],
    created_at: '2026-01-01T00:00:01Z',
  };
}

interface Fault {
  /** Changes what the manifest says, or the artifact, which is already there. */
  readonly before?: (manifest: Draft, directory: string) => Promise<void> | void;
  /** Changes the text of the manifest. */
  readonly edit?: (text: string) => string;
  /** Changes the manifest as a file. */
  readonly after?: (path: string) => Promise<void>;
}

function drill(
  id: string,
  fault: string,
  expects: string,
  { before, edit, after }: Fault = {},
): Drill<RunManifestRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const directory = await trustedDirectory(site);
      const run = join(directory, 'run');
      const path = join(run, 'run_manifest.json');
      await mkdir(run, { mode: 0o700 });
      await writeFile(join(run, 'metrics.csv'), ARTIFACT, { mode: 0o600 });
      const manifest = soundManifest();
      await before?.(manifest, run);
      const text = `${JSON.stringify(manifest, null, 2)}\n`;
      await writeFile(path, edit ? edit(text) : text, { mode: 0o600 });
      await after?.(path);
      return { root: directory, manifest: 'run/run_manifest.json' };
    },
  };
}

const artifactOf = (manifest: Draft): Draft['artifacts'][number] => {
  const [artifact] = manifest.artifacts;
  if (!artifact) throw new TypeError('the sound manifest has an artifact');
  return artifact;
};

export const runManifestDrills: readonly Drill<RunManifestRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill('absolute-path', 'none: the artifact by its absolute path', 'allow', {
    before: (manifest, run) => {
      artifactOf(manifest).path = join(run, 'metrics.csv');
    },
  }),

  drill('open-manifest', 'a manifest that anyone may write', 'run-manifest.untrusted', {
    after: (path) => chmod(path, 0o666),
  }),
  drill('no-manifest', 'the manifest is gone', 'run-manifest.untrusted', { after: (path) => rm(path) }),
  drill('open-directory', 'a directory in which anyone may replace it', 'run-manifest.untrusted', {
    after: (path) => chmod(dirname(path), 0o777),
  }),
  drill('linked-manifest', 'a symbolic link to a sound manifest', 'run-manifest.untrusted', {
    after: async (path) => {
      await rename(path, `${path}.real`);
      await symlink('run_manifest.json.real', path);
    },
  }),

  drill('not-json', 'a text that is no JSON', 'run-manifest.not-strict-json', {
    edit: () => '{not valid json',
  }),
  drill('duplicate-key', 'status fail, then status pass', 'run-manifest.not-strict-json', {
    edit: (text) => text.replace('{', '{ "status": "fail",'),
  }),
  drill('not-a-number', 'NaN for a duration', 'run-manifest.not-strict-json', {
    edit: (text) => text.replace('1.25', 'NaN'),
  }),
  drill('float-size', 'a size with a point', 'run-manifest.not-strict-json', {
    edit: (text) => text.replace(/("size_bytes": \d+)/, '$1.0'),
  }),
  drill('unknown-key', 'a key that the format does not have', 'run-manifest.malformed', {
    edit: (text) => text.replace('{', '{ "approved": true,'),
  }),
  drill('argv-text', 'a command that is one text, not words', 'run-manifest.malformed', {
    edit: (text) => text.replace(/"argv": \[[^\]]*\]/, '"argv": "sh"'),
  }),
  drill('another-kind', 'a manifest of something else', 'run-manifest.unsupported', {
    before: (manifest) => {
      manifest.kind = 'agilab.plan_manifest';
    },
  }),
  drill('another-version', 'schema_version 2', 'run-manifest.unsupported', {
    before: (manifest) => {
      manifest.schema_version = 2;
    },
  }),

  drill('failed-run', 'status fail', 'run-manifest.not-passed', {
    before: (manifest) => {
      manifest.status = 'fail';
    },
  }),
  drill('failed-validation', 'one validation did not pass', 'run-manifest.not-validated', {
    before: ({ validations }) =>
      void validations.push({ label: 'late', status: 'unknown', summary: '', details: {} }),
  }),
  drill('no-validation', 'nothing was validated', 'run-manifest.not-validated', {
    before: (manifest) => {
      manifest.validations = [];
    },
  }),
  drill('no-command', 'an empty command', 'run-manifest.no-command', {
    before: ({ command }) => {
      command.argv = [];
    },
  }),

  drill('bare-variable', 'a secret-named variable that shows its value', 'run-manifest.bare-secret', {
    before: ({ command }) => {
      command.env_overrides['SERVICE_AUTH'] = 'canary';
    },
  }),
  drill('reversed', 'finished a second before it started', 'run-manifest.timing', {
    before: ({ timing }) => {
      timing.finished_at = '2025-12-31T23:59:59Z';
    },
  }),
  drill('started-later', 'started a second after it finished', 'run-manifest.timing', {
    before: ({ timing }) => {
      timing.started_at = '2026-01-01T00:00:02Z';
    },
  }),
  drill('secret-argument', 'a password on the command line', 'run-manifest.secret-in-text', {
    before: ({ command }) => void command.argv.push('--password', 'canary'),
  }),
  ...[...SECRET_PATTERNS.keys(), ...OF_PROVIDERS.keys()].map((name) =>
    drill(`secret-${name}`, 'a text of a shape that no manifest may show', 'run-manifest.secret-in-text', {
      before: ({ validations }) =>
        void validations.push({
          label: 'log',
          status: 'pass',
          summary: OF_PATTERN.get(name) ?? SAMPLES.get(OF_PROVIDERS.get(name) ?? '') ?? name,
          details: {},
        }),
    }),
  ),
  drill('secret-detail', 'a URL with a password in a detail', 'run-manifest.secret-in-text', {
    before: ({ validations }) =>
      void validations.push({
        label: 'db',
        status: 'pass',
        summary: '',
        details: { at: `postgres://app:${'canary'}@db` },
      }),
  }),

  drill('no-artifact', 'nothing was produced', 'run-manifest.no-artifacts', {
    before: (manifest) => {
      manifest.artifacts = [];
    },
  }),
  drill('outside', 'an artifact above the directory of the manifest', 'run-manifest.artifact-outside', {
    before: (manifest) => {
      artifactOf(manifest).path = '../metrics.csv';
    },
  }),
  drill('elsewhere', 'a system file as an artifact', 'run-manifest.artifact-outside', {
    before: (manifest) => {
      artifactOf(manifest).path = '/etc/passwd';
    },
  }),
  drill('missing-artifact', 'the artifact is gone', 'run-manifest.artifact-missing', {
    before: (_manifest, run) => rm(join(run, 'metrics.csv')),
  }),
  drill('linked-artifact', 'a symbolic link to the true bytes', 'run-manifest.artifact-untrusted', {
    before: async (_manifest, run) => {
      await rename(join(run, 'metrics.csv'), join(run, 'elsewhere.csv'));
      await symlink('elsewhere.csv', join(run, 'metrics.csv'));
    },
  }),
  drill('fifo-artifact', 'a FIFO that would hang a plain open', 'run-manifest.artifact-untrusted', {
    before: async (_manifest, run) => {
      await rm(join(run, 'metrics.csv'));
      await promisify(execFile)('mkfifo', [join(run, 'metrics.csv')]);
    },
  }),
  drill('directory-artifact', 'a directory in place of the file', 'run-manifest.artifact-kind', {
    before: async (_manifest, run) => {
      await rm(join(run, 'metrics.csv'));
      await mkdir(join(run, 'metrics.csv'));
    },
  }),
  drill('open-artifact', 'an artifact that anyone may write', 'run-manifest.artifact-untrusted', {
    before: (_manifest, run) => chmod(join(run, 'metrics.csv'), 0o666),
  }),
  drill('no-digest', 'an artifact without sha256', 'run-manifest.artifact-undigested', {
    before: (manifest) => void delete artifactOf(manifest).sha256,
  }),
  drill('grown', 'bytes were added', 'run-manifest.artifact-size', {
    before: (_manifest, run) => appendFile(join(run, 'metrics.csv'), '2,0.5\n'),
  }),
  drill(
    'declared-absent',
    'the manifest says that the artifact does not exist',
    'run-manifest.artifact-size',
    {
      before: (manifest) => {
        const artifact = artifactOf(manifest);
        artifact.exists = false;
        artifact.size_bytes = null;
      },
    },
  ),
  drill('changed', 'other bytes of the same length', 'run-manifest.artifact-digest', {
    before: (_manifest, run) => writeFile(join(run, 'metrics.csv'), Buffer.alloc(ARTIFACT.length, 0x30)),
  }),
];
