// Sealing: writes the sidecars that vouch for a model. A file appears under its name whole and on disk, or not at all;
// a reader that comes in between finds sidecars that do not match the model, and refuses.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { type Readers, replaceFile } from '../evidence/files.ts';
import type { NoteSigner } from '../evidence/keys.ts';
import { openTrusted } from '../files/open.ts';
import { decodeModel } from './forest/model.ts';
import { type Release, signRelease, statementName } from './origin/statement.ts';
import { encodeSidecar, type Sidecar, sidecarName } from './sidecar.ts';

export interface SealOptions {
  /** Absolute real path of a trusted directory. */
  readonly root: string;
  /** The model file, below the root. */
  readonly model: string;
  /** Where in the file the model is, as Python would write it; needed where it holds several. */
  readonly at?: string | undefined;
  /** Signs the release too. */
  readonly release?: Pick<Release, 'version' | 'expires'> & { readonly signer: NoteSigner };
}

/** Whoever may read the model may read its sidecar: root often seals what a service account loads. */
async function readersOf(path: string): Promise<Readers> {
  const { mode, gid } = await stat(path);
  return { mode: (mode & 0o444) | 0o600, gid: process.geteuid?.() === 0 ? gid : -1 };
}

/**
 * Writes the sidecar of a model, and its signed sidecar if a release is given. Returns what the sidecar says. Seals only
 * what the guard would open: a file that others may write, or that is no model, stays unsealed.
 *
 * @throws CodedError `file.*` as openTrusted; `pickle.*` and `model.*` as decodeModel; `seal.write-failed`.
 */
export async function sealModel({ root, model, at, release }: SealOptions): Promise<Sidecar> {
  const { bytes, digest } = await openTrusted(root, model);
  decodeModel(bytes, { at });
  const name = model.slice(model.lastIndexOf('/') + 1);
  const path = join(root, model);
  const sidecar: Sidecar = {
    schema: 'agilab.capacity_model_manifest.v1',
    algorithm: 'sha256',
    digest_sha256: digest,
    model_file: name,
    size_bytes: bytes.length,
  };
  const statement = release && signRelease(release.signer, { model: name, digest, ...release });
  try {
    const like = await readersOf(path);
    if (statement !== undefined) await replaceFile(statementName(path), statement, like);
    await replaceFile(sidecarName(path), encodeSidecar(sidecar), like);
  } catch (error) {
    const message = `the sidecar could not be written (${errnoOf(error)}); the one before is untouched`;
    const remedy = 'Make room and let this process write beside the model, then seal it again.';
    throw new CodedError('seal.write-failed', message, remedy, { cause: error });
  }
  return sidecar;
}
