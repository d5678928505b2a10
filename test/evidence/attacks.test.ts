// The attacks that a journal is made for. Each is done to real files, and the verifier names it: alone where the bytes show
// it, and by what was seen before where only memory can.
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { signCheckpoint } from '../../src/evidence/checkpoint.ts';
import { HeadMemory } from '../../src/evidence/head-memory.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE, FIRST_SEGMENT } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { encodeLine } from '../../src/evidence/line.ts';
import { native } from '../../src/evidence/native.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { Producers } from '../../src/evidence/producers.ts';
import { Revocations } from '../../src/evidence/revocation.ts';
import { followRotations, parseRotations } from '../../src/evidence/rotation.ts';
import { Times } from '../../src/evidence/times.ts';
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
    times: new Times(),
  };
  const revocations = new Revocations(0, [], native, new Map());
  expect(followRotations([], parseRotations([note]), history, revocations, native)).toEqual([]);
  const producers = new Producers();
  const line = { ...ENVELOPE, id: '', mode: 'enforce' };
  for (const seq of many) producers.add({ ...line, host: `host-${seq}`, seq }, undefined);
  expect(producers.firstStranger({ host: 'host-0' })).toBe(1);
  expect(producers.firstStranger({ host: 'host-1' })).toBe(0);
});
