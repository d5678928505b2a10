// The attacks that a journal is made for. Each is done to real files, and the verifier names it: alone where the bytes show
// it, and by what was seen before where only memory can.
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ADOPTION_CODE } from '../../src/evidence/adopted.ts';
import { addSignature, parseCheckpoint, signCheckpoint } from '../../src/evidence/checkpoint.ts';
import { HeadMemory } from '../../src/evidence/head-memory.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE, FIRST_SEGMENT, rotationName } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { MerkleTree } from '../../src/evidence/merkle.ts';
import { native } from '../../src/evidence/native.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { Producers } from '../../src/evidence/producers.ts';
import { Revocations } from '../../src/evidence/revocation.ts';
import { followRotations, KEY_SUBJECT, parseRotations, ROTATION_CODE } from '../../src/evidence/rotation.ts';
import { Times } from '../../src/evidence/times.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import { verifyDirectory } from '../../src/evidence/verify-native.ts';
import { draft, ENVELOPE, scratch } from './support.ts';

interface Site {
  readonly directory: string;
  /** The journal as it was three records ago. */
  readonly older: string;
  readonly signer: NoteSigner;
}

async function append(directory: string, signer: NoteSigner | undefined, count = 3): Promise<void> {
  const journal = await openJournal(signer ? { directory, signer } : { directory });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
}

/** Lines, changed and then chained anew, as somebody would who knows the format but has no key. */
function rechained(lines: readonly string[]): readonly string[] {
  let prev = '0'.repeat(64);
  return lines.map((line, seq) => {
    const next = encodeLine({ ...(JSON.parse(line) as object), seq, prev })?.line ?? '';
    prev = createHash('sha256').update(next).digest('hex');
    return next;
  });
}

const edit =
  (change: (lines: readonly string[]) => readonly string[]) =>
  ({ directory }: Site): void => {
    const path = join(directory, FIRST_SEGMENT);
    const lines = change(readFileSync(path, 'utf8').trimEnd().split('\n'));
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  };

const replace = (directory: string, by: string): void => {
  rmSync(directory, { recursive: true });
  cpSync(by, directory, { recursive: true });
};

it.each<[string, string, 'bytes' | 'memory', (site: Site) => void | Promise<void>]>([
  [
    'one line is edited',
    'journal.broken-chain',
    'bytes',
    edit((lines) => lines.with(2, (lines[2] ?? '').replace('"allow"', '"error"'))),
  ],
  ['one line is deleted', 'journal.out-of-order', 'bytes', edit((lines) => lines.toSpliced(2, 1))],
  [
    'two lines change places',
    'journal.out-of-order',
    'bytes',
    edit((lines) => lines.toSpliced(2, 2, lines[3] ?? '', lines[2] ?? '')),
  ],
  [
    'the tail is cut off and the head kept',
    'journal.missing-lines',
    'bytes',
    edit((lines) => lines.slice(0, -2)),
  ],
  [
    'all is rewritten without the key',
    'journal.rewritten',
    'bytes',
    edit((lines) => rechained(lines.map((line) => line.replace('"allow"', '"error"')))),
  ],
  [
    'older files and their head are put back',
    'journal.rolled-back',
    'memory',
    ({ directory, older }) => replace(directory, older),
  ],
  [
    'a thief of the key writes another past',
    'journal.rolled-back',
    'memory',
    async ({ directory, older, signer }) => {
      replace(directory, older);
      await append(directory, signer, 9);
    },
  ],
  [
    'the journal is deleted and begun anew',
    'journal.rolled-back',
    'memory',
    async ({ directory, signer }) => {
      rmSync(directory, { recursive: true });
      await append(directory, signer, 9);
    },
  ],
])('when %s, says %s, by the %s', async (_attack, code, by, attack) => {
  const at = await scratch();
  const [directory, older] = [join(at, 'journal'), join(at, 'older')];
  const signer = generateSigner('agilab-guardrails/test');
  await append(directory, signer);
  cpSync(directory, older, { recursive: true });
  await append(directory, signer);
  const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
  const seen = { pins, memory: new HeadMemory(join(at, 'seen')) };
  expect(await verifyDirectory(directory, seen)).toMatchObject({ ok: true });
  await attack({ directory, older, signer });
  const verdict = await verifyDirectory(directory, seen);
  expect(verdict).toMatchObject({ ok: false, state: 'broken', lines: [] });
  expect(verdict.problems.map((problem) => problem.code)).toContain(code);
  // Without memory the bytes alone cannot tell the last three from a true journal, and the verdict says that it did not look.
  const alone = await verifyDirectory(directory, { pins });
  expect(alone).toMatchObject({ ok: by === 'memory', history: 'first-seen' });
});

/** Appends a line as somebody would who knows the format but has no key. */
function forge(directory: string, of: object): void {
  const path = join(directory, FIRST_SEGMENT);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  const { input: _, ...before } = JSON.parse(lines[1] ?? '') as Record<string, unknown>;
  const prev = createHash('sha256').update(last).digest('hex');
  const place = {
    ...ENVELOPE,
    host: before['host'],
    run: before['run'],
    time: new Date().toISOString(),
    prev,
  };
  const { line = '' } = encodeLine({ ...place, seq: lines.length, ...of }) ?? {};
  expect(line).not.toBe('');
  writeFileSync(path, `${lines.join('\n')}\n${line}\n`);
}
const decision = (of: object): object => ({
  ...draft(),
  input: { digest: 'c'.repeat(64), redacted: [''] },
  ...of,
});

