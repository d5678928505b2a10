// Every reason not to believe a run manifest, over what one look at it and at its artifacts found.

import { sha256Hex } from '../../evidence/sha256.ts';
import { distrust } from '../../files/rules.ts';
import type { Rule } from '../../kernel/guard.ts';
import { isBareSecret, secretFindings } from '../secret-patterns.ts';
import type { RunManifest } from './run-manifest-format.ts';
import type { ArtifactFacts, Hashed, RunManifestFacts } from './run-manifest-look.ts';
import type { Seal } from './seal-format.ts';

/** A rule about what the manifest says. A manifest that could not be read is refused by the rules before. */
function says(
  code: string,
  remedy: string,
  wrong: (manifest: RunManifest, facts: RunManifestFacts) => string | false,
): Rule<RunManifestFacts> {
  return {
    code,
    remedy,
    refuses: (facts) => facts.reading.kind === 'read' && wrong(facts.reading.content, facts),
  };
}

/** Whether a file is one that the manifest lists, itself aside: it cannot state its own size. */
const isOther = ({ path }: ArtifactFacts, { manifest }: RunManifestFacts): boolean => path !== manifest.path;

/** A rule about each artifact. The reason counts artifacts from 1: their names may hold anything. */
function every(
  code: string,
  remedy: string,
  wrong: (artifact: ArtifactFacts, facts: RunManifestFacts) => string | false,
): Rule<RunManifestFacts> {
  return {
    code,
    remedy,
    refuses: (facts) => {
      for (const [index, artifact] of facts.artifacts.entries()) {
        const why = wrong(artifact, facts);
        if (why !== false) return `artifact ${index + 1} ${why}`;
      }
      return false;
    },
  };
}

/** A rule about the seal and what it covers. A seal that is not there or could not be read is refused by others. */
function sealed(
  code: string,
  remedy: string,
  wrong: (seal: Seal, facts: RunManifestFacts) => string | false,
): Rule<RunManifestFacts> {
  return {
    code,
    remedy,
    refuses: (facts) => facts.sealReading.kind === 'read' && wrong(facts.sealReading.content, facts),
  };
}

const isSealed = ({ seal }: RunManifestFacts): boolean => seal.facts.file !== undefined;
const isDirectory = ({ file, stopped }: Hashed): boolean => file === undefined && stopped === undefined;
const isMissing = ({ stopped }: Hashed): boolean => stopped?.kind === 'missing';

const REWRITE = 'Write the manifest again, as kind agilab.run_manifest, schema_version 1, and nothing more.';
const RERUN = 'Run it again; a manifest is not edited into passing.';
const REDACT =
  'Replace the secret, which counts as leaked, and write <redacted> in its place; or, if it is none, acknowledge the digest that `guardrails manifest seal` prints.';
const RESEAL = 'Find out what changed the run; only if it was meant to change: guardrails manifest seal DIR.';
const SEAL = 'Seal the run where it was made, before it leaves there: guardrails manifest seal DIR.';
const GUARD_FILES =
  'See that manifest and artifacts are there; keep them as regular files without links, writable by this user and root only (chmod go-w), below a root that is.';
const KEEP_INSIDE = 'Put every artifact below the directory of its manifest.';

