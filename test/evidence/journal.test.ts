// The journal on a real disk: cut anywhere, full, killed, contended. An acknowledged record is never lost, and what was
// not acknowledged is never passed off as evidence.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { CHECKPOINT_FILE, FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import {
  type DecisionDraft,
  type EvidenceRecord,
  evidenceRecord,
  isDecision,
} from '../../src/evidence/record.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { draft, EVERY, errno, IN_MEMORY, replaceWrite, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const ROOT = new URL('../../', import.meta.url).pathname;
const linesOf = (directory: string): string[] =>
  readFileSync(join(directory, FIRST_SEGMENT), 'utf8').split('\n').slice(0, -1);
const recordsOf = (directory: string): EvidenceRecord[] =>
  linesOf(directory).map((line) => evidenceRecord.parse(JSON.parse(line)));
const coded = (code: string): unknown => expect.objectContaining({ code });

async function written(count: number): Promise<string> {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  for (let i = 0; i < count; i++) await journal.append(draft(), `${i}`);
  await journal.close();
  return directory;
}

it('keeps the order and the chain of concurrent appends with far fewer durable writes than appends', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  let writes = 0;
  replaceWrite((real) => (...args) => {
    writes++;
    return real(...args);
  });
  const drafts = Array.from({ length: 500 }, () => draft());
  const records = await Promise.all(drafts.map((each) => journal.append(each, '')));
  expect(records.map(({ id, seq }) => [id, seq])).toEqual(drafts.map(({ id }, at) => [id, at + 1]));
  expect(writes).toBeLessThan(50);
  await journal.close();
  const lines = linesOf(directory);
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1];
    const prev = before === undefined ? '0'.repeat(64) : createHash('sha256').update(before).digest('hex');
    expect(JSON.parse(line)).toMatchObject({ seq: index, prev });
  }
});

it('never leaves an append waiting that is made as soon as the one before resolved', async () => {
  const journal = await openJournal({ directory: await scratch() });
  for (let i = 0; i < 50; i++) await expect(journal.append(draft(), '')).resolves.not.toThrow();
  await journal.close();
});

it('resolves an append only after the sync', async () => {
  const journal = await openJournal({ directory: await scratch() });
  let synced = false;
  replaceWrite((real) => async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const count = await real(...args);
    synced = true;
    return count;
  });
  await journal.append(draft(), '');
  expect(synced).toBe(true);
  await journal.close();
});

it('lets nothing in a draft stand in for what the journal vouches for', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory });
  const forged = {
    ...draft(),
    seq: 77,
    prev: 'f'.repeat(64),
    host: 'elsewhere',
    time: '2000-01-01T00:00:00.000Z',
  };
  const record = await journal.append(forged, '');
  expect(record).toMatchObject({
    seq: 1,
    prev: createHash('sha256')
      .update(linesOf(directory)[0] ?? '')
      .digest('hex'),
  });
  expect(record.host).not.toBe('elsewhere');
  expect(record.time.startsWith('2000')).toBe(false);
  await journal.close();
});

it('keeps of an input a digest that only the holder of the key can compare, so that guessing does not find it', async () => {
  const digestUnder = async (key: typeof signer | undefined): Promise<string> => {
    const directory = await scratch();
    const journal = await openJournal(key ? { directory, signer: key } : { directory });
    const record = await journal.append(draft(), '{"pin":"1234"}');
    await journal.close();
    return isDecision(record) ? record.input.digest : '';
  };
  const plain = createHash('sha256').update('{"pin":"1234"}').digest('hex');
  const other = generateSigner('agilab-guardrails/test');
  const digests = [await digestUnder(signer), await digestUnder(other), await digestUnder(undefined), plain];
  expect(new Set(digests).size).toBe(4);
  expect(await digestUnder(signer)).toBe(digests[0]);
});

it('cut anywhere: repaired with the tail kept and recorded, or refused when sealed lines are gone', async () => {
  const sealedIn = await written(1);
  const sealedBytes = readFileSync(join(sealedIn, FIRST_SEGMENT)).length;
  const journal = await openJournal({ directory: sealedIn, signer });
  await journal.append(draft(), '');
  const bytes = readFileSync(join(sealedIn, FIRST_SEGMENT));
  const checkpoint = readFileSync(join(sealedIn, CHECKPOINT_FILE));
  await journal.close();
  const directory = await scratch(IN_MEMORY);
  const edges = [0, ...[...bytes].flatMap((byte, at) => (byte === 10 ? [at + 1] : []))];
  for (let cut = 0; cut <= bytes.length; cut++) {
    // Every byte within 50 of an edge of a line; in between it is text that ends too early, wherever that is.
    if (!EVERY && cut % 16 > 0 && edges.every((edge) => Math.abs(edge - cut) > 50)) continue;
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    const left = bytes.subarray(0, cut);
    writeFileSync(join(directory, FIRST_SEGMENT), left, { mode: 0o600 });
    writeFileSync(join(directory, CHECKPOINT_FILE), checkpoint, { mode: 0o600 });
    if (cut < sealedBytes) {
      await expect(openJournal({ directory, signer }), `cut at ${cut}`).rejects.toThrow(
        coded('journal.tampered'),
      );
      expect(readFileSync(join(directory, FIRST_SEGMENT)).equals(left)).toBe(true);
      continue;
    }
    await (await openJournal({ directory, signer })).close();
    const complete = left.subarray(0, left.lastIndexOf(10) + 1);
    const torn = left.subarray(complete.length);
    const after = readFileSync(join(directory, FIRST_SEGMENT));
    expect(after.subarray(0, complete.length).equals(complete), `cut at ${cut}`).toBe(true);
    const sides = readdirSync(directory).filter((name) => name.startsWith('torn-'));
    expect(sides).toHaveLength(torn.length > 0 ? 1 : 0);
    const codes = recordsOf(directory).flatMap((record) => ('codes' in record ? record.codes : []));
    expect(codes.filter((code) => code === 'journal.torn-tail')).toHaveLength(sides.length);
    for (const side of sides) expect(readFileSync(join(directory, side)).equals(torn)).toBe(true);
    const verdict = await verifyJournal(await readJournal(directory), {
      pins: [{ vkey: signer.vkey, host: recordsOf(directory)[0]?.host ?? '' }],
    });
    expect(verdict.problems).toEqual([]);
  }
}, 240_000);

