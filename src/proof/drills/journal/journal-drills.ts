// Journals that must not be believed whatever their lines say, and those that must be: by their checkpoint, an earlier one, and the
// keys that are pinned.
import { createHash } from 'node:crypto';
import { cp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signCheckpoint } from '../../../evidence/checkpoint.ts';
import { processIdentity } from '../../../evidence/identity.ts';
import {
  CHECKPOINT_FILE,
  FIRST_SEGMENT,
  rotationName,
  segmentName,
  segmentsIn,
} from '../../../evidence/journal-files.ts';
import { openJournal } from '../../../evidence/open-journal.ts';
import type { EvidenceRecord } from '../../../evidence/record.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { JournalRequest } from '../../../guards/journal/evidence-journal.ts';
import type { Drill } from '../../proof.ts';
import { lineDrills } from './line-drills.ts';
import {
  change,
  checkpointIn,
  draft,
  drill,
  editSignature,
  forgeSuccessor,
  handOver,
  hoursFromNow,
  newKey,
  pinned,
  seal,
  text,
  witnessed,
  write,
} from './sealed-journal.ts';

const SIGNATURE = 'checkpoint.bad-signature';
const ROLLED_BACK = 'journal.rolled-back';
const PRODUCER = 'journal.wrong-producer';
const UNSEALED = 'journal.unsealed';
const UNREADABLE = 'journal.unreadable';

