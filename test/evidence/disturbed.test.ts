// A running writer whose files are taken away, replaced or filled up: nothing is acknowledged that cannot be found again,
// and what lies there of somebody else's is left alone.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { CodedError } from '../../src/evidence/coded-error.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import type { Journal } from '../../src/evidence/journal.ts';
import { CHECKPOINT_FILE, FIRST_SEGMENT, readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { bind } from '../../src/guards/bind/bind.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import type { GuardRefusal } from '../../src/kernel/refusal.ts';
import { buildDiskShim, type DiskFault, hasCompiler } from '../disk-shim.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { draft, scratch } from './support.ts';

const signer = generateSigner('agilab-guardrails/test');
const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
const coded = (code: string): unknown => expect.objectContaining({ code });

/** A journal with records, open, in a directory below one of its own. */
async function running(): Promise<{
  readonly journal: Journal;
  readonly directory: string;
  readonly site: string;
}> {
  const site = await scratch();
  const directory = join(site, 'journal');
  const journal = await openJournal({ directory, signer });
  onTestFinished(() => journal.close().catch(() => {}));
  await journal.append(draft(), '');
  await journal.checkpoint();
  await journal.append(draft(), '');
  return { journal, directory, site };
}

/**
 * How many of 20 decisions were granted, and why the others were not. Each refusal says what to do next, in the words of
 * whatever kept the record out of the journal.
 */
async function tryGrants(journal: Journal): Promise<{ kept: number; codes: Set<string> }> {
  const codes = new Set<string>();
  let kept = 0;
  const request = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };
  for (let i = 0; i < 20; i++) {
    try {
      await enforce(bind, request, { journal });
      kept++;
    } catch (error) {
      const { code, cause, remedy, evidenceId } = error as GuardRefusal;
      expect([code, evidenceId]).toEqual(['guard.journal-failed', undefined]);
      expect(remedy).toBe((cause as CodedError).remedy);
      expect(remedy).toMatch(/^[A-Z].{20,}\.$/);
      codes.add((cause as CodedError).code);
    }
  }
  return { kept, codes };
}

const other = async (site: string): Promise<string> => {
  const directory = join(site, 'other');
  const journal = await openJournal({ directory, signer });
  for (let i = 0; i < 9; i++) await journal.append(draft(), '');
  await journal.close();
  return directory;
};

it.each<[string, string, (at: { directory: string; site: string }) => void | Promise<void>]>([
  ['the file is unlinked', 'journal.replaced', ({ directory }) => unlinkSync(join(directory, FIRST_SEGMENT))],
  ['the directory is removed', 'journal.replaced', ({ directory }) => rmSync(directory, { recursive: true })],
  [
    'the directory is renamed',
    'journal.replaced',
    ({ directory }) => renameSync(directory, `${directory}-2`),
  ],
  [
    'the file is truncated',
    'journal.replaced',
    ({ directory }) => truncateSync(join(directory, FIRST_SEGMENT), 100),
  ],
  [
    'a stray line is appended',
    'journal.replaced',
    ({ directory }) => appendFileSync(join(directory, FIRST_SEGMENT), '{}\n'),
  ],
  [
    'the file gets a second name',
    'journal.replaced',
    ({ directory }) => linkSync(join(directory, FIRST_SEGMENT), join(directory, 'second')),
  ],
  [
    'a copy lies in its place',
    'journal.replaced',
    ({ directory }) => {
      const path = join(directory, FIRST_SEGMENT);
      copyFileSync(path, `${path}.copy`);
      renameSync(`${path}.copy`, path);
    },
  ],
  [
    'another journal lies in its place',
    'journal.replaced',
    async ({ directory, site }) => {
      const stranger = await other(site);
      rmSync(directory, { recursive: true });
      cpSync(stranger, directory, { recursive: true });
    },
  ],
  [
    'the lock file is removed',
    'journal.lock-lost',
    ({ directory }) => {
      for (const name of readdirSync(directory).filter((each) => each.startsWith('lock,')))
        unlinkSync(join(directory, name));
    },
  ],
])('grants nothing once %s', async (_what, code, disturb) => {
  const { journal, directory, site } = await running();
  await disturb({ directory, site });
  expect(await tryGrants(journal)).toEqual({ kept: 0, codes: new Set([code]) });
});