it('records a repair whose record a second crash prevented', async () => {
  const directory = await written(1);
  const path = join(directory, FIRST_SEGMENT);
  writeFileSync(path, '{"torn', { flag: 'a' });
  // after the quarantine, before its record
  const restore = replaceWrite(() => () => Promise.reject(errno('ENOSPC')));
  await expect(openJournal({ directory, signer })).rejects.toThrow(coded('journal.write-failed'));
  restore();
  for (let again = 0; again < 2; again++) await (await openJournal({ directory, signer })).close();
  const repairs = linesOf(directory).filter((line) => line.includes('journal.torn-tail'));
  expect(repairs).toHaveLength(1);
  const digest = `sha256:${createHash('sha256').update('{"torn').digest('hex')}`;
  expect(evidenceRecord.parse(JSON.parse(repairs[0] ?? ''))).toMatchObject({ subject: { digest } });
});

it('takes back a short write that ends in a full disk, and writes on once there is space', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  await journal.append(draft(), '');
  let calls = 0;
  const restore = replaceWrite(
    (real) => (file, bytes, at) =>
      calls++ === 0 ? real(file, bytes, at, 20) : Promise.reject(errno('ENOSPC')),
  );
  await expect(journal.append(draft(), '')).rejects.toThrow(coded('journal.write-failed'));
  restore();
  await journal.append(draft(), '');
  await journal.close();
  expect(recordsOf(directory).map(({ seq }) => seq)).toEqual([0, 1, 2]);
});

it('goes on after a write that failed and left nothing', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  await journal.append(draft(), '');
  const restore = replaceWrite(() => () => Promise.reject(errno('EIO')));
  await expect(journal.append(draft(), '')).rejects.toThrow(coded('journal.write-failed'));
  restore();
  await journal.append(draft(), '');
  await journal.close();
  expect(recordsOf(directory).map(({ seq }) => seq)).toEqual([0, 1, 2]);
});

it('writes nothing more after a write that left bytes and could not make them durable', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  const restore = replaceWrite((real) => async (...args) => {
    await real(...args);
    throw errno('EIO');
  });
  await expect(journal.append(draft(), '')).rejects.toThrow(coded('journal.broken'));
  restore();
  await expect(journal.append(draft(), '')).rejects.toThrow(coded('journal.broken'));
  await journal.close();
  expect((await readJournal(directory)).checkpoint).toBeUndefined();
});

// A mount namespace of its own shows whether mounting works here at all, without leaving anything mounted.
const mountable =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
it(
  'on a disk that is really full rejects, keeps what it had, and goes on later',
  leftOut(!mountable && !requiresReal && 'needs root and mount namespaces'),
  async () => {
    const directory = await scratch();
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', directory]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [directory]));
    const journal = await openJournal({ directory, signer });
    let kept = 0;
    const rejected: unknown[] = [];
    for (let i = 0; i < 200 && rejected.length === 0; i++) {
      await journal.append(draft(), '').then(
        () => kept++,
        (error) => rejected.push(error),
      );
      if (i === 0) writeFileSync(join(directory, 'ballast'), Buffer.alloc(16_384));
    }
    expect(rejected).toEqual([coded('journal.write-failed')]);
    expect(linesOf(directory)).toHaveLength(kept + 1);
    rmSync(join(directory, 'ballast'));
    await journal.append(draft(), '');
    await journal.close();
    expect(linesOf(directory)).toHaveLength(kept + 2);
  },
);

