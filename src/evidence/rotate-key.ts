// Replaces the signing key of a state directory. Each step can be repeated after a crash, and the journal can be written
// and verified after each: the journal is opened, the next key is made, the journal goes over to it, it is pinned, it becomes
// the present one, and the pin of the old one ends.
import {
  adoptNextSigner,
  changingKeys,
  loadPins,
  loadSigner,
  nextSigner,
  ownPin,
  savePins,
} from './key-store.ts';
import type { NoteSigner } from './keys.ts';
import { openJournal } from './open-journal.ts';
import { journalDirectory, type StateOptions } from './state.ts';

/**
 * Returns the new key. The journal records it, and whoever has pinned the old one can follow.
 *
 * @throws CodedError `keys.*`, `journal.*`; system errors.
 */
export async function rotateKey({ dir }: StateOptions): Promise<NoteSigner> {
  await loadSigner(dir); // says best what is wrong with a directory that has no key
  return changingKeys(dir, async () => {
    const present = await loadSigner(dir);
    const journal = await openJournal({ directory: journalDirectory(dir), signer: present });
    try {
      const next = await nextSigner(dir);
      await journal.rotateTo(next);
      const before = await loadPins(dir);
      const pins = before.filter(({ vkey }) => vkey !== next.vkey);
      const again = pins.length < before.length; // an earlier attempt came as far as the pins
      await savePins(dir, [...pins, ownPin(next)]);
      // While the journal is ours: a writer that opens it between these steps would seal it with the old key again, and
      // nobody could continue it once that is gone.
      await adoptNextSigner(dir);
      // Later than every line that the present key sealed, the record of this rotation included.
      const end = Date.now() + 1;
      const ended = pins.map((pin) => {
        const { vkey, notAfter } = pin;
        if (vkey !== present.vkey || (!again && notAfter !== undefined && Date.parse(notAfter) < end))
          return pin;
        return { ...pin, notAfter: new Date(end).toISOString() };
      });
      await savePins(dir, [...ended, ownPin(next)]);
      return next;
    } finally {
      await journal.close();
    }
  });
}
