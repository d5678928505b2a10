// Sealing a run: one look at everything below its manifest, then one file that lists what was seen. What was looked at is
// what is written down; nothing is read a second time.
import { dirname, join } from 'node:path';
import { CodedError, errnoOf } from '../../evidence/coded-error.ts';
import { replaceFile } from '../../evidence/files.ts';
import type { NoteSigner } from '../../evidence/keys.ts';
import { sha256Hex } from '../../evidence/sha256.ts';
import { type FoundFile, observeRun, type RunManifestRequest } from './run-manifest-look.ts';
import { runManifestRules } from './run-manifest-rules.ts';
import { encodeSeal, type Seal, sealName, signatureName, signSeal } from './seal-format.ts';
import { type SecretSuspicion, suspicionsOf } from './suspicions.ts';

export interface SealedRun {
  readonly seal: Seal;
  /** SHA-256 of the seal as written. */
  readonly digest: string;
  /** What the guard will refuse until it is redacted or acknowledged. */
  readonly suspicions: readonly SecretSuspicion[];
}

export interface SealRunOptions extends Pick<RunManifestRequest, 'root' | 'manifest'> {
  /** Signs the seal too. */
  readonly signer?: NoteSigner | undefined;
}

/** What a seal cannot mend. The rest is what it is for, or the reader's to judge. */
const BEFORE_SEALING = new Set(
  [
    'untrusted',
    'not-strict-json',
    'malformed',
    'unsupported',
    'artifact-outside',
    'too-much',
    'artifact-untrusted',
    'artifact-missing',
  ].map((name) => `run-manifest.${name}`),
);

const entryOf = ({ path, facts: { file, digest } }: FoundFile): Seal['manifest'][] =>
  file && digest !== undefined ? [{ path, size_bytes: file.size, sha256: digest }] : [];

/**
 * Writes the seal of a run beside its manifest, and its signature with a signer; without one, an old signature becomes
 * void. Replaces a seal that is there.
 *
 * @throws CodedError with the code of the rule of `run-manifest` that no seal can satisfy; `seal.write-failed`.
 */
export async function sealRun({ root, manifest, signer }: SealRunOptions): Promise<SealedRun> {
  const facts = await observeRun({ root, manifest }, new AbortController().signal);
  for (const rule of runManifestRules) {
    const why = BEFORE_SEALING.has(rule.code) && rule.refuses(facts);
    if (why !== false) throw new CodedError(rule.code, why, rule.remedy);
  }
  const [own] = entryOf(facts.manifest);
  if (!own || facts.reading.kind !== 'read') throw new TypeError('a manifest that no rule refused was read');
  const files = facts.found.flatMap(entryOf).sort((a, b) => (a.path < b.path ? -1 : 1));
  const seal: Seal = { schema: 'agilab.run_manifest_seal.v1', manifest: own, files };
  const text = encodeSeal(seal);
  const digest = sha256Hex(text);
  const directory = join(root, dirname(manifest));
  try {
    // Seal first: what is there in between is a seal without a signature that holds, which refuses.
    await replaceFile(join(directory, sealName(own.path)), text);
    if (signer) {
      const name = signatureName(own.path);
      await replaceFile(join(directory, name), signSeal(signer, sealName(own.path), digest));
    }
  } catch (error) {
    const message = `the seal could not be written (${errnoOf(error)})`;
    const remedy = 'Make room and let this process write beside the manifest, then seal it again.';
    throw new CodedError('seal.write-failed', message, remedy, { cause: error });
  }
  return { seal, digest, suspicions: suspicionsOf(facts.reading.content) };
}
