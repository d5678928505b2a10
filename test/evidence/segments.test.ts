// One tree over many files: cut at a seal, continued from the head, and what a crash leaves behind the last seal.
import {
  appendFileSync,
  chmodSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parseCheckpoint } from '../../src/evidence/checkpoint.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import type { Journal } from '../../src/evidence/journal.ts';
import {
  CHECKPOINT_FILE,
  HEAD_FILE,
  readJournal,
  segmentName,
  segmentsIn,
} from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { type JournalOptions, openJournal } from '../../src/evidence/open-journal.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { draft, errno, IN_MEMORY, replaceCall, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
const coded = (code: string): unknown => expect.objectContaining({ code });
const judge = async (directory: string): Promise<JournalVerdict> =>
  verifyJournal(await readJournal(directory), { pins });

/** Opens, appends one by one and closes. */
async function append(
  directory: string,
  count: number,
  options: Partial<JournalOptions> = {},
): Promise<void> {
  const journal = await openJournal({ directory, signer, ...options });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
}

/** A journal of 60 lines and three openings in files of about ten lines. */
async function segmented(): Promise<string> {
  const directory = await scratch(IN_MEMORY);
  for (let i = 0; i < 3; i++) await append(directory, 19, { segmentBytes: 9_000 });
  return directory;
}

it('can be opened again, with all that it acknowledged, whichever sync has failed', async () => {
  let isOver = false;
  for (let fault = 0; !isOver; fault++) {
    expect(fault).toBeLessThan(200);
    const directory = await scratch(IN_MEMORY);
    let left = fault;
    const restore = await replaceCall(
      'sync',
      (real) =>
        async function (this: unknown) {
          if (left-- === 0) throw errno('EIO');
          return real(this, []);
        },
    );
    const acknowledged: string[] = [];
    const append = async (journal: Journal): Promise<void> => {
      acknowledged.push((await journal.append(draft(), '')).id);
    };
    const journal = await openJournal({ directory, signer, segmentBytes: 2_500 }).catch(() => undefined);
    for (let i = 0; i < 8; i++) await (journal && append(journal))?.catch(() => {});
    await journal?.close().catch(() => {});
    isOver = left >= 0;
    restore();
    await using again = await openJournal({ directory, signer });
    await append(again);
    await again.close();
    const { problems, key, lines } = await judge(directory);
    expect({ problems, key }, `${fault}`).toEqual({ problems: [], key: 'pinned' });
    const kept = new Set(lines.map(({ record }) => record.id));
    expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  }
});

it('goes on in a new file once one is full, closes the old one, and is one journal', async () => {
  const directory = await segmented();
  const firsts = await segmentsIn(directory);
  expect(firsts.length).toBeGreaterThan(4);
  const modes = firsts.map((first) => statSync(join(directory, segmentName(first))).mode & 0o777);
  expect(modes).toEqual([...firsts.slice(1).map(() => 0o400), 0o600]);
  const lines = firsts.map(
    (first) => readFileSync(join(directory, segmentName(first)), 'utf8').split('\n').length - 1,
  );
  expect(firsts.slice(1)).toEqual(firsts.slice(1).map((_first, at) => (firsts[at] ?? 0) + (lines[at] ?? 0)));
  expect(await judge(directory)).toMatchObject({ ok: true, size: 60, problems: [] });
});

it.each<[string, string, (directory: string, firsts: readonly number[]) => void]>([
  [
    'a file in the middle is gone',
    'journal.missing-segment',
    (at, [, second]) => unlinkSync(join(at, segmentName(second ?? 0))),
  ],
  [
    'the last file is gone',
    'journal.missing-lines',
    (at, firsts) => unlinkSync(join(at, segmentName(firsts.at(-1) ?? 0))),
  ],
  [
    'the first file is gone',
    'journal.missing-segment',
    (at, [first]) => unlinkSync(join(at, segmentName(first ?? 0))),
  ],
  [
    'a closed file was cut',
    'journal.missing-segment',
    (at, [, second]) => truncateSync(join(at, segmentName(second ?? 0)), 500),
  ],
  [
    'a line was added to a closed file',
    'journal.not-a-record',
    (at, [, second]) => appendFileSync(join(at, segmentName(second ?? 0)), '{}\n'),
  ],
])('says so when %s', async (_what, code, spoil) => {
  const directory = await segmented();
  const segments = await segmentsIn(directory);
  for (const first of segments) chmodSync(join(directory, segmentName(first)), 0o600); // closed ones are read-only
  spoil(directory, segments);
  const verdict = await judge(directory);
  expect(verdict).toMatchObject({ ok: false, state: 'broken', lines: [] });
  expect(verdict.problems.map((problem) => problem.code)).toContain(code);
});

