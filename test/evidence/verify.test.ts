// What verifyJournal says of a journal that somebody changed: every bit, every line, and the whole of it.
import { expect, it } from 'vitest';
import { processIdentity } from '../../src/evidence/identity.ts';
import { readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { type JournalFiles, type JournalVerdict, verifyJournal } from '../../src/evidence/verify.ts';
import { draft, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];

async function journalOf(count: number, key: typeof signer | null = signer): Promise<JournalFiles> {
  const directory = await scratch();
  const journal = await openJournal(key ? { directory, signer: key } : { directory });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
  return readJournal(directory);
}

const split = ({ journal }: JournalFiles): string[] =>
  Buffer.from(journal).toString('utf8').split('\n').slice(0, -1);
const judged = (files: JournalFiles, lines: readonly string[]): JournalVerdict =>
  verifyJournal({ ...files, journal: Buffer.from(lines.map((line) => `${line}\n`).join('')) }, { pins });

it('detects every flipped bit and names the line, or its neighbour where only the chain can tell', async () => {
  const files = await journalOf(3);
  const ends = [...files.journal].flatMap((byte, at) => (byte === 10 ? [at] : []));
  expect(verifyJournal(files, { pins })).toMatchObject({ ok: true, problems: [], key: 'pinned' });
  for (let bit = 0; bit < files.journal.length * 8; bit++) {
    const journal = Buffer.from(files.journal);
    const at = bit >> 3;
    journal[at] = (journal[at] ?? 0) ^ (1 << (bit & 7));
    const { ok, problems, lines } = verifyJournal({ ...files, journal }, { pins });
    if (ok || lines.length > 0) throw new Error(`bit ${bit} went unnoticed`);
    const hit = ends.findIndex((end) => at <= end) + 1;
    const named = problems[0]?.line ?? -1;
    // An edit of the last line's own prev looks like an edit of the line before it.
    if (named !== hit && !(hit === ends.length && named === hit - 1))
      throw new Error(`bit ${bit}: line ${named}, not ${hit}`);
  }
}, 120_000);

it('names the first line that was deleted, moved, repeated or cut', async () => {
  const files = await journalOf(6);
  const lines = split(files);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    expect(judged(files, lines.toSpliced(at, 1)).problems[0]?.line).toBe(at + 1);
    expect(judged(files, lines.toSpliced(at, 0, line)).problems[0]?.line).toBe(at + 2);
    expect(judged(files, lines.slice(0, at)).problems[0]?.line).toBe(at + 1);
    if (at > 0) {
      const swapped = lines.toSpliced(at - 1, 2, line, lines[at - 1] ?? '');
      expect(judged(files, swapped).problems[0]?.line).toBe(at);
    }
  }
});

it('catches a rollback with a checkpoint kept elsewhere, and says first-seen without one', async () => {
  const directory = await scratch();
  const states: JournalFiles[] = [];
  for (let i = 0; i < 2; i++) {
    const journal = await openJournal({ directory, signer });
    await journal.append(draft(), '');
    await journal.close();
    states.push(await readJournal(directory));
  }
  const [older, newer] = states as [JournalFiles, JournalFiles];
  expect(verifyJournal(older, { pins })).toMatchObject({ ok: true, history: 'first-seen' });
  const previous = newer.checkpoint;
  expect(verifyJournal(older, { pins, previous })).toMatchObject({
    ok: false,
    problems: [expect.objectContaining({ code: 'journal.rolled-back', line: 3 })],
  });
  expect(verifyJournal(newer, { pins, previous: older.checkpoint })).toMatchObject({
    ok: true,
    history: 'extends',
  });
});

it('believes no whole rewrite, foreign key, foreign host or missing signature', async () => {
  const files = await journalOf(3);
  const rewritten = await journalOf(3, null);
  const forged = { journal: rewritten.journal, checkpoint: files.checkpoint };
  expect(verifyJournal(forged, { pins }).problems[0]?.code).toBe('journal.rewritten');
  expect(verifyJournal(rewritten, { pins })).toMatchObject({ ok: false, key: 'unsigned' });
  const strange = await journalOf(1, generateSigner('agilab-guardrails/test'));
  expect(verifyJournal(strange, { pins })).toMatchObject({ ok: false, key: 'unpinned' });
  const elsewhere = [{ vkey: signer.vkey, host: 'another-host' }];
  expect(verifyJournal(files, { pins: elsewhere }).problems[0]).toMatchObject({
    code: 'journal.wrong-producer',
    line: 1,
  });
});

it('names a record that repeats the id of another, in its right place in the chain', async () => {
  const files = await journalOf(2);
  const [run = '', first = '', second = ''] = split(files);
  const { id } = JSON.parse(first) as { id: string };
  const repeated = JSON.stringify({ ...(JSON.parse(second) as object), id });
  expect(judged(files, [run, first, repeated])).toMatchObject({
    ok: false,
    problems: [{ code: 'journal.duplicate-id', line: 3 }],
    lines: [],
  });
});

it('names line 1 when the only line does not start the chain', async () => {
  const files = await journalOf(1);
  const [line = ''] = split(files);
  expect(judged(files, [line.replace('"prev":"0', '"prev":"1')]).problems[0]?.line).toBe(1);
});

it('adopts lines that appeared after the last seal, but never counts them as sealed', async () => {
  const directory = await scratch();
  const first = await openJournal({ directory, signer });
  await first.append(draft(), '');
  await first.checkpoint();
  await first.append(draft(), ''); // then the writer dies, or somebody else writes
  const { journal, checkpoint } = await readJournal(directory);
  await first.close();
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${directory}/journal.jsonl`, journal);
  await writeFile(`${directory}/checkpoint`, checkpoint ?? '');
  await (await openJournal({ directory, signer })).close();
  const verdict = verifyJournal(await readJournal(directory), { pins });
  expect(verdict.lines.map(({ sealed }) => sealed)).toEqual([
    true, // the run record
    true,
    false,
    true, // the run record of the second opening
    true, // what it repaired
  ]);
});
