// Publishes a directory whole or not at all: its files are written and synced under a name that nobody reads, the directory
// takes its name by one rename(2), and only then does the pointer file name it. Node cannot exchange two directories, so a
// name is published once and never again.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { replaceFile, syncDirectory, writeAll } from '../evidence/files.ts';

export interface DirectoryToPublish {
  /** Absolute path of the directory, which must not be there yet; its parent must be. */
  readonly path: string;
  /** Content by plain file name. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** File that names the newest directory, replaced last. */
  readonly pointer?: { readonly path: string; readonly content: string } | undefined;
}

const PLAIN = /^(?!\.{1,2}$)[^/\0]+$/;

async function writeSynced(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await writeAll(file, Buffer.from(content));
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Publishes a directory, mode 0700, durably. Interrupted anywhere, it leaves the directory whole or a `.NAME.<hex>.staging`
 * beside it that nobody reads.
 *
 * @throws CodedError `publish.exists`, `publish.name`, `publish.failed`.
 */
export async function publishDirectory({ path, files, pointer }: DirectoryToPublish): Promise<void> {
  if (!Object.keys(files).every((name) => PLAIN.test(name)))
    throw new CodedError('publish.name', 'a file name is not plain', 'Name files without directories.');
  const staging = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.staging`);
  try {
    await mkdir(staging, { mode: 0o700 });
    for (const [name, content] of Object.entries(files)) await writeSynced(join(staging, name), content);
    await syncDirectory(staging);
    // rename(2) onto an empty directory would succeed, so what is there is asked first; a full one it refuses itself.
    if (
      await lstat(path).then(
        () => true,
        () => false,
      )
    )
      throw new CodedError('publish.exists', 'the name is taken', 'Publish under a name of its own, once.');
    await rename(staging, path);
    await syncDirectory(dirname(path));
    if (pointer) await replaceFile(pointer.path, pointer.content);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    if (error instanceof CodedError) throw error;
    const remedy = 'Make room and let this process write there, then publish again.';
    throw new CodedError(
      'publish.failed',
      `the directory could not be published (${errnoOf(error)})`,
      remedy,
      {
        cause: error,
      },
    );
  }
}