it('is opened without a look at closed files, and by all lines where the head is lost or says something else', async () => {
  const directory = await segmented();
  const head = readFileSync(join(directory, HEAD_FILE), 'utf8');
  const spoiled: readonly string[] = [
    '',
    'no json',
    head.slice(0, 100),
    head.replace(/"edge":\["./, '"edge":["0'),
    head.replace(/"offset":\d+/g, '"offset":7'),
    head.replace(/"segment":\d+/g, '"segment":3'),
  ];
  for (const content of spoiled) {
    writeFileSync(join(directory, HEAD_FILE), content);
    await append(directory, 1);
    expect(await judge(directory), content).toMatchObject({ ok: true, problems: [] });
  }
  rmSync(join(directory, HEAD_FILE));
  await append(directory, 1);
  expect(await judge(directory)).toMatchObject({ ok: true, problems: [] });
  // What is sealed is for the verifier; a writer that looked at it would take longer each day.
  const [first = 0] = await segmentsIn(directory);
  rmSync(join(directory, segmentName(first)));
  await append(directory, 1);
  expect((await judge(directory)).ok).toBe(false);
});

it('falls back to the older head where a crash came between the head and the checkpoint', async () => {
  const directory = await segmented();
  const checkpoint = readFileSync(join(directory, CHECKPOINT_FILE));
  const journal = await openJournal({ directory, signer });
  await journal.append(draft(), '');
  await journal.checkpoint();
  const sealedOnce = readFileSync(join(directory, CHECKPOINT_FILE));
  await journal.append(draft(), '');
  await journal.close();
  writeFileSync(join(directory, CHECKPOINT_FILE), sealedOnce);
  const [first = 0] = await segmentsIn(directory);
  rmSync(join(directory, segmentName(first))); // so that reading all lines would fail
  await append(directory, 1);
  expect(parseCheckpoint(readFileSync(join(directory, CHECKPOINT_FILE), 'utf8')).claimed.size).toBe(66);
  expect(checkpoint.equals(sealedOnce)).toBe(false);
});

it.each<[string, (end: number) => { readonly cut?: number; readonly add?: Buffer }]>([
  ['half a line', () => ({ add: Buffer.from('{"schema":"agilab.gu') })],
  ['a zeroed page', () => ({ add: Buffer.alloc(4_096) })],
  [
    'a zeroed page with a line behind it',
    () => ({ add: Buffer.concat([Buffer.alloc(4_096), Buffer.from('\n{}\n')]) }),
  ],
  ['lines that are no records', () => ({ add: Buffer.from('a\nb\nc\n') })],
  ['only newlines', () => ({ add: Buffer.from('\n\n\n') })],
])('sets %s behind the last seal aside and records it', async (_what, change) => {
  const directory = await segmented();
  const path = join(directory, segmentName((await segmentsIn(directory)).at(-1) ?? 0));
  const { add = Buffer.alloc(0) } = change(statSync(path).size);
  appendFileSync(path, add);
  expect(await judge(directory)).toMatchObject({ ok: false, state: 'broken' });
  await append(directory, 1);
  const verdict = await judge(directory);
  expect(verdict).toMatchObject({ ok: true, size: 63 }); // a run, what was set aside, a record
  const [side = ''] = readdirSync(directory).filter((name) => name.startsWith('torn-60-'));
  expect(readFileSync(join(directory, side)).equals(add)).toBe(true);
  expect(verdict.lines.some(({ record }) => record.mode === 'repair' && record.subject?.name === side)).toBe(
    true,
  );
});

it('seals at once what it repaired, and clears away what a killed writer was about to replace a file with', async () => {
  const directory = await scratch();
  await append(directory, 1);
  appendFileSync(join(directory, segmentName(0)), '{"torn');
  writeFileSync(join(directory, '.head.0123456789abcdef.draft'), '');
  const journal = await openJournal({ directory, signer });
  expect(await judge(directory)).toMatchObject({ ok: true, size: 4, unsealed: { open: 0 } });
  expect(readdirSync(directory).filter((name) => name.endsWith('.draft'))).toEqual([]);
  await journal.close();
});

it('never continues a journal whose sealed lines were changed, and says which line it is where it reads it', async () => {
  const directory = await scratch();
  await append(directory, 3);
  rmSync(join(directory, HEAD_FILE));
  const path = join(directory, segmentName(0));
  const before = readFileSync(path, 'utf8');
  writeFileSync(path, before.replace('"decision":"allow"', '"decision":"error"'));
  await expect(openJournal({ directory, signer })).rejects.toThrow(coded('journal.tampered'));
  writeFileSync(path, before.slice(0, -200));
  await expect(openJournal({ directory, signer })).rejects.toThrow(coded('journal.tampered'));
  unlinkSync(path);
  await expect(openJournal({ directory, signer })).rejects.toThrow(coded('journal.tampered'));
});

it('is sealed within a second also under a load that never pauses', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  let done = false;
  let sizes: readonly number[] = [];
  const load = Array.from({ length: 32 }, async () => {
    while (!done) await journal.append(draft(), '');
  });
  const until = Date.now() + 3_500;
  while (Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const note = await readJournal(directory).then(({ checkpoint }) => checkpoint);
    const size = note === undefined ? 0 : parseCheckpoint(note).claimed.size;
    if (size !== sizes.at(-1)) sizes = [...sizes, size];
  }
  expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(1);
  expect(await journal.checkpoint()).toContain('agilab-guardrails/');
  done = true;
  await Promise.all(load);
  await journal.close();
  expect(await judge(directory)).toMatchObject({ ok: true });
});

it('refuses a second record with one id, and goes on', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  const once = draft();
  const twice = draft();
  await journal.append(once, '');
  await expect(journal.append(once, '')).rejects.toThrow(coded('journal.duplicate-id'));
  const both = await Promise.allSettled([journal.append(twice, ''), journal.append(twice, '')]);
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await journal.close();
  const again = await openJournal({ directory, signer });
  await expect(again.append(once, '')).rejects.toThrow(coded('journal.duplicate-id'));
  await again.append(draft(), '');
  await again.close();
  expect(await judge(directory)).toMatchObject({ ok: true, size: 5 });
});

