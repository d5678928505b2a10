// Opens one file that may be believed, for a caller that needs its content and no record of its own.
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { FILE_RULES } from './rules.ts';
import { type FileFacts, type ObserveOptions, observeFile } from './walk.ts';

/** The content of a trusted file. */
export interface TrustedFile {
  readonly bytes: Buffer;
  /** SHA-256 of `bytes`, 64 lowercase hex digits. */
  readonly digest: string;
  readonly method: FileFacts['method'];
}

/** 64 MiB. */
export const DEFAULT_MAX_BYTES: number = 64 * 1024 * 1024;

/**
 * Returns the content of a file that nobody but root and this process can have changed, read once.
 *
 * @param root absolute real path of a trusted directory
 * @param relativePath names joined by `/`, from the root down
 * @throws CodedError `file.` and a name that `fileRules` lists; `file.unreadable` when the system would not let it look;
 * `file.no-proc`, `file.unsupported-platform`.
 */
export async function openTrusted(
  root: string,
  relativePath: string,
  options: Partial<ObserveOptions> = {},
): Promise<TrustedFile> {
  const { maxBytes = DEFAULT_MAX_BYTES } = options;
  const facts = await observeFile(root, relativePath, { ...options, maxBytes }).catch((error: unknown) => {
    if (error instanceof CodedError || options.signal?.aborted) throw error;
    const remedy = 'Make the file and the directories above it readable to this process.';
    throw new CodedError('file.unreadable', `the file could not be read (${errnoOf(error)})`, remedy, {
      cause: error,
    });
  });
  for (const rule of FILE_RULES) {
    const reason = rule.refuses(facts);
    if (reason !== false) throw new CodedError(rule.code, reason, rule.remedy);
  }
  const { bytes, digest, method } = facts;
  if (!bytes || digest === undefined) throw new TypeError('a file that no rule refused has content');
  return { bytes, digest, method };
}