export const runManifestRules: readonly Rule<RunManifestFacts>[] = [
  {
    code: 'run-manifest.untrusted',
    remedy: GUARD_FILES,
    refuses: ({ place, manifest }) =>
      distrust(place) ||
      distrust(manifest.facts) ||
      (isDirectory(manifest.facts) && 'the manifest is a directory'),
  },
  {
    code: 'run-manifest.not-strict-json',
    remedy: REWRITE,
    refuses: ({ reading }) => reading.kind === 'not-json' && `the manifest is no strict JSON: ${reading.why}`,
  },
  {
    code: 'run-manifest.malformed',
    remedy: REWRITE,
    refuses: ({ reading }) =>
      reading.kind === 'malformed' && `the manifest departs from its format: ${reading.why}`,
  },
  says(
    'run-manifest.unsupported',
    REWRITE,
    ({ kind, schema_version: version }) =>
      (kind !== 'agilab.run_manifest' || version !== 1) && 'the manifest is of another kind or version',
  ),
  says(
    'run-manifest.not-passed',
    RERUN,
    ({ status }) => status !== 'pass' && 'the run did not end with status pass',
  ),
  says(
    'run-manifest.not-validated',
    RERUN,
    ({ validations }) =>
      (validations.length === 0 && 'nothing was validated') ||
      (validations.some(({ status }) => status !== 'pass') && 'a validation did not pass'),
  ),
  says(
    'run-manifest.no-command',
    RERUN,
    ({ command }) => !command.argv[0]?.trim() && 'the command that was run is not named',
  ),
  says(
    // The same instant is none: AGILAB writes whole seconds.
    'run-manifest.timing',
    RERUN,
    ({ timing }) =>
      Date.parse(timing.finished_at) < Date.parse(timing.started_at) && 'the run finished before it started',
  ),
  says(
    'run-manifest.bare-secret',
    REDACT,
    ({ command }, { acknowledged }) =>
      Object.entries(command.env_overrides).some(
        ([name, value]) => isBareSecret(name, value) && !acknowledged.includes(sha256Hex(value)),
      ) && 'an environment variable with the name of a secret shows its value',
  ),
  says('run-manifest.secret-in-text', REDACT, (manifest, { acknowledged }) => {
    for (const { name, text } of secretFindings(manifest))
      if (!acknowledged.includes(sha256Hex(text)))
        return `the manifest holds what looks like a secret (${name})`;
    return false;
  }),
  says(
    'run-manifest.no-artifacts',
    RERUN,
    ({ artifacts }) => artifacts.length === 0 && 'the run left no artifact',
  ),
  every(
    'run-manifest.artifact-outside',
    KEEP_INSIDE,
    ({ path }) => path === undefined && 'lies outside the directory of the manifest',
  ),
  {
    code: 'run-manifest.too-much',
    remedy: 'Keep nothing but the run below the directory of its manifest.',
    refuses: ({ complete }) => !complete && 'there is more below the manifest than is looked at',
  },
  {
    code: 'run-manifest.artifact-untrusted',
    remedy: GUARD_FILES,
    refuses: ({ found, seal }) => {
      for (const { facts } of isMissing(seal.facts) ? found : [...found, seal]) {
        const why = distrust(facts);
        if (why !== false) return `something below the manifest is not to be believed: ${why}`;
      }
      return false;
    },
  },
  {
    code: 'run-manifest.seal-malformed',
    remedy: SEAL,
    refuses: ({ sealReading }) =>
      sealReading.kind === 'malformed' && `the seal cannot be read: ${sealReading.why}`,
  },
  {
    code: 'run-manifest.not-signed',
    remedy: 'Seal it with a key that is pinned here: guardrails manifest seal DIR --sign.',
    refuses: ({ signers }) => signers?.length === 0 && 'no pinned key signed the seal',
  },
  sealed(
    'run-manifest.manifest-changed',
    RESEAL,
    (seal, { manifest: { path, facts } }) =>
      !(seal.manifest.path === path && seal.manifest.sha256 === facts.digest) &&
      'the seal is that of another manifest',
  ),
  every(
    'run-manifest.artifact-missing',
    RERUN,
    ({ found }) => found !== undefined && isMissing(found) && 'is not there',
  ),
  sealed('run-manifest.sealed-missing', RESEAL, ({ files }, { found }) => {
    const there = new Set(found.map(({ path }) => path));
    const at = files.findIndex(({ path }) => !there.has(path));
    return at >= 0 && `sealed file ${at + 1} is not there`;
  }),
  sealed('run-manifest.unsealed-file', RESEAL, ({ files }, { found }) => {
    const known = new Set(files.map(({ path }) => path));
    const strange = found.some(({ path, facts }) => !isDirectory(facts) && !known.has(path));
    return strange && 'a file below the manifest is not in the seal';
  }),
  every(
    'run-manifest.artifact-kind',
    RERUN,
    ({ declared: { kind }, found }) =>
      found !== undefined &&
      !isMissing(found) &&
      isDirectory(found) !== (kind === 'directory') &&
      'is no directory where the manifest states one, or the other way round',
  ),
  every(
    'run-manifest.artifact-undigested',
    SEAL,
    (artifact, facts) =>
      isOther(artifact, facts) &&
      !isSealed(facts) &&
      artifact.declared.sha256 === undefined &&
      'has a digest in neither seal nor manifest, so its bytes could be any',
  ),
  every('run-manifest.artifact-size', RESEAL, (artifact, facts) => {
    const { declared, found } = artifact;
    if (found === undefined || isMissing(found)) return false;
    const { exists, size_bytes: size } = declared;
    const mayBeNull = isDirectory(found) || !isOther(artifact, facts);
    const right = size === null ? mayBeNull : size === found.file?.size;
    return !(exists && right) && 'is not of the size that the manifest states';
  }),
  every(
    'run-manifest.artifact-digest',
    RESEAL,
    ({ declared: { sha256: stated }, found }) =>
      stated !== undefined &&
      found?.file !== undefined &&
      stated !== found.digest &&
      'holds other bytes than the manifest states',
  ),
  sealed('run-manifest.sealed-digest', RESEAL, ({ files }, { found }) => {
    const there = new Map(found.map(({ path, facts }) => [path, facts]));
    const at = files.findIndex(({ path, sha256: stated, size_bytes: size }) => {
      const facts = there.get(path);
      return facts !== undefined && !(facts.digest === stated && facts.file?.size === size);
    });
    return at >= 0 && `sealed file ${at + 1} holds other bytes than the seal states`;
  }),
];