it('takes a record made after the clock was set back before the last line', async () => {
  const directory = await scratch();
  await append(directory, 1);
  vi.useFakeTimers({ now: Date.now() - 3_600_000, toFake: ['Date'] });
  const journal = await openJournal({ directory, signer });
  const late = draft();
  vi.useRealTimers();
  await journal.append(late, '');
  await journal.close();
  expect(await judge(directory)).toMatchObject({ ok: true, problems: [] });
});

it.each([
  ['a control character of a terminal', 'a\u009b31mb'],
  ['a line end of Python', 'a\u0085b\u2028c'],
  ['a right-to-left override', 'a\u202eb'],
])('keeps %s as an escape', async (_what, reason) => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  expect(await journal.append(draft({ reason }), '')).toMatchObject({ reason });
  await journal.close();
  expect(readFileSync(join(directory, segmentName(0)), 'utf8')).not.toMatch(/[\u0080-\u009f\u2028\u202e]/);
  expect((await judge(directory)).lines.at(-1)?.record).toMatchObject({ reason });
});

it('reads a line that is half written when it comes by until it is whole', async () => {
  const directory = await scratch();
  await append(directory, 2);
  const path = join(directory, segmentName(0));
  const bytes = readFileSync(path);
  const end = bytes.subarray(0, -1).lastIndexOf(10) + 101;
  writeFileSync(path, bytes.subarray(0, end));
  const verdict = judge(directory);
  await new Promise((resolve) => setTimeout(resolve, 30));
  appendFileSync(path, bytes.subarray(end));
  expect(await verdict).toMatchObject({ ok: true, problems: [] });
});
