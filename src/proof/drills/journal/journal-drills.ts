// Journals that must not be believed: each is written by the real journal, then its files are changed as somebody with access to the
// disk, a crash or a careless copy would change them.
import { createHash } from 'node:crypto';
import { cp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cosignCheckpoint, parseCheckpoint, signCheckpoint } from '../../../evidence/checkpoint.ts';
import { codeIdentity, processIdentity } from '../../../evidence/identity.ts';
import {
  CHECKPOINT_FILE,
  FIRST_SEGMENT,
  rotationName,
  segmentName,
  segmentsIn,
} from '../../../evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../../evidence/keys.ts';
import { MerkleTree } from '../../../evidence/merkle.ts';
import { native } from '../../../evidence/native.ts';
import { COSIGNATURE, noteKey } from '../../../evidence/note-key.ts';
import { openJournal } from '../../../evidence/open-journal.ts';
import type { DecisionDraft, EvidenceRecord } from '../../../evidence/record.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import { uuidv7 } from '../../../evidence/uuid.ts';
import type { JournalRequest } from '../../../guards/journal/evidence-journal.ts';
import type { Drill, DrillSite } from '../../proof.ts';
import { TIME, VKEY } from '../../random.ts';

const newKey = (): NoteSigner => generateSigner('agilab-guardrails/drill');

const draft = (): DecisionDraft => ({
  id: uuidv7(),
  guard: { id: 'drill/sample', ...codeIdentity() },
  dimension: 'architecture_runtime_guardrails',
  decision: 'refuse',
  codes: ['drill.sample'],
  reason: 'a record to tamper with',
  method: 'none',
  policyDigest: '0'.repeat(64),
  replay: { argv: ['guardrails', 'drill', 'journal'] },
  mode: 'enforce',
});

/** Opens the journal, appends and closes it, which seals what was appended. */
async function write(
  directory: string,
  signer: NoteSigner | undefined,
  drafts: readonly DecisionDraft[] = [draft(), draft(), draft()],
): Promise<void> {
  const journal = await openJournal(signer ? { directory, signer } : { directory });
  try {
    await Promise.all(drafts.map((each) => journal.append(each, '')));
  } finally {
    await journal.close();
  }
}

const checkpointIn = (directory: string): Promise<string> =>
  readFile(join(directory, CHECKPOINT_FILE), 'utf8');

/** A sealed journal of four lines (the run and three decisions), and what is needed to spoil it. */
interface Sealed {
  readonly directory: string;
  readonly signer: NoteSigner;
  /** A path where nothing is yet. */
  readonly elsewhere: string;
}

/** A key revoked an hour ago, and a witness that saw what it sealed at another time. */
async function witnessed({ directory, signer }: Sealed, hours: number): Promise<Partial<JournalRequest>> {
  const witness = newKey();
  const at = join(directory, CHECKPOINT_FILE);
  const seconds = Math.floor(Date.parse(hoursFromNow(hours)) / 1_000);
  const key = noteKey('witness.example', witness.publicKey, COSIGNATURE);
  const cosigner = { name: key.name, hash: key.hash, sign: (message: Uint8Array) => witness.sign(message) };
  await writeFile(at, cosignCheckpoint(await readFile(at, 'utf8'), seconds, cosigner));
  return {
    pins: [
      { vkey: signer.vkey, host: processIdentity().host, revoked: hoursFromNow(-1) },
      { vkey: key.vkey, host: 'witness.example' },
    ],
  };
}

/** Hands a journal over to another key, which then writes a line, and returns a time between. */
async function handOver(
  directory: string,
  signer: NoteSigner,
): Promise<{ readonly next: NoteSigner; readonly at: string }> {
  const next = newKey();
  const journal = await openJournal({ directory, signer });
  await journal.rotateTo(next);
  await journal.close();
  await sleep(2); // times are whole milliseconds
  const at = new Date().toISOString();
  await write(directory, next, [draft()]);
  return { next, at };
}

/** Changes the files, and returns what the request should say differently. */
type Tamper = (sealed: Sealed) => Promise<Partial<JournalRequest> | undefined>;

