// Lines that the operator took away, by a sealed record, and lines that somebody else did.
import { readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseCheckpoint, signCheckpoint } from '../../src/evidence/checkpoint.ts';
import { verifyConsistency } from '../../src/evidence/consistency.ts';
import { exportJournal } from '../../src/evidence/exports/export.ts';
import { HeadMemory } from '../../src/evidence/head-memory.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import {
  CHECKPOINT_FILE,
  HEAD_FILE,
  readJournal,
  START_FILE,
  segmentName,
  segmentsIn,
} from '../../src/evidence/journal-files.ts';
import { loadPins, loadSigner } from '../../src/evidence/key-store.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { proveConsistency, proveGrowth, proveRecord } from '../../src/evidence/prove.ts';
import { retireLines } from '../../src/evidence/retire.ts';
import { ensureSigner, journalDirectory } from '../../src/evidence/state.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import type { VerifyOptions } from '../../src/evidence/verify.ts';
import { verifyDirectory, verifyJournal } from '../../src/evidence/verify-native.ts';
import { draft, IN_MEMORY, runKilled, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
const coded = (code: string): unknown => expect.objectContaining({ code });
const judge = (directory: string, options: Partial<VerifyOptions> = {}): Promise<JournalVerdict> =>
  verifyDirectory(directory, { pins, ...options });

async function append(directory: string, count: number): Promise<void> {
  const journal = await openJournal({ directory, signer, segmentBytes: 9_000 });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
}

/** A journal of several files, its older half retired, and the checkpoint from before. */
async function retired(): Promise<{ directory: string; keepFrom: number; before: string }> {
  const directory = await scratch(IN_MEMORY);
  await append(directory, 60);
  const before = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
  const firsts = await segmentsIn(directory);
  const keepFrom = firsts[Math.floor(firsts.length / 2)] ?? 0;
  expect(await retireLines({ directory, signer, keepFrom, pins })).toBe(keepFrom);
  return { directory, keepFrom, before };
}

it('verifies from where it now begins, goes on, and can be retired again', async () => {
  const { directory, keepFrom, before } = await retired();
  expect((await segmentsIn(directory))[0]).toBe(keepFrom);
  const verdict = await judge(directory, { previous: before });
  expect(verdict).toMatchObject({ ok: true, state: 'sealed', history: 'extends', problems: [] });
  expect(verdict.lines[0]?.line).toBe(keepFrom + 1);
  await append(directory, 20);
  rmSync(join(directory, HEAD_FILE)); // by all lines, too
  await append(directory, 20);
  expect(await judge(directory)).toMatchObject({ ok: true, problems: [] });
  const again = (await segmentsIn(directory)).at(-2) ?? 0;
  await retireLines({ directory, signer, keepFrom: again, pins });
  expect(await judge(directory)).toMatchObject({ ok: true, problems: [] });
});

it('is finished, or begun again, by the next call wherever it was killed', async () => {
  let code: number | null = null;
  for (let steps = 0; code !== 0; steps++) {
    expect(steps).toBeLessThan(60);
    const dir = await scratch(IN_MEMORY);
    await ensureSigner({ dir });
    const directory = journalDirectory(dir);
    const own = { directory, signer: () => loadSigner(dir), pins: await loadPins(dir) };
    const journal = await openJournal({ ...own, segmentBytes: 2_500 });
    for (let i = 0; i < 10; i++) await journal.append(draft(), '');
    await journal.close();
    const keepFrom = (await segmentsIn(directory)).at(-1) ?? 0;
    const call = `retireLines({
      directory: '${directory}',
      keepFrom: ${keepFrom},
      signer: async () => (await room('key-store')).loadSigner(dir),
      pins: await (await room('key-store')).loadPins(dir),
    })`;
    code = runKilled(steps, 'retire', call, dir);
    expect(await verifyDirectory(directory, own), `${steps}`).toMatchObject({ problems: [], key: 'pinned' });
    const isDone = (await segmentsIn(directory))[0] === keepFrom;
    if (!isDone) expect(await retireLines({ ...own, keepFrom })).toBeGreaterThan(0);
    expect((await segmentsIn(directory))[0]).toBe(keepFrom);
    expect(await verifyDirectory(directory, own)).toMatchObject({ problems: [], key: 'pinned' });
    await expect(retireLines({ ...own, keepFrom })).rejects.toThrow(coded('retire.no-such-file'));
  }
});

it('is exported as far as it is left', async () => {
  const { directory, keepFrom } = await retired();
  const verdict = await judge(directory);
  const events: string[] = [];
  for await (const line of exportJournal(directory, verdict, { format: 'cloudevents', version: '1' }))
    events.push(line);
  expect(events).toHaveLength(verdict.size - keepFrom);
});

it('stays provable: what is left, and that the whole extends what was kept elsewhere', async () => {
  const { directory, before } = await retired();
  await append(directory, 3);
  const { lines } = await judge(directory);
  await proveRecord(directory, lines.at(-1)?.record.id ?? '');
  expect(
    verifyConsistency(before, await proveConsistency(directory, before), [signer.vkey]).claimed.size,
  ).toBeGreaterThan(60);
});

it.each<[string, (directory: string) => void | Promise<void>]>([
  ['the start file is taken away', (at) => unlinkSync(join(at, START_FILE))],
  [
    'the start says another edge',
    (at) => {
      const path = join(at, START_FILE);
      const other = (_all: string, first: string): string => `"edge":["${first === '0' ? '1' : '0'}`;
      writeFileSync(path, readFileSync(path, 'utf8').replace(/"edge":\["(.)/, other));
    },
  ],
  ['the start is no start', (at) => writeFileSync(join(at, START_FILE), '{}')],
  [
    'one more file is taken away',
    async (at) => unlinkSync(join(at, segmentName((await segmentsIn(at))[0] ?? 0))),
  ],
])('is broken when %s', async (_what, spoil) => {
  const { directory } = await retired();
  await spoil(directory);
  expect(await judge(directory)).toMatchObject({ ok: false, state: 'broken' });
});

it('does not follow from files that somebody took away, with a start made for what is left', async () => {
  const { directory } = await retired();
  const start = readFileSync(join(directory, START_FILE));
  const other = await scratch(IN_MEMORY);
  await append(other, 60);
  const keepFrom = (await segmentsIn(other))[3] ?? 0;
  for (const first of (await segmentsIn(other)).filter((each) => each < keepFrom))
    unlinkSync(join(other, segmentName(first)));
  writeFileSync(join(other, START_FILE), start);
  expect(await judge(other)).toMatchObject({ ok: false, state: 'broken' });
  expect(readdirSync(other)).toContain(START_FILE);
});

it('cannot hide a fork: an earlier checkpoint of retired lines counts as far as the tiles bear it out', async () => {
  const directory = await scratch(IN_MEMORY);
  await append(directory, 5);
  const early = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
  await append(directory, 60);
  const keepFrom = (await segmentsIn(directory)).at(-1) ?? 0;
  await retireLines({ directory, signer, keepFrom, pins });
  expect(await judge(directory, { previous: early })).toMatchObject({ ok: true, history: 'extends' });
  const { origin, size } = parseCheckpoint(early).claimed;
  const forked = signCheckpoint({ origin, size, root: new Uint8Array(32) }, signer);
  const lost = { ok: false, history: 'broken', problems: [{ code: 'journal.rolled-back' }] };
  expect(await judge(directory, { previous: forked })).toMatchObject(lost);
  rmSync(join(directory, 'tile'), { recursive: true });
  expect(await judge(directory, { previous: early })).toMatchObject(lost);
});

it('goes on for a verifier who saw it before lines were retired, as far as its tiles show that it only grew', async () => {
  const directory = await scratch(IN_MEMORY);
  const memory = new HeadMemory(join(await scratch(IN_MEMORY), 'heads'));
  const look = (): Promise<JournalVerdict> => verifyDirectory(directory, { pins, memory });
  await append(directory, 5);
  const early = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
  expect(await look()).toMatchObject({ ok: true, history: 'first-seen' });
  await append(directory, 60);
  const keepFrom = (await segmentsIn(directory)).at(-1) ?? 0;
  await retireLines({ directory, signer, keepFrom, pins });
  const tiles = join(directory, 'tile');
  renameSync(tiles, `${tiles}.away`);
  const lost = { ok: false, problems: [{ code: 'journal.rolled-back' }] };
  expect(await look()).toMatchObject(lost);
  renameSync(`${tiles}.away`, tiles);
  // A head of the same size and key, of another past.
  const { origin, size } = parseCheckpoint(early).claimed;
  const forked = signCheckpoint({ origin, size, root: new Uint8Array(32) }, signer);
  const seen = [{ checkpoint: forked, seen: Date.now() }];
  const growth = (before: number, end: number): Promise<readonly Uint8Array[]> =>
    proveGrowth(directory, before, end);
  const files = { ...(await readJournal(directory)), growth };
  expect(await verifyJournal(files, { pins, previous: seen })).toMatchObject(lost);
  expect(await look()).toMatchObject({ ok: true, history: 'extends', problems: [] });
  expect(await look()).toMatchObject({ ok: true, history: 'extends', problems: [] });
});

it('retires nothing of a journal that does not verify, and no file that is not there', async () => {
  const directory = await scratch(IN_MEMORY);
  await append(directory, 60);
  const [, second = 0] = await segmentsIn(directory);
  await expect(retireLines({ directory, signer, keepFrom: second + 1, pins })).rejects.toThrow(
    coded('retire.no-such-file'),
  );
  await expect(retireLines({ directory, signer, keepFrom: 0, pins })).rejects.toThrow(
    coded('retire.no-such-file'),
  );
  await expect(retireLines({ directory, signer, keepFrom: second, pins: [] })).rejects.toThrow(
    coded('retire.not-verified'),
  );
  expect(await judge(directory)).toMatchObject({ ok: true });
});
