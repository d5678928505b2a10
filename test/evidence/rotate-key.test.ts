// Keys that change hands, end, or are believed no more; and a machine that is renamed.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { signCheckpoint } from '../../src/evidence/checkpoint.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { CHECKPOINT_FILE, readJournal, rotationName, segmentsIn } from '../../src/evidence/journal-files.ts';
import { loadPins, loadSigner } from '../../src/evidence/key-store.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { Pin } from '../../src/evidence/pin.ts';
import { retireLines } from '../../src/evidence/retire.ts';
import { rotateKey } from '../../src/evidence/rotate-key.ts';
import { journalDirectory, openState } from '../../src/evidence/state.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { leftOut } from '../left-out.ts';
import { draft, runKilled, scratch } from './support.ts';

const { host, machine } = processIdentity();

async function append(dir: string, count = 2): Promise<void> {
  const journal = await openState({ dir });
  for (let i = 0; i < count; i++) await journal.append(draft(), '');
  await journal.close();
}

const judge = async (dir: string, pins: readonly Pin[]): Promise<JournalVerdict> =>
  verifyJournal(await readJournal(journalDirectory(dir)), { pins });

it('hands the journal over, twice, and whoever pinned the first key can follow', async () => {
  const dir = await scratch();
  await append(dir);
  const first = await loadSigner(dir);
  for (let i = 0; i < 2; i++) {
    const next = await rotateKey({ dir });
    expect((await loadSigner(dir)).vkey).toBe(next.vkey);
    // At once too, while the checkpoint of both keys is the newest.
    expect(await judge(dir, await loadPins(dir))).toMatchObject({ ok: true, problems: [] });
    await append(dir);
    for (const vkey of [first.vkey, next.vkey]) {
      const verdict = await judge(dir, [{ vkey, host, machine }]);
      expect(verdict).toMatchObject({ ok: true, key: 'pinned', signer: next.vkey, problems: [] });
    }
  }
  const pins = await loadPins(dir);
  expect(pins.map(({ notAfter }) => notAfter !== undefined)).toEqual([true, true, false]);
  expect(await judge(dir, pins)).toMatchObject({ ok: true });
  expect(
    await judge(dir, [{ vkey: generateSigner('agilab-guardrails/x').vkey, host, machine }]),
  ).toMatchObject({
    ok: false,
    key: 'unpinned',
  });
});

it('cannot be led to another key by whoever writes to the directory without a key', async () => {
  const dir = await scratch();
  await append(dir);
  const first = await loadSigner(dir);
  await rotateKey({ dir });
  await append(dir);
  const journal = journalDirectory(dir);
  const [name = ''] = readdirSync(journal).filter((each) => each.startsWith('rotation-'));
  const note = readFileSync(join(journal, name), 'utf8');
  const pins = [{ vkey: first.vkey, host, machine }];
  const without = async (content: string | undefined): Promise<JournalVerdict> => {
    if (content === undefined) rmSync(join(journal, name));
    else writeFileSync(join(journal, name), content, { mode: 0o600 });
    return judge(dir, pins);
  };
  const lines = note.split('\n');
  expect(await judge(dir, pins)).toMatchObject({ ok: true });
  // One signature only, that of the old or of the new key; a size that was not signed; nothing.
  for (const content of [
    lines.toSpliced(4, 1).join('\n'),
    lines.toSpliced(5, 1).join('\n'),
    note.replace(/\n\d+\n/, '\n2\n'),
    '',
  ])
    expect(await without(content)).toMatchObject({ ok: false, key: 'unpinned' });
  expect(await without(undefined)).toMatchObject({ ok: false, key: 'unpinned' });
});

it('goes on with a rotation that was interrupted after the journal went over', async () => {
  const dir = await scratch();
  await append(dir);
  const { adoptNextSigner } = await import('../../src/evidence/key-store.ts');
  const before = readFileSync(join(dir, 'signing-key.pem'));
  const next = await rotateKey({ dir });
  // As if the last step had not come: the old key is the present one, the next one lies beside it.
  writeFileSync(join(dir, 'signing-key.next.pem'), readFileSync(join(dir, 'signing-key.pem')), {
    mode: 0o600,
  });
  writeFileSync(join(dir, 'signing-key.pem'), before, { mode: 0o600 });
  await append(dir);
  expect((await rotateKey({ dir })).vkey).toBe(next.vkey);
  expect(await judge(dir, await loadPins(dir))).toMatchObject({ ok: true, problems: [] });
  await expect(adoptNextSigner(dir)).rejects.toThrow('ENOENT');
  await append(dir);
  expect(await judge(dir, await loadPins(dir))).toMatchObject({ ok: true });
});