const WRITER = `
  import { openJournal } from ${JSON.stringify(join(ROOT, 'dist/evidence/open-journal.js'))};
  import { uuidv7 as v7 } from ${JSON.stringify(join(ROOT, 'dist/evidence/uuid.js'))};
  const [directory, wait] = process.argv.slice(1);
  const journal = await openJournal({ directory, lockWaitMs: Number(wait) }).catch((error) => {
    console.log(error.code);
    process.exit(3);
  });
  for (let i = 0; ; i++) {
    const id = v7();
    await journal.append({ id, guard: { id: 'acme/g', version: '1', codeDigest: 'a'.repeat(64) },
      dimension: 'architecture_runtime_guardrails', decision: 'allow', codes: [], reason: '',
      policyDigest: 'b'.repeat(64), method: 'none', replay: { argv: [] }, mode: 'enforce' }, '');
    process.stdout.write(id + '\\n');
  }`;
const startWriter = (directory: string, wait = 0): ReturnType<typeof spawn> =>
  spawn(process.execPath, ['--input-type=module', '-e', WRITER, directory, `${wait}`], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });

it('is never open in two processes, nor twice in one', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory });
  await expect(openJournal({ directory, lockWaitMs: 0 })).rejects.toThrow(coded('journal.locked'));
  const child = startWriter(directory);
  let said = '';
  child.stdout?.on('data', (chunk) => {
    said += String(chunk);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([code, said.trim()]).toEqual([3, 'journal.locked']);
  await journal.close();
  await (await openJournal({ directory, lockWaitMs: 0 })).close();
});

it.each<[string, (directory: string) => void, string]>([
  ['a directory that others may write to', (at) => chmodSync(at, 0o777), 'journal.unsafe-directory'],
  [
    'a journal that is a symbolic link',
    (at) => symlinkSync('/etc/hostname', join(at, FIRST_SEGMENT)),
    'journal.unsafe-directory',
  ],
  ['a journal that is a directory', (at) => mkdirSync(join(at, FIRST_SEGMENT)), 'journal.unsafe-directory'],
  [
    'a journal that is a FIFO',
    (at) => void spawnSync('mkfifo', [join(at, FIRST_SEGMENT)]),
    'journal.unsafe-directory',
  ],
  [
    'a journal with a second name',
    (at) => {
      writeFileSync(join(at, 'other'), '', { mode: 0o600 });
      linkSync(join(at, 'other'), join(at, FIRST_SEGMENT));
    },
    'journal.unsafe-directory',
  ],
  [
    'a journal that others may write to',
    (at) => {
      writeFileSync(join(at, FIRST_SEGMENT), '');
      chmodSync(join(at, FIRST_SEGMENT), 0o666);
    },
    'journal.unsafe-directory',
  ],
  [
    'a checkpoint that is a FIFO',
    (at) => void spawnSync('mkfifo', [join(at, CHECKPOINT_FILE)]),
    'journal.write-failed',
  ],
])('refuses %s', async (_what, make, code) => {
  const directory = await scratch();
  make(directory);
  await expect(openJournal({ directory, signer, lockWaitMs: 0 })).rejects.toThrow(coded(code));
  expect(readdirSync(directory).filter((name) => name.startsWith('lock,'))).toEqual([]);
});

it('reads a directory from elsewhere without waiting on a FIFO in it', async () => {
  const directory = await scratch();
  spawnSync('mkfifo', [join(directory, FIRST_SEGMENT)]);
  const read = verifyJournal(await readJournal(directory), { pins: [] });
  await expect(read).rejects.toThrow(coded('journal.unreadable'));
});

it('does not continue a journal under another key', async () => {
  const directory = await written(1);
  const stranger = generateSigner('agilab-guardrails/test');
  await expect(openJournal({ directory, signer: stranger })).rejects.toThrow(coded('journal.foreign-key'));
  await expect(openJournal({ directory })).rejects.toThrow(coded('journal.foreign-key'));
});

it('writes checkpoints one after the other, and none once another writer may be there', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  const notes = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await journal.append(draft(), '');
      return journal.checkpoint();
    }),
  );
  await journal.close();
  expect(notes.at(-1)).toBe(readFileSync(join(directory, CHECKPOINT_FILE), 'utf8'));
  await expect(journal.checkpoint()).rejects.toThrow(coded('journal.closed'));
  await expect(journal.append(draft(), '')).rejects.toThrow(coded('journal.closed'));
  copyFileSync(join(directory, FIRST_SEGMENT), join(directory, 'copy'));
  await (await openJournal({ directory, signer })).close();
});

it('writes the mode that it looked at, whatever the draft or the exported schema say later', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer: generateSigner('agilab-guardrails/test') });
  const given: { mode: DecisionDraft['mode'] } & Omit<DecisionDraft, 'mode'> = draft();
  const kept = journal.append(given, '');
  given.mode = 'drill';
  expect((await kept).mode).toBe('enforce');

  const shifty = draft();
  let asked = 0;
  Object.defineProperty(shifty, 'mode', {
    get: () => (asked++ === 0 ? 'enforce' : 'drill'),
    enumerable: true,
  });
  expect((await journal.append(shifty, '')).mode).toBe('enforce');

  const parse = evidenceRecord.safeParse.bind(evidenceRecord);
  evidenceRecord.safeParse = (record) => parse({ ...(record as object), mode: 'drill' });
  try {
    expect((await journal.append(draft(), '')).mode).toBe('enforce');
  } finally {
    evidenceRecord.safeParse = parse;
  }
  await journal.close();
});
