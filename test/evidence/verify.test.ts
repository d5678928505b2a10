// What verifyJournal says of a journal that somebody changed: every bit, every line, and the whole of it.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE, FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { native } from '../../src/evidence/native.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { portable } from '../../src/evidence/primitives.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { type VerifyOptions, verifyJournal } from '../../src/evidence/verify.ts';
import { bytesOf, draft, EVERY, inMemory, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];

async function journalOf(count: number, key: typeof signer | null = signer): Promise<Sample> {
  const directory = await scratch();
  const journal = await openJournal(key ? { directory, signer: key } : { directory });
  for (let i = 1; i < count; i++) await journal.append(draft(), '');
  await journal.close();
  const files = await readJournal(directory);
  return { bytes: await bytesOf(files), checkpoint: files.checkpoint };
}

/** A journal of so many lines, the first of them the run record, as bytes. */
interface Sample {
  readonly bytes: Buffer;
  readonly checkpoint: string | undefined;
}

const split = ({ bytes }: Sample): string[] => bytes.toString('utf8').split('\n').slice(0, -1);
const judge = (
  { bytes, checkpoint }: Sample,
  lines: Uint8Array | readonly string[] = bytes,
  options: Partial<VerifyOptions> = {},
): Promise<JournalVerdict> => verifyJournal(inMemory(lines, checkpoint), { pins, ...options });

it('detects a flipped bit in every byte and names the line, or its neighbour where only the chain can tell', async () => {
  const files = await journalOf(3);
  const ends = [...files.bytes].flatMap((byte, at) => (byte === 10 ? [at] : []));
  expect(await judge(files)).toMatchObject({ ok: true, state: 'sealed', problems: [], key: 'pinned' });
  const from = (ends[0] ?? 0) - 100; // the end of one line and the beginning of the next: each of their bits
  for (let at = 0; at < files.bytes.length; at++) {
    const bits = EVERY || (at >= from && at < from + 200) ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8];
    for (const bit of bits) {
      const journal = Buffer.from(files.bytes);
      journal[at] = (journal[at] ?? 0) ^ (1 << bit);
      const { ok, problems, lines } = await judge(files, journal, { primitives: native });
      if (ok || lines.length > 0) throw new Error(`byte ${at}, bit ${bit} went unnoticed`);
      const hit = ends.findIndex((end) => at <= end) + 1;
      const named = problems[0]?.line ?? -1;
      // An edit of the last line's own prev looks like an edit of the line before it.
      if (named !== hit && !(hit === 3 && named === 2))
        throw new Error(`byte ${at}, bit ${bit}: line ${named}, not ${hit}`);
    }
  }
});

it('names the first line that was deleted, moved, repeated or cut', async () => {
  const files = await journalOf(6);
  const lines = split(files);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    expect((await judge(files, lines.toSpliced(at, 1))).problems[0]?.line).toBe(at + 1);
    expect((await judge(files, lines.toSpliced(at, 0, line))).problems[0]?.line).toBe(at + 2);
    expect((await judge(files, lines.slice(0, at))).problems[0]?.line).toBe(at + 1);
    if (at > 0) {
      const swapped = lines.toSpliced(at - 1, 2, line, lines[at - 1] ?? '');
      expect((await judge(files, swapped)).problems[0]?.line).toBe(at);
    }
  }
});

it('catches a rollback with a checkpoint kept elsewhere, and says first-seen without one', async () => {
  const directory = await scratch();
  const states: Sample[] = [];
  for (let i = 0; i < 2; i++) {
    const journal = await openJournal({ directory, signer });
    await journal.append(draft(), '');
    await journal.close();
    const files = await readJournal(directory);
    states.push({ bytes: await bytesOf(files), checkpoint: files.checkpoint });
  }
  const [older, newer] = states as [Sample, Sample];
  expect(await judge(older)).toMatchObject({ ok: true, history: 'first-seen' });
  const previous = newer.checkpoint;
  expect(await judge(older, older.bytes, { previous })).toMatchObject({
    ok: false,
    state: 'broken',
    history: 'broken',
    problems: [expect.objectContaining({ code: 'journal.rolled-back', line: 3 })],
  });
  const extended = await judge(newer, newer.bytes, { previous: older.checkpoint });
  expect(extended).toMatchObject({ ok: true, history: 'extends' });
});

it('believes an earlier checkpoint for as much as it covers, where the own one is lost', async () => {
  const files = await journalOf(3);
  const lost = { ...files, checkpoint: undefined };
  expect(await judge(lost)).toMatchObject({ ok: false, state: 'adopted', key: 'unsigned' });
  const { checkpoint: previous } = files;
  expect(await judge(lost, files.bytes, { previous })).toMatchObject({
    ok: true,
    state: 'sealed',
    key: 'pinned',
  });
});

it('believes no whole rewrite, foreign key, foreign host or missing signature', async () => {
  const files = await journalOf(3);
  const rewritten = await journalOf(3, null);
  const forged = { bytes: rewritten.bytes, checkpoint: files.checkpoint };
  expect((await judge(forged)).problems[0]?.code).toBe('journal.rewritten');
  expect(await judge(rewritten)).toMatchObject({ ok: false, key: 'unsigned', state: 'adopted' });
  const strange = await journalOf(1 + 1, generateSigner('agilab-guardrails/test'));
  expect(await judge(strange)).toMatchObject({ ok: false, key: 'unpinned', state: 'adopted' });
  const elsewhere = [{ vkey: signer.vkey, host: 'another-host' }];
  expect((await judge(files, files.bytes, { pins: elsewhere })).problems[0]).toMatchObject({
    code: 'journal.wrong-producer',
    line: 1,
  });
});