export const journalDrills: readonly Drill<JournalRequest>[] = [
  drill('intact', 'none: written, sealed and closed', 'allow', async () => undefined),
  drill(
    'same-previous',
    'none: nothing was added since the previous checkpoint',
    'allow',
    async (sealed) => ({
      previous: await checkpointIn(sealed.directory),
    }),
  ),
  drill('extends-previous', 'none: two more lines since then', 'allow', async ({ directory, signer }) => {
    const previous = await checkpointIn(directory);
    await write(directory, signer, [draft(), draft()]);
    return { previous };
  }),
  drill('one-of-two-pins', 'none: one pin is of another host', 'allow', async ({ signer }) => ({
    pins: [
      { vkey: newKey().vkey, host: 'another-host' },
      { vkey: signer.vkey, host: processIdentity().host },
    ],
  })),

  drill('absent', 'the directory is not there', UNREADABLE, async ({ elsewhere }) => ({
    directory: elsewhere,
  })),
  drill('link', 'the journal is a link to one elsewhere', UNREADABLE, async ({ directory, elsewhere }) => {
    await rename(join(directory, FIRST_SEGMENT), elsewhere);
    await symlink(elsewhere, join(directory, FIRST_SEGMENT));
    return undefined;
  }),
  drill('cut-pin', 'a pin that lost its last characters', 'journal.bad-pin', async ({ signer }) =>
    pinned({ vkey: signer.vkey.slice(0, -4) }),
  ),
  drill('renamed-pin', 'a pin under a name that its hash denies', 'journal.bad-pin', async ({ signer }) =>
    pinned({ vkey: `x${signer.vkey}` }),
  ),
  drill('weak-pin', 'a pin of small order, which accepts forgeries', 'journal.bad-pin', async () => {
    const key = Buffer.concat([Buffer.of(1, 1), Buffer.alloc(31)]); // Ed25519, then the identity point
    const hash = createHash('sha256').update('drill\n').update(key).digest('hex').slice(0, 8);
    const vkey = `drill+${hash}+${key.toString('base64')}`;
    return pinned({ vkey });
  }),
  drill(
    'cut-checkpoint',
    'the checkpoint lost its signature',
    'checkpoint.malformed',
    text(CHECKPOINT_FILE, (note) => note.slice(0, note.indexOf('\n\n') + 1)),
  ),
  drill('cut-previous', 'the previous checkpoint lost its end', 'checkpoint.malformed', async (sealed) => ({
    previous: (await checkpointIn(sealed.directory)).slice(0, -1),
  })),
  drill(
    'flipped-bit',
    'one bit of the signature',
    SIGNATURE,
    text(CHECKPOINT_FILE, (note) => editSignature(note, (bytes) => (bytes[40] = (bytes[40] ?? 0) ^ 1))),
  ),
  drill('stretched', 'the checkpoint claims a forged line too', SIGNATURE, async (sealed) => {
    await forgeSuccessor(sealed);
    await change(sealed.directory, CHECKPOINT_FILE, (note) => note.replace('\n4\n', '\n5\n'));
    return undefined;
  }),
  drill('borrowed-name', 'all rewritten under the name of the pinned key', SIGNATURE, async (sealed) => {
    const directory = sealed.elsewhere;
    const { name, hash } = sealed.signer;
    await write(directory, { ...newKey(), name, hash });
    return { directory };
  }),
  drill(
    'strange-previous',
    'the previous checkpoint is by nobody known',
    'checkpoint.unpinned',
    async (sealed) => {
      await write(sealed.elsewhere, newKey());
      return { previous: await checkpointIn(sealed.elsewhere) };
    },
  ),

  ...lineDrills,

  drill(
    'other-journal',
    'the previous checkpoint is of another',
    'journal.foreign-origin',
    async (sealed) => {
      const other = newKey();
      await write(sealed.elsewhere, other);
      const { host } = processIdentity();
      return {
        pins: [sealed.signer, other].map(({ vkey }) => ({ vkey, host })),
        previous: await checkpointIn(sealed.elsewhere),
      };
    },
  ),
  drill('rolled-back', 'an older copy put back', ROLLED_BACK, async ({ directory, signer, elsewhere }) => {
    await cp(directory, elsewhere, { recursive: true });
    await write(directory, signer, [draft()]);
    return { directory: elsewhere, previous: await checkpointIn(directory) };
  }),
  drill(
    'forked',
    'as long, by the same key, but another past',
    ROLLED_BACK,
    async ({ directory, signer, elsewhere }) => {
      await write(elsewhere, signer);
      return { previous: await checkpointIn(directory), directory: elsewhere };
    },
  ),
  drill('other-host', 'the key is pinned for another host', PRODUCER, async ({ signer }) =>
    pinned(signer, { host: 'another-host' }),
  ),
  drill('other-key-of-two', 'this host has a pin, but for another key', PRODUCER, async ({ signer }) => ({
    pins: [
      { vkey: newKey().vkey, host: processIdentity().host },
      { vkey: signer.vkey, host: 'another-host' },
    ],
  })),
  drill(
    'missing-file',
    'a file of lines taken away',
    'journal.missing-segment',
    async ({ elsewhere, signer }) => {
      const journal = await openJournal({ directory: elsewhere, signer, segmentBytes: 1 });
      for (let i = 0; i < 3; i++) await journal.append(draft(), '');
      await journal.close();
      const [first = 0] = await segmentsIn(elsewhere);
      await rm(join(elsewhere, segmentName(first)));
      return { directory: elsewhere };
    },
  ),
  drill(
    'pinned-too-late',
    'written before its key was pinned for',
    'journal.outside-validity',
    async ({ signer }) => pinned(signer, { notBefore: hoursFromNow(1) }),
  ),
  drill(
    'pinned-too-early',
    'written after its key was pinned for',
    'journal.outside-validity',
    async ({ signer }) => pinned(signer, { notAfter: hoursFromNow(-1) }),
  ),
  drill(
    'handed-over-too-late',
    'a key handed the journal over to another after the time it was pinned for',
    'journal.outside-validity',
    async ({ directory, signer }) => {
      await handOver(directory, signer);
      return pinned(signer, { notAfter: hoursFromNow(-1) });
    },
  ),
  drill(
    'too-late-behind-a-stray-rotation',
    'written after its key was pinned for, and a rotation file that no key signed',
    'journal.outside-validity',
    async ({ directory, signer }) => {
      const path = join(directory, FIRST_SEGMENT);
      const all = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
      const first = JSON.parse(all[0] ?? '') as EvidenceRecord;
      const lines = [JSON.stringify({ ...first, time: hoursFromNow(-2) })];
      for (const line of all.slice(1)) {
        const prev = sha256Hex(lines.at(-1) ?? '');
        lines.push(JSON.stringify({ ...(JSON.parse(line) as EvidenceRecord), prev }));
      }
      await writeFile(path, `${lines.join('\n')}\n`);
      await seal({ directory, signer, elsewhere: '' });
      const root = new Uint8Array(32);
      const note = signCheckpoint({ origin: 'drill', size: 2, root }, newKey());
      await writeFile(join(directory, rotationName(2)), note);
      return pinned(signer, { notAfter: hoursFromNow(-1) });
    },
  ),
  drill(
    'handed-over-in-time',
    'none: each of two keys answers for the lines of its own time',
    'allow',
    async ({ directory, signer }) => {
      const { next, at } = await handOver(directory, signer);
      const { host } = processIdentity();
      return {
        pins: [
          { vkey: signer.vkey, host, notAfter: at },
          { vkey: next.vkey, host, notBefore: at },
        ],
      };
    },
  ),
  drill('within-validity', 'none: written while its key is pinned for', 'allow', async ({ signer }) =>
    pinned(signer, { notBefore: hoursFromNow(-1), notAfter: hoursFromNow(1), revoked: hoursFromNow(1) }),
  ),
  drill('other-machine', 'the key is pinned for another machine of this name', PRODUCER, async ({ signer }) =>
    pinned(signer, { machine: 'f'.repeat(32) }),
  ),
  drill('revoked-key', 'the key is believed no more', 'journal.revoked', async ({ signer }) =>
    pinned(signer, { revoked: hoursFromNow(-1) }),
  ),
  drill(
    'sealed-before-revocation',
    'none: a pinned witness saw the checkpoint before the key was revoked',
    'allow',
    (sealed) => witnessed(sealed, -2),
  ),
  drill(
    'sealed-after-revocation',
    'a witness saw the checkpoint only after the key was revoked',
    'journal.revoked',
    (sealed) => witnessed(sealed, 0),
  ),
  drill('never-signed', 'written without a key', 'journal.unsigned', async ({ elsewhere }) => {
    await write(elsewhere, undefined);
    return { directory: elsewhere };
  }),
  drill('checkpoint-removed', 'the checkpoint taken away', 'journal.unsigned', async ({ directory }) => {
    await rm(join(directory, CHECKPOINT_FILE));
    return undefined;
  }),
  drill(
    'other-key',
    'all rewritten and sealed by a key of the same name',
    'journal.unpinned',
    async ({ elsewhere }) => {
      await write(elsewhere, newKey());
      return { directory: elsewhere };
    },
  ),
  drill('forged-tail', 'a well-chained line after the seal', UNSEALED, forgeSuccessor),
  drill('older-checkpoint', 'an older checkpoint put back', UNSEALED, async ({ directory, signer }) => {
    const older = await checkpointIn(directory);
    await write(directory, signer, [draft()]);
    await writeFile(join(directory, CHECKPOINT_FILE), older);
    return { previous: older };
  }),
  drill('adopted-tail', 'a forged line that a later writer sealed over', UNSEALED, async (sealed) => {
    await forgeSuccessor(sealed);
    await write(sealed.directory, sealed.signer, [draft()]);
    return undefined;
  }),
];