describe('a line that somebody appends without the key', () => {
  it.each<[string, () => object]>([
    ['no other machine', () => decision({})],
    ['another host', () => decision({ host: 'elsewhere', run: 'another' })],
    ['a time long ago', () => decision({ time: '2010-01-01T00:00:00.000Z' })],
    ['a time to come', () => decision({ time: '2999-01-01T00:00:00.000Z' })],
  ])('and that names %s takes belief from no other line', async (_what, line) => {
    const directory = join(await scratch(), 'journal');
    const signer = generateSigner('agilab-guardrails/test');
    await append(directory, signer);
    const hour = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const pins = [
      { vkey: signer.vkey, host: processIdentity().host, notBefore: hour(-1), notAfter: hour(1) },
    ];
    forge(directory, line());
    const judged = async (): Promise<unknown> => {
      const { problems, key, lines } = await verifyDirectory(directory, { pins });
      return { problems, key, unsealed: lines.filter(({ sealed }) => !sealed).map((each) => each.line) };
    };
    const alone = { problems: [], key: 'pinned', unsealed: [5] };
    expect(await judged()).toEqual(alone);
    await append(directory, signer, 1);
    expect(await judged()).toEqual(alone);
  });

  it('hands the journal over to nobody', async () => {
    const directory = join(await scratch(), 'journal');
    const [signer, thief] = [generateSigner('agilab-guardrails/test'), generateSigner('agilab-guardrails/x')];
    const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
    await append(directory, signer);
    const subject = { kind: KEY_SUBJECT, name: thief.vkey };
    forge(directory, { id: uuidv7(), mode: 'repair', codes: [ROTATION_CODE], reason: 'x', subject });
    await append(directory, signer, 1);
    // The writer has adopted and sealed that line; now its seal with a second signature below, and a journal of one's own.
    const note = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
    const { size, origin } = parseCheckpoint(note).claimed;
    writeFileSync(join(directory, rotationName(size)), addSignature(note, thief));
    forge(directory, decision({ reason: 'made up' }));
    const tree = new MerkleTree(native.sha256);
    const lines = readFileSync(join(directory, FIRST_SEGMENT), 'utf8').trimEnd().split('\n');
    for (const line of lines) tree.append(Buffer.from(line));
    const head = { origin, size: lines.length, root: tree.root() };
    writeFileSync(join(directory, CHECKPOINT_FILE), signCheckpoint(head, thief));
    expect(await verifyDirectory(directory, { pins })).toMatchObject({ ok: false, key: 'unpinned' });
  });

  it('is covered by no seal that does not cover what is said of it, however many tails a crash has left', async () => {
    const directory = join(await scratch(), 'journal');
    const signer = generateSigner('agilab-guardrails/test');
    await append(directory, signer);
    forge(directory, decision({}));
    for (let tail = 0; tail < 3; tail++)
      writeFileSync(join(directory, `torn-4-${tail}.unrecorded`), 'x', { mode: 0o600 });
    await append(directory, signer, 0);
    const modes = readFileSync(join(directory, FIRST_SEGMENT), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { mode: string; codes?: readonly string[] })
      .map(({ mode, codes = [] }) => codes[0] ?? mode);
    expect(modes.slice(5)).toEqual(['run', ADOPTION_CODE, ...Array(3).fill('journal.torn-tail')]);
  });
});

it('when the checkpoint is taken away, believes nothing without memory, and as much as it saw with it', async () => {
  const at = await scratch();
  const directory = join(at, 'journal');
  const signer = generateSigner('agilab-guardrails/test');
  await append(directory, signer);
  const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
  const memory = new HeadMemory(join(at, 'seen'));
  await verifyDirectory(directory, { pins, memory });
  rmSync(join(directory, CHECKPOINT_FILE));
  expect(await verifyDirectory(directory, { pins })).toMatchObject({ ok: false, key: 'unsigned' });
  expect(await verifyDirectory(directory, { pins, memory })).toMatchObject({ ok: true, history: 'extends' });
});

it('with more keys and hosts than a call takes arguments is judged all the same', () => {
  const many = Array.from({ length: 200_000 }, (_, seq) => seq);
  const note = signCheckpoint(
    { origin: 'x', size: many.length, root: Buffer.alloc(32) },
    generateSigner('x'),
  );
  const history = {
    rootAt: new Map<number, string>(),
    successors: new Map(many.map((seq) => [seq, 'x'])),
    statements: [],
    times: new Times(),
  };
  const revocations = new Revocations(0, [], native, new Map());
  expect(followRotations([], parseRotations([note]), history, revocations, native)).toEqual([]);
  const producers = new Producers();
  const line = { ...ENVELOPE, id: '', mode: 'enforce', text: '' };
  for (const seq of many) producers.add({ ...line, host: `host-${seq}`, seq }, undefined);
  expect(producers.firstStranger({ host: 'host-0' })).toBe(1);
  expect(producers.firstStranger({ host: 'host-1' })).toBe(0);
});
