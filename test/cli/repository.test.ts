// What somebody else's repository is worth: words nothing, and evidence no more than E2, whatever the repository says of itself.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lookAtRepository } from '../../src/cli/repository-look.ts';
import { foreignPins } from '../../src/cli/state.ts';
import { sealEnvelope } from '../../src/evidence/dsse.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import type { Pin } from '../../src/evidence/pin.ts';
import { parseRegister } from '../../src/scorecard/register.ts';
import { type RepositoryScore, scoreRepository } from '../../src/scorecard/repository.ts';
import { beside, leftOut, withBeside } from '../left-out.ts';
import { claims, fullRun, here, recorded } from '../scorecard/fixture.ts';
import { missing } from '../ssh/support.ts';

const withoutGit = missing('git');
const own = parseRegister(readFileSync('data/hardening-gaps.json')).gaps;

function repository(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

async function score(root: string, pins: readonly Pin[] = []): Promise<RepositoryScore> {
  const { shown, words, registers } = await lookAtRepository({ root, pins, claims, context: here });
  const [first = own, ...others] = registers;
  return scoreRepository(shown, words, claims, [first, ...others]);
}
const gradeOf = ({ rows }: RepositoryScore, letters: string) => rows.find((row) => row.letters === letters);

describe('words', () => {
  it('are worth nothing: workflows, tests, documents, badges, results that say pass', async () => {
    const found = await score(
      repository({
        '.github/workflows/ci.yml': 'name: all green',
        'test/a.test.ts': 'expect(true).toBe(true)',
        'README.md': '# 5.0 / 5, certified',
        'results.sarif': '{"runs":[]}',
        'junit.xml': '<testsuite failures="0"/>',
      }),
    );
    expect(found.score.milli).toBe(0);
    expect(found.rows.map(({ grade }) => grade)).toEqual(Array(7).fill('E0'));
    expect(found.words).toEqual({ workflows: 1, tests: 1, documents: 1, unread: 0 });
    for (const { raise } of found.rows) expect(raise).toContain('signed evidence');
  });

  it("are all that AGILAB's register has", withBeside('agilab'), async () => {
    const found = await score(beside('agilab').pathname);
    expect(found.score.milli).toBe(0);
    expect(gradeOf(found, 'GR')).toMatchObject({ grade: 'E0', why: expect.stringContaining('sentences') });
  });
});

describe('a journal', () => {
  it('is E2 under a key that the caller pins, E1 without, E0 once a line was edited', async () => {
    const { directory, signer } = await recorded(fullRun());
    const root = repository();
    cpSync(directory, join(root, 'evidence/journal'), { recursive: true });
    const pins = [{ vkey: signer.vkey, host: here.host }];
    const [pinned, unpinned] = [await score(root, pins), await score(root)];
    expect(pinned.rows.map(({ grade }) => grade)).toEqual(Array(7).fill('E2'));
    expect(pinned.score.milli).toBe(2_500 - pinned.score.penalty);
    expect(unpinned.rows.map(({ grade }) => grade)).toEqual(Array(7).fill('E1'));
    expect(unpinned.score.milli).toBe(0);
    const lines = join(root, 'evidence/journal/journal-000000000000.jsonl');
    rmSync(lines, { force: true });
    writeFileSync(
      lines,
      readFileSync(join(directory, 'journal-000000000000.jsonl'), 'utf8').replace('made', 'Made'),
    );
    expect((await score(root, pins)).score.milli).toBe(0);
  });
});

describe('a statement', () => {
  const signer = generateSigner('somebody');
  const pins = [{ vkey: signer.vkey, host: 'somebody' }];
  const TESTED = { predicateType: 'https://in-toto.io/attestation/test-result/v0.1' };
  const passed = { ...TESTED, predicate: { result: 'PASSED' } };
  const about = (subject: readonly object[], stated: object = passed): string =>
    sealEnvelope(
      signer,
      'application/vnd.in-toto+json',
      Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, ...stated })),
    );
  const sealed = (name: string, sha256: string, stated?: object): string =>
    about([{ name, digest: { sha256 } }], stated);
  const digest = createHash('sha256').update('release').digest('hex');

  it('may be signed by anybody whom the caller pins, not only by hosts of ours', () => {
    const ours = generateSigner('agilab-guardrails/worker%2D1');
    expect(foreignPins([signer.vkey, ours.vkey])).toEqual([
      { vkey: signer.vkey, host: 'somebody' },
      { vkey: ours.vkey, host: 'worker-1' },
    ]);
    expect(() => foreignPins(['somebody+00000000+AAAA'])).toThrow(
      expect.objectContaining({ code: 'key.malformed' }),
    );
  });

  it('counts over a file that is there and hashes to it, under a pinned key', async () => {
    const root = repository({ 'dist/a.tgz': 'release', 'a.intoto.jsonl': sealed('dist/a.tgz', digest) });
    expect(gradeOf(await score(root, pins), 'SC')?.grade).toBe('E2');
    expect(gradeOf(await score(root), 'SC')?.grade).toBe('E1');
  });

  it.each([
    ['another file', 'dist/a.tgz', '0'.repeat(64)],
    ['a file that is not there', 'dist/b.tgz', digest],
    ['a file outside', '../a.tgz', digest],
    ['a file behind a link', 'link/a.tgz', digest],
  ])('counts as nothing over %s', async (_what, name, sha256) => {
    const outside = repository({ 'a.tgz': 'release' });
    const root = repository({ 'dist/a.tgz': 'release', 'a.intoto.jsonl': sealed(name, sha256) });
    symlinkSync(outside, join(root, 'link'));
    expect(gradeOf(await score(root, pins), 'SC')?.grade).toBe('E0');
  });
});

