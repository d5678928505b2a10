// The file of lines that is being written. What was written counts only while the file behind the handle is the one
// behind the path, with the length that it must have: a record in a file that nobody will find again is no record.
import { constants, lstatSync, write } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodedError, errnoOf } from './coded-error.ts';
import { openAppend, syncDirectory } from './files.ts';
import { fail, segmentName } from './journal-files.ts';

// On Linux the write itself returns once its bytes would survive a power cut (open(2), O_DSYNC): no thread is woken a second
// time, for fdatasync. Elsewhere the flag may promise less than fdatasync does: that of macOS leaves the bytes in the disk's
// own memory.
const DURABLE = process.platform === 'linux' ? constants.O_DSYNC : 0;

/** Writes bytes from `start` on at the end of the file, and returns how many. By the callback: a FileHandle takes longer. */
const writeSome = (fd: number, bytes: Uint8Array, start: number): Promise<number> =>
  new Promise((resolve, reject) =>
    write(fd, bytes, start, bytes.length - start, null, (error, written) =>
      error ? reject(error) : resolve(written),
    ),
  );

const unsafeFile = (): CodedError =>
  fail(
    'journal.unsafe-directory',
    'a file of the journal is no plain file of ours, or others can write to it',
    'Keep the files plain files of your own with one name each, writable by their owner only.',
  );

export class Segment {
  /** Position of its first line. */
  readonly first: number;
  readonly path: string;
  readonly #file: FileHandle;
  readonly #device: number;
  readonly #inode: number;
  /** Bytes of lines that were acknowledged. */
  length: number;

  private constructor(
    first: number,
    path: string,
    file: FileHandle,
    stat: { dev: number; ino: number; size: number },
  ) {
    this.first = first;
    this.path = path;
    this.#file = file;
    this.#device = stat.dev;
    this.#inode = stat.ino;
    this.length = stat.size;
  }

  /**
   * Opens the file of lines that begins at position `first`, or makes it, durably.
   *
   * @throws CodedError `journal.unsafe-directory`; system errors.
   */
  static async open(directory: string, first: number): Promise<Segment> {
    const path = join(directory, segmentName(first));
    const file = await openAppend(path, DURABLE).catch((error: unknown) => {
      throw errnoOf(error) === 'ELOOP' || errnoOf(error) === 'EISDIR' ? unsafeFile() : error;
    });
    try {
      const stat = await file.stat();
      const own = stat.uid === (process.geteuid?.() ?? stat.uid);
      if (!stat.isFile() || stat.nlink !== 1 || !own || (stat.mode & 0o022) !== 0) throw unsafeFile();
      await syncDirectory(directory);
      return new Segment(first, path, file, stat);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Whether there is certainly no file of lines that begins at position `first`. */
  static isMissing(directory: string, first: number): boolean {
    try {
      lstatSync(join(directory, segmentName(first)));
      return false;
    } catch (error) {
      return errnoOf(error) === 'ENOENT';
    }
  }

  /**
   * Adds bytes, durably. They count only once the caller has added them to {@link length}.
   *
   * @throws CodedError `journal.write-failed`: nothing was kept, and the next write may succeed. `journal.broken`: the file
   * may hold bytes that nobody was promised, and nothing may be written after them.
   */
  async write(bytes: Uint8Array): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length) {
        // A full disk may take a part and report that as success.
        const some = await writeSome(this.#file.fd, bytes, written);
        if (some === 0) throw Object.assign(new Error('wrote nothing'), { code: 'EIO' });
        written += some;
      }
    } catch (error) {
      await this.#takeBack(written, error);
      throw writeFailed(error);
    }
    if (DURABLE !== 0) return;
    try {
      await this.#file.datasync();
    } catch (error) {
      throw broken(error);
    }
  }

  /** Cuts off the `written` bytes before a write that failed, so that the next record starts on a line of its own. */
  async #takeBack(written: number, cause: unknown): Promise<void> {
    try {
      const { size } = await this.#file.stat();
      // Bytes of somebody else, or of the failed write, which then could not be made durable. After that the kernel may drop
      // the pages and report success next time: never write here again.
      if (size !== this.length + written) throw new Error('there are bytes that no write reported');
      if (written > 0) await this.#file.truncate(this.length);
    } catch {
      throw broken(cause);
    }
  }

  /**
   * Makes sure that the path leads to the file which is being written, and, where `added` is given, that it holds what
   * was acknowledged and so many bytes more, nothing else.
   *
   * @throws CodedError `journal.replaced`.
   */
  requireInPlace(added?: number): void {
    let fault: string | undefined;
    try {
      const stat = lstatSync(this.path);
      if (stat.ino !== this.#inode || stat.dev !== this.#device) fault = 'another file lies in its place';
      else if (stat.nlink !== 1) fault = 'it has a second name';
      else if (added !== undefined && stat.size < this.length + added) fault = 'it was cut short';
      else if (added !== undefined && stat.size > this.length + added)
        fault = 'somebody else has written to it';
    } catch (error) {
      fault =
        errnoOf(error) === 'ENOENT' ? 'it was removed or renamed' : `it cannot be seen (${errnoOf(error)})`;
    }
    if (fault !== undefined) {
      throw fail(
        'journal.replaced',
        `the file of the journal is not the one that is being written: ${fault}`,
        'Find out what touched the directory and keep what is there; then open the journal again. Nothing is granted until then.',
      );
    }
  }

  /** Reads from the file without moving where it is written. */
  async read(length: number, position: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  }

  /** Ends the file at `length`, durably. */
  async cut(length: number): Promise<void> {
    await this.#file.truncate(length);
    await this.#file.datasync();
    this.length = length;
  }

  /** Makes the file one that nobody writes to any more. */
  async retire(): Promise<void> {
    await this.#file.chmod(0o400);
    await this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

const writeFailed = (error: unknown): CodedError =>
  fail(
    'journal.write-failed',
    `the journal could not be written (${errnoOf(error)})`,
    'Free space or mend the disk; a record that fits is taken again at once.',
    error,
  );

const broken = (error: unknown): CodedError =>
  fail(
    'journal.broken',
    `a write failed half way (${errnoOf(error)})`,
    'Check the disk, then open the journal again; what it holds is looked at and repaired.',
    error,
  );
