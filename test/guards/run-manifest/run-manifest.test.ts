// The run manifest guard on real files. AGILAB's own reader accepts every state of the big table.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJournal } from '../../../src/evidence/open-journal.ts';
import { runManifest } from '../../../src/guards/run-manifest/run-manifest.ts';
import type { RunManifestRequest } from '../../../src/guards/run-manifest/run-manifest-look.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';

const BYTES = Buffer.from('id,score\n1,0.5\n');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

// Written by Python's json.dumps(indent=2, sort_keys=True), as AGILAB does.
const PYTHON = `
import json, sys
spec = json.load(sys.stdin)
print(json.dumps({
  "schema_version": 1, "kind": "agilab.run_manifest", "run_id": "run-0123456789ab", "path_id": "p", "label": "l\\u00e9",
  "status": "pass",
  "command": {"label": "c", "argv": ["python3", "-V"], "cwd": ".", "env_overrides": {"API_KEY": "<redacted>"}},
  "environment": {"python_version": "3.12.0", "python_executable": "/p", "platform": "linux", "repo_root": "/r",
                  "active_app": "/a", "app_name": "a"},
  "timing": {"started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:01.5+00:00",
             "duration_seconds": 1e-05, "target_seconds": 600.0},
  "artifacts": [{"name": "m", "path": "m.csv", "kind": "file", "exists": True, **spec}],
  "validations": [{"label": "v", "status": "pass", "summary": "ok", "details": {"ratio": 0.5, "nested": [{"n": 1.0}]}}],
  "created_at": "2026-01-01T00:00:02Z"}, indent=2, sort_keys=True))`;

import { isGranted } from '../../../src/kernel/grants.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';
import { missing } from '../../ssh/support.ts';

/** What that prints. */
const SOUND = `{
  "artifacts": [
    {
      "exists": true,
      "kind": "file",
      "name": "m",
      "path": "m.csv",
      "sha256": "${sha256(BYTES)}",
      "size_bytes": ${BYTES.length}
    }
  ],
  "command": {
    "argv": [
      "python3",
      "-V"
    ],
    "cwd": ".",
    "env_overrides": {
      "API_KEY": "<redacted>"
    },
    "label": "c"
  },
  "created_at": "2026-01-01T00:00:02Z",
  "environment": {
    "active_app": "/a",
    "app_name": "a",
    "platform": "linux",
    "python_executable": "/p",
    "python_version": "3.12.0",
    "repo_root": "/r"
  },
  "kind": "agilab.run_manifest",
  "label": "l\\u00e9",
  "path_id": "p",
  "run_id": "run-0123456789ab",
  "schema_version": 1,
  "status": "pass",
  "timing": {
    "duration_seconds": 1e-05,
    "finished_at": "2026-01-01T00:00:01.5+00:00",
    "started_at": "2026-01-01T00:00:00Z",
    "target_seconds": 600.0
  },
  "validations": [
    {
      "details": {
        "nested": [
          {
            "n": 1.0
          }
        ],
        "ratio": 0.5
      },
      "label": "v",
      "status": "pass",
      "summary": "ok"
    }
  ]
}
`;

it('is what Python writes', leftOut(missing('python3')), () => {
  const spec = JSON.stringify({ size_bytes: BYTES.length, sha256: sha256(BYTES) });
  expect(execFileSync('python3', ['-c', PYTHON], { input: spec, encoding: 'utf8' })).toBe(SOUND);
});

interface Scene {
  readonly directory: string;
  readonly request: RunManifestRequest;
}

async function scene(text: string): Promise<Scene> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'run-manifest-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'm.csv'), BYTES, { mode: 0o600 });
  await writeFile(join(directory, 'run_manifest.json'), text, { mode: 0o600 });
  return { directory, request: { root: directory, manifest: 'run_manifest.json' } };
}

const swap = (from: string | RegExp, to: string): string => {
  const text = SOUND.replace(from, () => to);
  if (text === SOUND) throw new Error(`nothing to replace: ${from}`);
  return text;
};

