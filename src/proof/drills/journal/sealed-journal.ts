// A journal for drills to spoil: written and sealed by the real journal, and what changes its files as somebody with access to the
// disk, a crash or a careless copy would.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cosignCheckpoint, parseCheckpoint, signCheckpoint } from '../../../evidence/checkpoint.ts';
import { codeIdentity, processIdentity } from '../../../evidence/identity.ts';
import { CHECKPOINT_FILE, FIRST_SEGMENT } from '../../../evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../../evidence/keys.ts';
import { MerkleTree } from '../../../evidence/merkle.ts';
import { native } from '../../../evidence/native.ts';
import { COSIGNATURE, noteKey } from '../../../evidence/note-key.ts';
import { openJournal } from '../../../evidence/open-journal.ts';
import type { Pin } from '../../../evidence/pin.ts';
import type { DecisionDraft, EvidenceRecord } from '../../../evidence/record.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import { uuidv7 } from '../../../evidence/uuid.ts';
import type { JournalRequest } from '../../../guards/journal/evidence-journal.ts';
import type { Drill, DrillSite } from '../../proof.ts';
import { TIME, VKEY } from '../../random.ts';

export const newKey = (): NoteSigner => generateSigner('agilab-guardrails/drill');

export const draft = (): DecisionDraft => ({
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
export async function write(
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

export const checkpointIn = (directory: string): Promise<string> =>
  readFile(join(directory, CHECKPOINT_FILE), 'utf8');

/** A sealed journal of four lines (the run and three decisions), and what is needed to spoil it. */
interface Sealed {
  readonly directory: string;
  readonly signer: NoteSigner;
  /** A path where nothing is yet. */
  readonly elsewhere: string;
}

/** Pins one key, for this host. */
export const pinned = (
  { vkey }: Pick<NoteSigner, 'vkey'>,
  more: Partial<Pin> = {},
): Pick<JournalRequest, 'pins'> => ({
  pins: [{ vkey, host: processIdentity().host, ...more }],
});

/** A key revoked an hour ago, and a witness that saw what it sealed at another time. */
export async function witnessed(
  { directory, signer }: Sealed,
  hours: number,
): Promise<Partial<JournalRequest>> {
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
export async function handOver(
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

export function drill(id: string, fault: string, expects: string, tamper: Tamper): Drill<JournalRequest> {
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
    return { directory, ...pinned(signer), ...changed };
  };
  return { id, fault, expects, build };
}

export async function change(directory: string, name: string, edit: (text: string) => string): Promise<void> {
  const path = join(directory, name);
  const before = await readFile(path, 'utf8');
  const after = edit(before);
  if (after === before) throw new Error('the drill changed nothing');
  await writeFile(path, after);
}

/** Seals the first segment as it is now, as only the holder of the key can. */
export async function seal({ directory, signer }: Sealed): Promise<void> {
  const tree = new MerkleTree(native.sha256);
  const text = await readFile(join(directory, FIRST_SEGMENT), 'utf8');
  for (const line of text.split('\n').slice(0, -1)) tree.append(Buffer.from(line));
  await change(directory, CHECKPOINT_FILE, (note) =>
    signCheckpoint({ ...parseCheckpoint(note).claimed, root: tree.root() }, signer),
  );
}

/** A tamperer that edits the text of a file. */
export const text =
  (name: string, edit: (text: string) => string): Tamper =>
  async ({ directory }) => {
    await change(directory, name, edit);
    return undefined;
  };

/** A tamperer that edits the lines of the journal. */
export const lines = (edit: (lines: readonly string[]) => readonly string[]): Tamper =>
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

export const forgeSuccessor: Tamper = lines((all) => [...all, successorOf(all.at(-1) ?? '')]);

/** Returns the note with the bytes of its only signature changed. */
export function editSignature(note: string, edit: (bytes: Buffer) => void): string {
  const at = note.trimEnd().lastIndexOf(' ') + 1;
  const bytes = Buffer.from(note.slice(at), 'base64');
  edit(bytes);
  return `${note.slice(0, at)}${bytes.toString('base64')}\n`;
}

export const hoursFromNow = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