it('names a record that repeats the id of another, in its right place in the chain', async () => {
  const files = await journalOf(2);
  const [first = '', second = ''] = split(files);
  const { id } = JSON.parse(first) as { id: string };
  const repeated = JSON.stringify({ ...(JSON.parse(second) as object), id });
  expect(await judge(files, [first, repeated])).toMatchObject({
    ok: false,
    problems: [{ code: 'journal.duplicate-id', line: 2 }],
    lines: [],
  });
});

it('names line 1 when the only line does not start the chain', async () => {
  const files = await journalOf(1);
  const [line = ''] = split(files);
  expect((await judge(files, [line.replace('"prev":"0', '"prev":"1')])).problems[0]?.line).toBe(1);
});

/** A journal with lines that nobody sealed, opened again: sealed 0 and 1, adopted 2 and what `more` adds. */
async function adopted(more: (bytes: Buffer) => Buffer = (bytes) => bytes): Promise<Sample> {
  const directory = await scratch();
  const first = await openJournal({ directory, signer });
  await first.append(draft(), '');
  await first.checkpoint();
  await first.append(draft(), ''); // then the writer dies, or somebody else writes
  const found = await readJournal(directory);
  const bytes = await bytesOf(found);
  await first.close();
  writeFileSync(join(directory, FIRST_SEGMENT), more(bytes));
  writeFileSync(join(directory, CHECKPOINT_FILE), found.checkpoint ?? '');
  const again = await openJournal({ directory, signer });
  await again.append(draft(), '');
  await again.close();
  const files = await readJournal(directory);
  return { bytes: await bytesOf(files), checkpoint: files.checkpoint };
}

it('adopts lines that appeared after the last seal, but never counts them as sealed', async () => {
  const verdict = await judge(await adopted());
  expect(verdict.lines.map(({ sealed }) => sealed)).toEqual([true, true, false, true, true, true]);
  expect(verdict).toMatchObject({
    ok: false,
    state: 'adopted',
    problems: [],
    unsealed: { open: 0, adopted: 1 },
  });
});

/** The line that the journal itself would write next, with other content. */
function successor(bytes: Buffer, change: (record: Record<string, unknown>) => object): string {
  const last = bytes.toString('utf8').trimEnd().split('\n').at(-1) ?? '';
  const record = JSON.parse(last) as Record<string, unknown>;
  const prev = createHash('sha256').update(last).digest('hex');
  const next = { ...record, id: uuidv7(), seq: Number(record['seq']) + 1, prev };
  return encodeLine(change(next))?.line ?? '';
}

const forgedRepair = (bytes: Buffer, name: string): string =>
  successor(bytes, ({ schema, seq, prev, id, time, monotonic, boot, host, writer, run }) => ({
    schema,
    seq,
    prev,
    id,
    time,
    monotonic,
    boot,
    host,
    writer,
    run,
    mode: 'repair',
    codes: ['journal.unsealed-tail'],
    reason: '',
    subject: { kind: 'journal-lines', name },
  }));

it.each(['0-999999999999999', '0-1', '0-2'])(
  'takes no belief from sealed lines because of a statement %s that somebody without the key appended',
  async (range) => {
    const files = await journalOf(3);
    const forged = Buffer.concat([files.bytes, Buffer.from(`${forgedRepair(files.bytes, range)}\n`)]);
    const verdict = await judge(files, forged, { now: Date.now() + 60_000 });
    expect(verdict.lines.map(({ sealed }) => sealed)).toEqual([true, true, true, false]);
    expect(verdict).toMatchObject({ ok: false, state: 'adopted', unsealed: { open: 1, adopted: 0 } });
    // Nor once the true writer has found it and sealed over it.
    const later = await judge(
      await adopted((bytes) => Buffer.concat([bytes, Buffer.from(`${forgedRepair(bytes, range)}\n`)])),
    );
    expect(later.lines.map(({ sealed }) => sealed)).toEqual([true, true, false, false, true, true, true]);
  },
);

it('is live, and not yet ok, beside a writer that has not sealed its last lines', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  await journal.append(draft(), '');
  await journal.checkpoint();
  await journal.append(draft(), '');
  const files = await readJournal(directory);
  expect(await verifyJournal(files, { pins })).toMatchObject({
    ok: false,
    state: 'live',
    unsealed: { open: 1 },
  });
  const later = await verifyJournal(files, { pins, now: Date.now() + 60_000 });
  expect(later).toMatchObject({ ok: false, state: 'adopted' });
  await journal.close();
  expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({
    ok: true,
    state: 'sealed',
  });
});

it('counts and names records that are dated before their predecessor', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  await journal.append(draft(), '');
  vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
  await journal.append(draft(), '');
  vi.useRealTimers();
  await journal.append(draft(), '');
  await journal.close();
  expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({
    ok: true,
    clockBack: { times: 1, line: 3 },
  });
});

it('gives the event loop its turn while it reads a long journal', async () => {
  const journal = await journalOf(2);
  const line = split(journal)[1] ?? '';
  const long = Buffer.from(`${line}\n`.repeat(200_000));
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await judge(journal, long, { primitives: native });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});

it('says the same with portable and with native hashing', async () => {
  const files = await journalOf(4);
  expect(await judge(files, files.bytes, { primitives: native })).toEqual(
    await judge(files, files.bytes, { primitives: portable }),
  );
});