it('leaves the checkpoint of a journal alone that was put in the place of its own', async () => {
  const { journal, directory, site } = await running();
  const stranger = await other(site);
  rmSync(directory, { recursive: true });
  cpSync(stranger, directory, { recursive: true });
  const before = readFileSync(join(directory, CHECKPOINT_FILE), 'utf8');
  await tryGrants(journal);
  await expect(journal.checkpoint()).rejects.toThrow(coded('journal.replaced'));
  await journal.close();
  expect(readFileSync(join(directory, CHECKPOINT_FILE), 'utf8')).toBe(before);
  expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({ ok: true, size: 10 });
});

it('also seals nothing where the file was replaced and nothing was appended since', async () => {
  const { journal, directory, site } = await running();
  const stranger = await other(site);
  rmSync(directory, { recursive: true });
  cpSync(stranger, directory, { recursive: true });
  await expect(journal.close()).rejects.toThrow(coded('journal.replaced'));
  expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({ ok: true, size: 10 });
});

it('goes on, once opened again, with what was appended by a stranger set aside and recorded', async () => {
  const { journal, directory } = await running();
  appendFileSync(join(directory, FIRST_SEGMENT), 'stray\n');
  expect((await tryGrants(journal)).kept).toBe(0);
  await journal.close();
  const again = await openJournal({ directory, signer });
  await again.append(draft(), '');
  await again.close();
  const verdict = await verifyJournal(await readJournal(directory), { pins });
  expect(verdict.problems).toEqual([]);
  const [side = ''] = readdirSync(directory).filter((name) => name.startsWith('torn-'));
  expect(readFileSync(join(directory, side), 'utf8')).toMatch(/^stray\n\{/);
});

it('tells at once that it cannot seal, grants nothing until it can, and then goes on', async () => {
  const { journal, directory } = await running();
  const told: CodedError[] = [];
  await journal.close();
  const watched = await openJournal({ directory, signer, onSealFailed: (error) => told.push(error) });
  onTestFinished(() => watched.close().catch(() => {}));
  await watched.append(draft(), '');
  rmSync(join(directory, CHECKPOINT_FILE));
  mkdirSync(join(directory, CHECKPOINT_FILE)); // nothing can be renamed over a directory
  await expect(watched.checkpoint()).rejects.toThrow(coded('journal.seal-failed'));
  expect(told).toEqual([coded('journal.seal-failed')]);
  expect(await tryGrants(watched)).toEqual({ kept: 0, codes: new Set(['journal.seal-failed']) });
  rmSync(join(directory, CHECKPOINT_FILE), { recursive: true });
  expect((await tryGrants(watched)).kept).toBe(20);
  await watched.close();
  expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({ ok: true });
});

const canMount =
  process.getuid?.() === 0 &&
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
const unmountable = !canMount && !requiresReal;

it(
  'grants nothing on a disk without inodes for a checkpoint',
  leftOut(unmountable && 'needs root and mount namespaces'),
  async () => {
    const directory = await scratch();
    const options = 'size=8m,mode=700,nr_inodes=12';
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [directory]));
    const journal = await openJournal({ directory, signer });
    await journal.append(draft(), '');
    for (let i = 0; i < 12; i++) spawnSync('touch', [join(directory, `ballast${i}`)]);
    await expect(journal.checkpoint()).rejects.toThrow(coded('journal.seal-failed'));
    expect((await tryGrants(journal)).kept).toBe(0);
    for (let i = 0; i < 12; i++) rmSync(join(directory, `ballast${i}`), { force: true });
    expect((await tryGrants(journal)).kept).toBe(20);
    await journal.close();
  },
);