it('loses no journal to writers and rotations that come at the same time', async () => {
  for (let round = 0; round < 3; round++) {
    const dir = await scratch();
    await append(dir, 1);
    const [first, second] = await Promise.all([
      rotateKey({ dir }),
      rotateKey({ dir }),
      ...Array.from({ length: 6 }, () => append(dir, 1)),
    ]);
    expect(first.vkey).not.toBe(second.vkey);
    await append(dir, 1);
    expect(await judge(dir, await loadPins(dir))).toMatchObject({ ok: true, problems: [] });
    expect(await loadPins(dir)).toHaveLength(3);
  }
});

it('changes nothing where the journal cannot be opened', async () => {
  const dir = await scratch();
  await append(dir);
  writeFileSync(join(journalDirectory(dir), CHECKPOINT_FILE), 'x');
  const before = readdirSync(dir);
  await expect(rotateKey({ dir })).rejects.toMatchObject({ code: 'checkpoint.malformed' });
  expect(readdirSync(dir)).toEqual(before);
});

it('is asked for its key once nobody else can rotate it', async () => {
  const dir = await scratch();
  await append(dir);
  const directory = journalDirectory(dir);
  const seen: string[] = [];
  const signer = async (): Promise<NoteSigner> => {
    seen.push(...readdirSync(directory).filter((name) => name.startsWith('lock,')));
    return loadSigner(dir);
  };
  await (await openJournal({ directory, signer })).close();
  expect(seen).toHaveLength(1);
});

it('goes on wherever a rotation was killed, and leaves no private key behind', async () => {
  let code: number | null = null;
  for (let steps = 0; code !== 0; steps++) {
    expect(steps).toBeLessThan(40);
    const dir = await scratch();
    await append(dir, 1);
    code = runKilled(steps, 'rotate-key', 'rotateKey({ dir })', dir);
    await append(dir, 1);
    // Lines that were not sealed yet are nobody's; of all others the keys answer.
    const judged = async (): Promise<JournalVerdict> => judge(dir, await loadPins(dir));
    expect(await judged(), `${steps}`).toMatchObject({ problems: [], key: 'pinned', unsealed: { open: 0 } });
    const next = await rotateKey({ dir });
    await append(dir, 1);
    expect(await judged()).toMatchObject({ problems: [], key: 'pinned', signer: next.vkey });
    const open = (await loadPins(dir)).filter(
      ({ notAfter }) => notAfter === undefined || Date.parse(notAfter) > Date.now(),
    );
    expect(open.map(({ vkey }) => vkey)).toEqual([next.vkey]);
    expect(readdirSync(dir).sort()).toEqual(['journal', 'pins.json', 'signing-key.pem']);
  }
});

it('believes nothing that a revoked key alone signed, from its time on', async () => {
  const dir = await scratch();
  await append(dir);
  const { vkey } = await loadSigner(dir);
  const revoked = new Date(Date.now() - 1_000).toISOString();
  expect(await judge(dir, [{ vkey, host, machine, revoked }])).toMatchObject({
    ok: false,
    key: 'revoked',
    state: 'adopted',
  });
  const files = await readJournal(journalDirectory(dir));
  const seen = { pins: [{ vkey, host, machine, revoked }], previous: files.checkpoint };
  expect(await verifyJournal(files, seen)).toMatchObject({ ok: false, key: 'revoked', history: 'extends' });
  const later = new Date(Date.now() + 60_000).toISOString();
  expect(await judge(dir, [{ vkey, host, machine, revoked: later }])).toMatchObject({ ok: true });
});

it('names lines that are dated outside of the time that their key is pinned for', async () => {
  const dir = await scratch();
  await append(dir);
  const { vkey } = await loadSigner(dir);
  const [past, future] = [-60_000, 60_000].map((millis) => new Date(Date.now() + millis).toISOString());
  expect(await judge(dir, [{ vkey, host, machine, notBefore: past, notAfter: future }])).toMatchObject({
    ok: true,
  });
  for (const pin of [{ notBefore: future }, { notAfter: past }])
    expect((await judge(dir, [{ vkey, host, machine, ...pin }])).problems).toMatchObject([
      { code: 'journal.outside-validity' },
    ]);
});