describe('a statement that is signed, and about a file that is here', () => {
  const signer = generateSigner('somebody');
  const pins = [{ vkey: signer.vkey, host: 'somebody' }];
  const sha256 = createHash('sha256').update('release').digest('hex');
  const file = { name: 'a.tgz', digest: { sha256 } };
  const commit = (of: string) => ({ name: 'source', digest: { gitCommit: of.repeat(40) } });
  const grade = async (
    subject: readonly object[],
    stated: object,
    files: Readonly<Record<string, string>> = {},
  ) => {
    const text = JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, ...stated });
    const envelope = sealEnvelope(signer, 'application/vnd.in-toto+json', Buffer.from(text));
    const root = repository({ 'a.tgz': 'release', 'b.tgz': 'other', 'a.intoto.jsonl': envelope, ...files });
    return gradeOf(await score(root, pins), 'SC')?.grade;
  };
  const tested = (predicate: object) => ({
    predicateType: 'https://in-toto.io/attestation/test-result/v0.1',
    predicate,
  });
  const verified = (predicate: object) => ({
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate,
  });
  const passed = tested({ result: 'PASSED' });
  const then = new Date(here.now - 86_400_000).toISOString();
  const later = new Date(here.now + 86_400_000).toISOString();

  it.each([
    ['a verification that passed', [file], verified({ verificationResult: 'PASSED', timeVerified: then })],
    ['with time left', [file], tested({ result: 'PASSED', expires: later })],
  ])('counts: %s', async (_what, subject, stated) => {
    expect(await grade(subject, stated)).toBe('E2');
  });

  it.each([
    ['a test that failed', [file], tested({ result: 'FAILED' })],
    ['a verification that failed', [file], verified({ verificationResult: 'FAILED', timeVerified: then })],
    ['one from the future', [file], verified({ verificationResult: 'PASSED', timeVerified: later })],
    ['one without a time', [file], verified({ verificationResult: 'PASSED' })],
    ['one that has expired', [file], tested({ result: 'PASSED', expires: then })],
    ['one that expires at no time', [file], tested({ result: 'PASSED', expires: 'never' })],
    ['one of no known kind', [file], { predicateType: 'https://example.org/fine/v1', predicate: {} }],
    ['one that states nothing', [file], {}],
    ['another content of a second file', [file, { ...file, name: 'b.tgz' }], passed],
    ['another commit', [file, commit('c')], passed],
    ['another commit alone', [commit('c')], passed],
  ])('counts as nothing: %s', async (_what, subject, stated) => {
    expect(await grade(subject, stated, { '.git/HEAD': `${'a'.repeat(40)}\n` })).toBe('E0');
  });

  /** A repository of git's own making, with a statement about its commit beside it, and then changed. */
  const committed = async (change: (root: string) => void, more: readonly object[] = []) => {
    const root = repository({ 'src/a.py': 'print(1)\n', 'a.tgz': 'release' });
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], {
        cwd: root,
        encoding: 'utf8',
      }).trim();
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '--message=one');
    const subject = [{ name: 'source', digest: { gitCommit: git('rev-parse', 'HEAD') } }, ...more];
    const text = JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject, ...passed });
    const envelope = sealEnvelope(signer, 'application/vnd.in-toto+json', Buffer.from(text));
    writeFileSync(join(root, 'a.intoto.jsonl'), envelope);
    git('pack-refs', '--all');
    change(root);
    const shown = gradeOf(await score(root, pins), 'SC');
    return `${shown?.grade} ${shown?.why}`;
  };

  it(
    'counts about the commit that is checked out, where every file is as in it',
    leftOut(withoutGit),
    async () => {
      expect(await committed(() => {})).toMatch(/^E2 .* commit that all files here are of/);
      expect(await committed(() => {}, [file])).toMatch(/^E2 /);
    },
  );

  it.each<[string, (root: string) => void, string]>([
    [
      'a file was changed',
      (root) => writeFileSync(join(root, 'src/a.py'), 'print(2)\n'),
      'not as in that commit',
    ],
    ['a file is gone', (root) => rmSync(join(root, 'src/a.py')), 'not as in that commit'],
    ['a file may be run', (root) => chmodSync(join(root, 'src/a.py'), 0o755), 'not as in that commit'],
    ['a file came', (root) => writeFileSync(join(root, 'src/b.py'), ''), 'not in that commit'],
    [
      'a file came that the repository ignores',
      (root) => {
        writeFileSync(join(root, '.git/info/exclude'), 'b.py\n');
        writeFileSync(join(root, 'src/b.py'), '');
      },
      'not in that commit',
    ],
    [
      'the objects are gone',
      (root) => rmSync(join(root, '.git/objects'), { recursive: true }),
      'could not be compared',
    ],
  ])('is no more than advice about it where %s', leftOut(withoutGit), async (_what, change, why) => {
    for (const more of [[], [file]]) {
      const shown = await committed(change, more);
      expect(shown).toMatch(/^E1 it names the commit/);
      expect(shown).toContain(why);
    }
  });
});