it(
  'grants nothing on a full disk, and goes on once there is space',
  leftOut(unmountable && 'needs root and mount namespaces'),
  async () => {
    const directory = await scratch();
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', directory]).status).toBe(
      0,
    );
    onTestFinished(() => void spawnSync('umount', [directory]));
    const journal = await openJournal({ directory, signer });
    await journal.append(draft(), '');
    const ballast = join(directory, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(1 << 20))).toThrow(/ENOSPC/);
    // What is left of the last page takes a few lines more.
    for (let i = 0; i < 20; i++) await journal.append(draft(), '').catch(() => {});
    expect((await tryGrants(journal)).kept).toBe(0);
    rmSync(ballast);
    expect((await tryGrants(journal)).kept).toBe(20);
    await journal.close();
    expect(await verifyJournal(await readJournal(directory), { pins })).toMatchObject({ ok: true });
  },
);

const withLoop =
  canMount && spawnSync('losetup', ['-f']).status === 0 && spawnSync('mkfs.ext4', ['-V']).status === 0;
it(
  'grants nothing on a disk that is remounted read-only under it',
  leftOut(!withLoop && 'no loop devices, or no mkfs.ext4'),
  async () => {
    const site = await scratch();
    const [image, directory] = [join(site, 'image'), join(site, 'disk')];
    mkdirSync(directory);
    writeFileSync(image, '');
    truncateSync(image, 16 * 1024 * 1024);
    expect(spawnSync('mkfs.ext4', ['-q', image]).status).toBe(0);
    expect(spawnSync('mount', ['-o', 'loop', image, directory]).status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [directory]));
    const journal = await openJournal({ directory: join(directory, 'journal'), signer });
    await journal.append(draft(), '');
    spawnSync('mount', ['-o', 'remount,abort', directory]);
    expect((await tryGrants(journal)).kept).toBe(0);
    await journal.close().catch(() => {});
  },
);

let shim: string;
beforeAll(async () => {
  const at = await mkdtemp(join(tmpdir(), 'guardrails-test-'));
  if (hasCompiler) shim = buildDiskShim(at);
  return () => rm(at, { recursive: true });
});
it.each<[DiskFault['FAULT'], number, string]>([
  ['EIO', 0, 'journal.write-failed EIO'],
  ['EDQUOT', 0, 'journal.write-failed EDQUOT'],
  ['sync', 0, 'journal.broken EIO'],
  ['torn', 0, 'journal.write-failed EIO'],
  ['short', 3, 'none'],
])(
  'under a system call that answers %s acknowledges %i of 3 (%s)',
  leftOut(!hasCompiler && 'no C compiler here'),
  async (fault, kept, code) => {
    const site = await scratch();
    const opener = fileURLToPath(new URL('../../dist/evidence/open-journal.js', import.meta.url));
    const program = `
    import { writeFileSync } from 'node:fs';
    import { openJournal } from ${JSON.stringify(opener)};
    const journal = await openJournal({ directory: ${JSON.stringify(join(site, 'journal'))} });
    const drafts = JSON.parse(process.argv[1]);
    await journal.append(drafts[0], '');
    writeFileSync(process.env.FAULT_WHEN, '');
    let kept = 0, said = 'none';
    for (const each of drafts.slice(1)) await journal.append(each, '').then(() => kept++, (error) => { said = error.code + ' ' + /\\((\\w+)\\)/.exec(error.message)?.[1]; });
    console.log(JSON.stringify([kept, said]));`;
    const drafts = JSON.stringify(Array.from({ length: 4 }, () => draft()));
    const disk: DiskFault = { LD_PRELOAD: shim, FAULT: fault, FAULT_WHEN: join(site, 'now') };
    const env = { ...process.env, ...disk };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program, drafts], {
      env,
      encoding: 'utf8',
    });
    expect(stdout, stderr).toBe(`${JSON.stringify([kept, code])}\n`);
  },
);
