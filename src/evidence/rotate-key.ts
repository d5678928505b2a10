// Replaces the signing key of a state directory. Each step can be repeated after a crash: the next key is made first, the
// journal goes over to it, the pins say so, and only then does it become the present one.
import { adoptNextSigner, loadPins, loadSigner, nextSigner, ownPin, savePins } from './key-store.ts';
import type { NoteSigner } from './keys.ts';
import { openJournal } from './open-journal.ts';
import { journalDirectory, type StateOptions } from './state.ts';

/**
 * Returns the new key. The journal records it, and whoever has pinned the old one can follow.
 *
 * @throws CodedError `keys.*`, `journal.*`; system errors.
 */
export async function rotateKey({ dir }: StateOptions): Promise<NoteSigner> {
  const present = await loadSigner(dir);
  const next = await nextSigner(dir);
  const journal = await openJournal({ directory: journalDirectory(dir), signer: present });
  try {
    await journal.rotateTo(next);
  } finally {
    await journal.close();
  }
  const pins = await loadPins(dir);
  const interrupted = pins.some(({ vkey }) => vkey === next.vkey); // an earlier attempt came as far as the pins
  // Later than every line that the present key sealed, the record of this rotation included.
  const notAfter = new Date(Date.now() + 1).toISOString();
  const ended = pins
    .filter(({ vkey }) => vkey !== next.vkey)
    .map((pin) =>
      pin.vkey === present.vkey && (interrupted || pin.notAfter === undefined) ? { ...pin, notAfter } : pin,
    );
  await savePins(dir, [...ended, ownPin(next)]);
  await adoptNextSigner(dir);
  return next;
}