function drill(id: string, fault: string, expects: string, tamper: Tamper): Drill<JournalRequest> {
  const build = async (site: DrillSite): Promise<JournalRequest> => {
    const signer = newKey();
    const directory = join(site.directory, 'journal');
    const { host } = processIdentity();
    site.random('KEY', VKEY);
    site.random('TIME', TIME);
    site.random('HOST', JSON.stringify(host));
    site.random('CHECKPOINT', /(?<="previous":")[^"]*/g);
    site.unread(/^(?:journal|elsewhere)/);
    await write(directory, signer);
    const changed = await tamper({ directory, signer, elsewhere: join(site.directory, 'elsewhere') });
    return { directory, pins: [{ vkey: signer.vkey, host }], ...changed };
  };
  return { id, fault, expects, build };
}

async function change(directory: string, name: string, edit: (text: string) => string): Promise<void> {
  const path = join(directory, name);
  const before = await readFile(path, 'utf8');
  const after = edit(before);
  if (after === before) throw new Error('the drill changed nothing');
  await writeFile(path, after);
}

/** Seals the first segment as it is now, as only the holder of the key can. */
async function seal({ directory, signer }: Sealed): Promise<void> {
  const tree = new MerkleTree(native.sha256);
  const text = await readFile(join(directory, FIRST_SEGMENT), 'utf8');
  for (const line of text.split('\n').slice(0, -1)) tree.append(Buffer.from(line));
  await change(directory, CHECKPOINT_FILE, (note) =>
    signCheckpoint({ ...parseCheckpoint(note).claimed, root: tree.root() }, signer),
  );
}

/** A tamperer that edits the text of a file. */
const text =
  (name: string, edit: (text: string) => string): Tamper =>
  async ({ directory }) => {
    await change(directory, name, edit);
    return undefined;
  };

/** A tamperer that edits the lines of the journal. */
const lines = (edit: (lines: readonly string[]) => readonly string[]): Tamper =>
  text(FIRST_SEGMENT, (whole) =>
    edit(whole.split('\n').slice(0, -1))
      .map((line) => `${line}\n`)
      .join(''),
  );

/** The line that the journal itself would write next: right number, right chain, but nobody's seal. */
function successorOf(line: string): string {
  const record = JSON.parse(line) as EvidenceRecord;
  const prev = sha256Hex(line);
  return JSON.stringify({ ...record, id: uuidv7(), seq: record.seq + 1, prev, decision: 'allow', codes: [] });
}

const forgeSuccessor = lines((all) => [...all, successorOf(all.at(-1) ?? '')]);

/** Returns the note with the bytes of its only signature changed. */
function editSignature(note: string, edit: (bytes: Buffer) => void): string {
  const at = note.trimEnd().lastIndexOf(' ') + 1;
  const bytes = Buffer.from(note.slice(at), 'base64');
  edit(bytes);
  return `${note.slice(0, at)}${bytes.toString('base64')}\n`;
}

const hoursFromNow = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();