describe('keys that follow each other', () => {
  /** A journal that went over to another key; the keys, and times before, between and after. */
  async function handedOver(): Promise<{
    readonly dir: string;
    readonly keys: readonly [string, string];
    readonly times: readonly [string, string, string];
  }> {
    const dir = await scratch();
    const now = async (): Promise<string> => {
      await sleep(2); // times are whole milliseconds
      return new Date().toISOString();
    };
    const before = await now();
    await append(dir);
    const first = await loadSigner(dir);
    const next = await rotateKey({ dir });
    const between = await now();
    await append(dir);
    return { dir, keys: [first.vkey, next.vkey], times: [before, between, await now()] };
  }
  const outside = { state: 'broken', problems: [{ code: 'journal.outside-validity' }] };

  it('answer each for the lines of its own time', async () => {
    const {
      dir,
      keys: [first, next],
      times: [before, between, after],
    } = await handedOver();
    const pins = (one: Partial<Pin>, two?: Partial<Pin>): Pin[] => [
      { vkey: first, host, machine, ...one },
      ...(two ? [{ vkey: next, host, machine, ...two }] : []),
    ];
    for (const good of [
      pins({ notBefore: before, notAfter: between }),
      pins({ notBefore: before, notAfter: between }, { notBefore: between, notAfter: after }),
      pins({ notAfter: before }, {}), // the second answers for all
    ])
      expect(await judge(dir, good)).toMatchObject({ ok: true, signer: next, problems: [] });
    for (const bad of [
      pins({ notAfter: before }),
      pins({ notBefore: between }),
      pins({ notAfter: before }, { notBefore: between }),
      pins({ notAfter: between }, { notBefore: after }),
      pins({ notAfter: between, revoked: before }, { notBefore: between }),
    ])
      expect(await judge(dir, bad)).toMatchObject(outside);
  });

  it('are judged whatever files lie beside the journal', async () => {
    const dir = await scratch();
    await append(dir);
    await sleep(2);
    const notAfter = new Date().toISOString();
    await append(dir);
    const pins = [{ vkey: (await loadSigner(dir)).vkey, host, machine, notAfter }];
    expect(await judge(dir, pins)).toMatchObject(outside);
    for (let size = 1; size <= 6; size++) {
      const note = signCheckpoint({ origin: 'x', size, root: new Uint8Array(32) }, generateSigner('x'));
      writeFileSync(join(journalDirectory(dir), rotationName(size)), note);
      expect(await judge(dir, pins)).toMatchObject(outside);
    }
  });

  it('are judged also where the first lines were retired', async () => {
    const dir = await scratch();
    const directory = journalDirectory(dir);
    await append(dir);
    const signer = await loadSigner(dir);
    const small = await openJournal({ directory, signer, segmentBytes: 1 });
    for (let i = 0; i < 3; i++) await small.append(draft(), '');
    await small.close();
    const pins = await loadPins(dir);
    const [, , keepFrom = 0] = await segmentsIn(directory);
    await retireLines({ directory, signer, keepFrom, pins });
    expect(await judge(dir, pins)).toMatchObject({ ok: true });
    const late = pins.map((pin) => ({ ...pin, notAfter: '2020-01-01T00:00:00Z' }));
    expect(await judge(dir, late)).toMatchObject(outside);
  });

  it('vouch for a journal whose clock was set back before it was handed over', async () => {
    const dir = await scratch();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    await append(dir);
    vi.useRealTimers();
    await rotateKey({ dir });
    expect(await judge(dir, await loadPins(dir))).toMatchObject({ ok: true, clockBack: { times: 1 } });
  });
});

it(
  'stays one journal, under one key, when the machine is renamed',
  leftOut(machine === 'unknown' && 'the machine is unknown'),
  async () => {
    const dir = await scratch();
    await append(dir);
    const { vkey } = await loadSigner(dir);
    const identity = await vi.importActual<typeof import('../../src/evidence/identity.ts')>(
      '../../src/evidence/identity.ts',
    );
    expect(identity.processIdentity().host).toBe(hostname());
    // The name of a machine is read once, so a process of its own has another one.
    const root = new URL('../../', import.meta.url).pathname;
    const program = `
    import os from 'node:os';
    import { syncBuiltinESMExports } from 'node:module';
    os.hostname = () => 'renamed';
    syncBuiltinESMExports();
    const { openState } = await import(${JSON.stringify(join(root, 'src/evidence/state.ts'))});
    const journal = await openState({ dir: ${JSON.stringify(dir)} });
    const record = await journal.append(JSON.parse(process.argv[1]), '');
    await journal.close();
    console.log(record.host);`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', program, JSON.stringify(draft())];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(stdout, stderr).toBe('renamed\n');
    await append(dir);
    for (const pin of [{ vkey, host, machine }, { vkey, host }, ...(await loadPins(dir))])
      expect(await judge(dir, [pin])).toMatchObject({ ok: true, problems: [] });
    expect((await judge(dir, [{ vkey, host, machine: 'f'.repeat(32) }])).problems).toMatchObject([
      { code: 'journal.wrong-producer', line: 1 },
    ]);
  },
);
