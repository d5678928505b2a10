// Seals a journal: writes where it stands (head), then signs it (checkpoint). One seal at a time, each of the state at
// the moment when its turn comes.
import { join } from 'node:path';
import { addSignature, signCheckpoint } from './checkpoint.ts';
import { CodedError } from './coded-error.ts';
import { replaceFile, whyOf } from './files.ts';
import { encodeHeads, type Head } from './head.ts';
import { CHECKPOINT_FILE, fail, HEAD_FILE, rotationName } from './journal-files.ts';
import type { NoteSigner } from './keys.ts';
import { rootOfEdge } from './merkle.ts';
import { native } from './native.ts';

export class Sealer {
  readonly #directory: string;
  readonly #origin: string;
  #signer: NoteSigner;
  #sealed: { readonly size: number; readonly note: string | undefined };
  #last: Head | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    directory: string,
    origin: string,
    signer: NoteSigner,
    sealed: { readonly size: number; readonly note: string | undefined },
  ) {
    this.#directory = directory;
    this.#origin = origin;
    this.#signer = signer;
    this.#sealed = sealed;
  }

  /**
   * Returns a checkpoint over at least what `state` returns; it is asked when the seals before this one are done. What
   * it throws is thrown on.
   *
   * @throws CodedError `journal.seal-failed`.
   */
  seal(state: () => Head): Promise<string | undefined> {
    const turn = this.#turn.then(() => this.#seal(state()));
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /**
   * Seals with the present and the next key, keeps that seal for those who have pinned the present one, and goes over to
   * the next.
   *
   * @throws CodedError `journal.seal-failed`.
   */
  rotate(next: NoteSigner, state: () => Head): Promise<void> {
    const turn = this.#turn.then(async () => {
      const head = state();
      const note = addSignature(this.#sign(head, this.#signer), next);
      await this.#write(head, note, rotationName(head.tree.size));
      this.#signer = next;
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #sign({ tree: { size, edge } }: Head, signer: NoteSigner): string {
    const root = rootOfEdge(native.sha256, edge);
    return signCheckpoint({ origin: this.#origin, size, root }, signer);
  }

  async #seal(head: Head): Promise<string | undefined> {
    const { size } = head.tree;
    if (size === this.#sealed.size && this.#sealed.note !== undefined) return this.#sealed.note;
    const note = this.#sign(head, this.#signer);
    if (size === this.#sealed.size) return note; // nothing yet: an empty journal needs no file to say so
    await this.#write(head, note);
    return note;
  }

  async #write(head: Head, note: string, copy?: string): Promise<void> {
    try {
      if (copy !== undefined) await replaceFile(join(this.#directory, copy), note);
      await replaceFile(
        join(this.#directory, HEAD_FILE),
        encodeHeads(this.#last ? [head, this.#last] : [head]),
      );
      await replaceFile(join(this.#directory, CHECKPOINT_FILE), note);
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw fail(
        'journal.seal-failed',
        `the checkpoint could not be written (${whyOf(error)})`,
        'Free space and inodes, or mend the disk, before this process ends: until a checkpoint is written nothing is granted, and lines that a process leaves unsealed stay so.',
        error,
      );
    }
    this.#sealed = { size: head.tree.size, note };
    this.#last = head;
  }
}