describe('a sound manifest, as Python writes it', () => {
  it('is granted frozen, with the digest of its bytes', async () => {
    const { request } = await scene(SOUND);
    const journal = memoryJournal();
    const granted = await enforce(runManifest, request, { journal });
    expect(isGranted(runManifest, granted)).toBe(true);
    expect(granted.digest).toBe(sha256(Buffer.from(SOUND)));
    expect(granted.manifest).toEqual(JSON.parse(SOUND));
    expect(journal.drafts[0]?.subject).toEqual({ kind: 'run-manifest', digest: `sha256:${granted.digest}` });
    const { artifacts, validations } = granted.manifest;
    for (const part of [granted, artifacts, artifacts[0], validations[0]?.details['nested']]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('is granted by the guard only', async () => {
    const { request } = await scene(SOUND);
    const { manifest, digest } = await enforce(runManifest, request, { journal: memoryJournal() });
    expect(isGranted(runManifest, Object.freeze({ manifest, digest }))).toBe(false);
  });
});

describe('what a lenient reader accepts', () => {
  it.each([
    ['a version as text', swap('"schema_version": 1', '"schema_version": "1"'), 'malformed'],
    ['a version with a point', swap('"schema_version": 1', '"schema_version": 1.0'), 'not-strict-json'],
    ['version 1.9', swap('"schema_version": 1', '"schema_version": 1.9'), 'not-strict-json'],
    ['version true', swap('"schema_version": 1', '"schema_version": true'), 'malformed'],
    ['another kind', swap('agilab.run_manifest', 'agilab.run_manifest '), 'unsupported'],
    ['a missing key', swap(/ {2}"run_id": [^\n]*\n/, ''), 'malformed'],
    ['an unknown key', swap('"path_id"', '"note": 1, "path_id"'), 'malformed'],
    ['fail, then pass', swap('"status": "pass"', '"status": "fail", "status": "pass"'), 'not-strict-json'],
    ['the key again, escaped', swap('"run_id"', '"run\\u005fid": "x", "run_id"'), 'not-strict-json'],
    ['NaN', swap('1e-05', 'NaN'), 'not-strict-json'],
    ['Infinity', swap('600.0', 'Infinity'), 'not-strict-json'],
    ['a command as one text', swap(/"argv": \[[^\]]*\]/, '"argv": "sh"'), 'malformed'],
    ['numbers in the command', swap('"-V"', '1'), 'malformed'],
    ['a blank program', swap('"python3"', '" "'), 'no-command'],
    [
      'a status of another case',
      swap(/"status": "pass"(?=,\n {2}"timing")/, '"status": "PASS"'),
      'not-passed',
    ],
    ['a negative size', swap(/"size_bytes": \d+/, '"size_bytes": -1'), 'malformed'],
    ['size true', swap(/"size_bytes": \d+/, '"size_bytes": true'), 'malformed'],
    ['a size with a point', swap(/"size_bytes": \d+/, '"size_bytes": 15.0'), 'not-strict-json'],
    ['another size', swap(/"size_bytes": \d+/, '"size_bytes": 14'), 'artifact-size'],
    ['no size', swap(/"size_bytes": \d+/, '"size_bytes": null'), 'artifact-size'],
    ['exists false', swap('"exists": true', '"exists": false'), 'artifact-size'],
    ['exists as text', swap('"exists": true', '"exists": "no"'), 'malformed'],
    ['a digest in capitals', swap(/"sha256": "[^"]*"/, `"sha256": "${'A'.repeat(64)}"`), 'malformed'],
    ['an empty digest', swap(/"sha256": "[^"]*"/, '"sha256": ""'), 'malformed'],
    ['no digest, as AGILAB may write it', swap(/,\n *"sha256": "[^"]*"/, ''), 'artifact-undigested'],
    [
      'a digest of other bytes',
      swap(/"sha256": "[^"]*"/, `"sha256": "${'0'.repeat(64)}"`),
      'artifact-digest',
    ],
    ['no artifact', swap(/"artifacts": \[[^\]]*\]/, '"artifacts": []'), 'no-artifacts'],
    ['a path through ..', swap('"m.csv"', '"x/../m.csv"'), 'artifact-outside'],
    ['a path with a dot', swap('"m.csv"', '"./m.csv"'), 'artifact-outside'],
    ['an empty component', swap('"m.csv"', '"x//m.csv"'), 'artifact-outside'],
    ['the directory itself', swap('"m.csv"', '"."'), 'artifact-outside'],
    ['a system file', swap('"m.csv"', '"/etc/passwd"'), 'artifact-outside'],
    ['an endless device', swap('"m.csv"', '"/dev/zero"'), 'artifact-outside'],
    ['NUL in a path', swap('"m.csv"', '"m.csv\\u0000"'), 'artifact-missing'],
    ['a home directory', swap('"m.csv"', '"~/m.csv"'), 'artifact-missing'],
    ['a redaction by asterisks', swap('<redacted>', '***'), 'bare-secret'],
    ['a time that is none', swap('2026-01-01T00:00:02Z', 'yesterday'), 'malformed'],
    ['a list', '[]', 'malformed'],
    ['null', 'null', 'malformed'],
    ['a text', '"x"', 'malformed'],
    ['nothing', '', 'not-strict-json'],
    ['two documents', `${SOUND}{}`, 'not-strict-json'],
    ['a byte order mark', `\ufeff${SOUND}`, 'not-strict-json'],
    ['100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000), 'not-strict-json'],
    ['more than a mebibyte', `${SOUND}${' '.repeat(1_048_576)}`, 'untrusted'],
    ['a key named __proto__', swap('"details": {', '"details": {"__proto__": {"a": 1}, '), 'not-strict-json'],
  ])('is refused: %s', async (_why, text, code) => {
    const { request } = await scene(text);
    const { codes } = await judge(runManifest, request);
    expect(codes[0]).toBe(`run-manifest.${code}`);
  });

  it.each([
    ['emptied', 'artifact-size', ({ directory }: Scene) => truncate(join(directory, 'm.csv'))],
    [
      'changed in one bit',
      'artifact-digest',
      ({ directory }: Scene) =>
        writeFile(
          join(directory, 'm.csv'),
          BYTES.map((byte, at) => (at ? byte : byte ^ 1)),
        ),
    ],
    [
      'a link to an endless device',
      'artifact-untrusted',
      async ({ directory }: Scene) => {
        await rm(join(directory, 'm.csv'));
        await symlink('/dev/zero', join(directory, 'm.csv'));
      },
    ],
    [
      'below a linked directory',
      'artifact-untrusted',
      async ({ directory }: Scene) => {
        await mkdir(join(directory, 'real'));
        await writeFile(join(directory, 'real', 'm.csv'), BYTES);
        await symlink('real', join(directory, 'link'));
        await writeFile(join(directory, 'run_manifest.json'), swap('"m.csv"', '"link/m.csv"'));
      },
    ],
    ['in a directory open to all', 'untrusted', ({ directory }: Scene) => chmod(directory, 0o777)],
  ] as const)('is refused: an artifact that is %s', async (_why, code, build) => {
    const built = await scene(SOUND);
    await build(built);
    const { codes } = await judge(runManifest, built.request);
    expect(codes[0]).toBe(`run-manifest.${code}`);
  });
});

describe('secrets', () => {
  const canary = 'canary-5d1e9b';
  const places: readonly (readonly [string, string])[] = [
    ['a variable', swap('<redacted>', canary)],
    ['the command', swap('"-V"', `"--token", "${canary}"`)],
    ['an innocent variable', swap('"API_KEY": "<redacted>"', `"DATABASE_URL": "pg://u:${canary}@db"`)],
    ['a detail', swap('"details": {', `"details": {"password": "${canary}", `)],
    ['the name of a detail', swap('"details": {', `"details": {"PASSWORD=${canary}": 1, `)],
    ['a summary', swap('"summary": "ok"', `"summary": "password: ${canary}"`)],
    ['the path of an artifact', swap('"m.csv"', `"token=${canary}"`)],
    ['an unknown key', swap('"path_id"', `"${canary}": 1, "path_id"`)],
    ['a broken text', SOUND.slice(0, 200) + canary],
  ];

  it.each(places)('in %s refuses', async (_where, text) => {
    const { request } = await scene(text);
    expect((await judge(runManifest, request)).decision).toBe('refuse');
  });

  it('are in no byte of the journal', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'run-manifest-journal-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const journal = await openJournal({ directory });
    for (const [, text] of places) {
      const { request } = await scene(text);
      const refusal = await enforce(runManifest, request, { journal }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ guard: 'run-manifest' });
      expect(String(refusal)).not.toContain(canary);
    }
    await journal.close();
    const files = await readdir(directory, { recursive: true, withFileTypes: true });
    const bytes = await Promise.all(
      files.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name))),
    );
    expect(Buffer.concat(bytes).toString()).toContain('run-manifest');
    expect(Buffer.concat(bytes).toString()).not.toContain(canary);
  });
});