const NO_RECORD = 'journal.not-a-record';
const ORDER = 'journal.out-of-order';
const CHAIN = 'journal.broken-chain';
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
  drill('cut-pin', 'a pin that lost its last characters', 'journal.bad-pin', async ({ signer }) => ({
    pins: [{ vkey: signer.vkey.slice(0, -4), host: processIdentity().host }],
  })),
  drill('renamed-pin', 'a pin under a name that its hash denies', 'journal.bad-pin', async ({ signer }) => ({
    pins: [{ vkey: `x${signer.vkey}`, host: processIdentity().host }],
  })),
  drill('weak-pin', 'a pin of small order, which accepts forgeries', 'journal.bad-pin', async () => {
    const key = Buffer.concat([Buffer.of(1, 1), Buffer.alloc(31)]); // Ed25519, then the identity point
    const hash = createHash('sha256').update('drill\n').update(key).digest('hex').slice(0, 8);
    const vkey = `drill+${hash}+${key.toString('base64')}`;
    return { pins: [{ vkey, host: processIdentity().host }] };
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

  drill(
    'no-json',
    'a line that is no JSON',
    NO_RECORD,
    lines((all) => all.with(1, '{')),
  ),
  drill(
    'foreign-field',
    'a field that no record has',
    NO_RECORD,
    lines((all) => all.with(2, `{"note":"",${all[2]?.slice(1)}`)),
  ),
  drill(
    'deleted',
    'a line taken out',
    ORDER,
    lines((all) => all.toSpliced(1, 1)),
  ),
  drill(
    'swapped',
    'two lines swapped',
    ORDER,
    lines(([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest]),
  ),
  drill(
    'repeated',
    'a line repeated',
    ORDER,
    lines((all) => all.toSpliced(1, 0, all[1] ?? '')),
  ),
  drill(
    'edited',
    'a refusal turned into an allowance',
    CHAIN,
    lines((all) => all.with(1, all[1]?.replace('"refuse"', '"allow"') ?? '')),
  ),
  drill(
    'unchained',
    'a first line that follows on something unseen',
    CHAIN,
    lines((all) => all.with(0, all[0]?.replace('"prev":"0', '"prev":"1') ?? '')),
  ),
  drill('same-id', 'two records of one id, sealed', 'journal.duplicate-id', async (sealed) => {
    await change(sealed.directory, FIRST_SEGMENT, (text) => {
      const all = text.split('\n').slice(0, -1);
      const { id } = JSON.parse(all.at(-2) ?? '') as EvidenceRecord;
      const last = JSON.parse(all.at(-1) ?? '') as EvidenceRecord;
      return `${all.with(-1, JSON.stringify({ ...last, id })).join('\n')}\n`;
    });
    await seal(sealed); // the writer itself would not take it
    return undefined;
  }),
  drill(
    'half-line',
    'a crash left half a line',
    'journal.torn-tail',
    text(FIRST_SEGMENT, (all) => `${all}{"sch`),
  ),
  drill(
    'cut-line',
    'the last line lost its end',
    'journal.torn-tail',
    text(FIRST_SEGMENT, (all) => all.slice(0, -9)),
  ),
  drill(
    'cut',
    'the last line taken away',
    'journal.missing-lines',
    lines((all) => all.slice(0, -1)),
  ),
  drill(
    'emptied',
    'every line taken away',
    'journal.missing-lines',
    text(FIRST_SEGMENT, () => ''),
  ),
  drill(
    'rewritten',
    'every line rewritten, well chained',
    'journal.rewritten',
    async ({ directory, elsewhere }) => {
      await write(elsewhere, undefined);
      await cp(join(elsewhere, FIRST_SEGMENT), join(directory, FIRST_SEGMENT));
      return undefined;
    },
  ),
  drill(
    'edited-last',
    'the last line edited, where no chain tells',
    'journal.rewritten',
    lines((all) => all.with(-1, all.at(-1)?.replace('"refuse"', '"allow"') ?? '')),
  ),

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
  drill('other-host', 'the key is pinned for another host', PRODUCER, async ({ signer }) => ({
    pins: [{ vkey: signer.vkey, host: 'another-host' }],
  })),
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
    async ({ signer }) => ({
      pins: [{ vkey: signer.vkey, host: processIdentity().host, notBefore: hoursFromNow(1) }],
    }),
  ),
  drill(
    'pinned-too-early',
    'written after its key was pinned for',
    'journal.outside-validity',
    async ({ signer }) => ({
      pins: [{ vkey: signer.vkey, host: processIdentity().host, notAfter: hoursFromNow(-1) }],
    }),
  ),
  drill(
    'handed-over-too-late',
    'a key handed the journal over to another after the time it was pinned for',
    'journal.outside-validity',
    async ({ directory, signer }) => {
      await handOver(directory, signer);
      return { pins: [{ vkey: signer.vkey, host: processIdentity().host, notAfter: hoursFromNow(-1) }] };
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
      return { pins: [{ vkey: signer.vkey, host: processIdentity().host, notAfter: hoursFromNow(-1) }] };
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
  drill('within-validity', 'none: written while its key is pinned for', 'allow', async ({ signer }) => ({
    pins: [
      {
        vkey: signer.vkey,
        host: processIdentity().host,
        notBefore: hoursFromNow(-1),
        notAfter: hoursFromNow(1),
        revoked: hoursFromNow(1),
      },
    ],
  })),
  drill(
    'other-machine',
    'the key is pinned for another machine of this name',
    PRODUCER,
    async ({ signer }) => ({
      pins: [{ vkey: signer.vkey, host: processIdentity().host, machine: 'f'.repeat(32) }],
    }),
  ),
  drill('revoked-key', 'the key is believed no more', 'journal.revoked', async ({ signer }) => ({
    pins: [{ vkey: signer.vkey, host: processIdentity().host, revoked: hoursFromNow(-1) }],
  })),
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