describe('registers of a repository', () => {
  it('cost what the dearest costs, however they are named', async () => {
    const dear = JSON.parse(readFileSync('data/hardening-gaps.json', 'utf8'));
    const cheap = JSON.stringify(dear);
    for (const gap of dear.gaps) if (gap.status === 'conditional') gap.status = 'open';
    const penalty = async (files: Readonly<Record<string, string>>) =>
      (await score(repository(files))).score.penalty;
    const worst = await penalty({ 'hardening-gaps.json': JSON.stringify(dear) });
    expect(await penalty({ 'hardening-gaps.json': cheap })).toBeLessThan(worst);
    for (const name of ['a', 'z'])
      expect(
        await penalty({
          'hardening-gaps.json': JSON.stringify(dear),
          [`${name}-hardening-gaps.json`]: cheap,
        }),
      ).toBe(worst);
  });
});

describe('a hostile repository', () => {
  it('may have directories that are named in no text: they are counted, and the rest is looked at', async () => {
    const root = repository({ 'a.md': 'words' });
    mkdirSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]));
    expect((await score(root)).words).toMatchObject({ documents: 1, unread: 1 });
  });

  it('costs an answer of E0, and nothing else', async () => {
    const root = repository({
      'a/journal-000000000000.jsonl': 'not a record\n',
      'a.cdx.json': '{"bomFormat":"CycloneDX"',
      'hardening-gaps.json': '[[[[',
      'x.intoto.jsonl': Buffer.from([0xff, 0xfe, 0]),
      'odd\u001b[31mname.sarif': '{}',
    });
    symlinkSync('.', join(root, 'loop'));
    symlinkSync('/dev/zero', join(root, 'zero.cdx.json'));
    const found = await score(root);
    expect(found.score.milli).toBe(0);
    expect(JSON.stringify(found)).not.toContain('u001b');
  });

  it('is refused where it cannot be read', async () => {
    await expect(score('/nonexistent')).rejects.toMatchObject({ code: 'repository.unreadable' });
  });
});
