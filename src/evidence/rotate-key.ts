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

/** The end of a key that is being replaced: none yet. Where that was killed in between, the next rotation sets it. */
const HANDING_OVER = '9999-12-31T23:59:59.999Z';

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
      const others = before.filter(({ vkey }) => vkey !== next.vkey);
      const again = others.length < before.length; // an earlier attempt came as far as the pins
      const pins = others.map((pin) =>
        pin.vkey === present.vkey && pin.notAfter === undefined ? { ...pin, notAfter: HANDING_OVER } : pin,
      );
      await savePins(dir, [...pins, ownPin(next)]);
      // While the journal is ours: a writer that opens it between these steps would seal it with the old key again, and
      // nobody could continue it once that is gone.
      await adoptNextSigner(dir);
      // Later than every line that the present key sealed, the record of this rotation included.
      const end = Date.now() + 1;
      const ended = pins.map((pin) => {
        const isOver = pin.notAfter !== undefined && Date.parse(pin.notAfter) < end;
        const ends = pin.vkey === present.vkey ? again || !isOver : pin.notAfter === HANDING_OVER;
        return ends ? { ...pin, notAfter: new Date(end).toISOString() } : pin;
      });
      await savePins(dir, [...ended, ownPin(next)]);
      return next;
    } finally {
      await journal.close();
    }
  });
}
