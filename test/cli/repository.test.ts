// What somebody else's repository is worth: words nothing, and evidence no more than E2, whatever the repository says of itself.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lookAtRepository } from '../../src/cli/repository-look.ts';
import { sealEnvelope } from '../../src/evidence/dsse.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import type { Pin } from '../../src/evidence/pin.ts';
import { parseRegister } from '../../src/scorecard/register.ts';
import { type RepositoryScore, scoreRepository } from '../../src/scorecard/repository.ts';
import { beside, withBeside } from '../left-out.ts';
import { claims, fullRun, here, recorded } from '../scorecard/fixture.ts';

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
  const { shown, words, gaps } = await lookAtRepository({ root, pins, claims, context: here });
  return scoreRepository(shown, words, claims, gaps ?? own);
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
    expect(found.words).toEqual({ workflows: 1, tests: 1, documents: 1 });
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
  const sealed = (name: string, sha256: string): string =>
    sealEnvelope(
      signer,
      'application/vnd.in-toto+json',
      Buffer.from(
        JSON.stringify({ _type: 'https://in-toto.io/Statement/v1', subject: [{ name, digest: { sha256 } }] }),
      ),
    );
  const digest = createHash('sha256').update('release').digest('hex');

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

describe('a hostile repository', () => {
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
