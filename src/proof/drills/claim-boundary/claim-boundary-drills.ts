// Packages that say more than they show, say it behind a lock's back, or lean on tests that were hollowed out: a small sound one,
// and then one thing wrong with it.
import { rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClaimBoundaryRequest } from '../../../scorecard/claim-boundary/claim-boundary-look.ts';
import type { Drill } from '../../proof.ts';
import type { Files } from './sample-package.ts';

/** Loaded with the first drill: it brings the parser of Markdown. */
const samplePackage = (): Promise<typeof import('./sample-package.ts')> => import('./sample-package.ts');

interface Fault {
  /** Before the locks are written: the authors looked at it. */
  readonly said?: (files: Files) => unknown;
  /** Behind the back of the locks. */
  readonly after?: (files: Files) => unknown;
  /** Once everything lies there. */
  readonly laid?: (root: string) => Promise<unknown>;
}

function drill(id: string, fault: string, expects: string, wrong: Fault = {}): Drill<ClaimBoundaryRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const { layFiles, lockFiles, sampleFiles } = await samplePackage();
      const root = site.directory;
      const files = sampleFiles();
      wrong.said?.(files);
      lockFiles(files);
      await wrong.after?.(files);
      await layFiles(root, files);
      await wrong.laid?.(root);
      return { root };
    },
  };
}

/** Changes one text; a drill whose change found nothing would show nothing. */
const edit =
  (path: string, from: string, to: string): ((files: Files) => void) =>
  (files) => {
    const text = files.get(path) ?? '';
    if (!text.includes(from)) throw new TypeError('nothing to change');
    files.set(path, text.replace(from, to));
  };
const readme = (from: string, to: string): ((files: Files) => void) => edit('README.md', from, to);
const says = (text: string): ((files: Files) => void) => readme('It refuses every wildcard.', text);
const inTest = (from: string, to: string): ((files: Files) => void) => edit('test/a.test.ts', from, to);

const UNMARKED = 'claim-boundary.unmarked';
const STRAY = 'claim-boundary.stray-mark';
const UNUSABLE = 'claim-boundary.unusable';
const UNREADABLE = 'claim-boundary.unreadable';
const UNKNOWN = 'claim-boundary.unknown-evidence';
const GAP = 'claim-boundary.gap-as-fact';
const FORBIDDEN = 'claim-boundary.forbidden-word';
const FIGURE = 'claim-boundary.figure-by-hand';
const CHANGED = 'claim-boundary.changed';
const EMPTY = 'claim-boundary.asserts-nothing';
const WEAKER = 'claim-boundary.tests-weaker';
const OTHERWISE = 'claim-boundary.tests-otherwise';

const FORBIDDEN_IN: readonly (readonly [id: string, where: string, said: (files: Files) => unknown])[] = [
  ['prose', 'in prose', says('It is tamper-proof.')],
  ['blank', 'with a blank for the hyphen', says('It is tamper proof.')],
  ['one-word', 'in one word', says('It is Tamperproof.')],
  ['soft-hyphen', 'with an invisible character in it', says('It is tam\u00adper-proof.')],
  ['emphasis', 'in two pieces', says('It is tamper-**proof**.')],
  ['denied-beside', 'beside an unrelated "not"', says('It is not slow, and it is tamper-proof.')],
  [
    'limits',
    'in a block that is marked as a limit',
    readme('It does not keep', 'It is certified. It does not keep'),
  ],
  ['heading', 'in a heading', readme('## What it does', '## What makes it unbreakable')],
  ['cell', 'in the cell of a table', readme('| a star |', '| a certified star |')],
  ['alternative', 'in the alternative of an image', says('![Court-admissible](shot.png)')],
  ['title', 'in the title of a link', says('[It](guide.md "regulator-ready")')],
  ['code', 'in code', readme('npx tool', 'npx tool # bullet-proof')],
  ['description', 'in the description of the package', edit('package.json', 'A tool', 'A certified tool')],
];

const forbidden = FORBIDDEN_IN.map(([id, where, said]) =>
  drill(`forbidden-${id}`, `a word that promises too much, ${where}`, FORBIDDEN, { said }),
);

export const claimBoundaryDrills: readonly Drill<ClaimBoundaryRequest>[] = [
  drill('sound', 'none: each block says what it is', 'allow'),
  drill('no-tests', 'none: a package as it is published, without its tests', 'allow', {
    after: (files) => ['test/a.test.ts', 'test/helper.ts'].map((path) => files.delete(path)),
  }),
  drill('other-breaks', 'none: lines that break elsewhere', 'allow', {
    after: readme('It refuses every', 'It refuses\nevery'),
  }),
  drill('gap-shipped', 'none: words of a gap that is shipped', 'allow', {
    said: says('It asks for signed models.'),
  }),
  drill('no-readme', 'no README', UNREADABLE, { laid: (root) => rm(join(root, 'README.md')) }),
  drill('linked-document', 'a document that is a link', UNREADABLE, {
    laid: (root) => symlink('../README.md', join(root, 'docs/other.md')),
  }),
  drill('linked-docs', 'a folder of documents that is a link', UNREADABLE, {
    laid: async (root) => {
      await rm(join(root, 'docs'), { recursive: true });
      await symlink('data', join(root, 'docs'));
    },
  }),
  drill('huge-document', 'a document that is too long to read', UNREADABLE, {
    laid: (root) => truncate(join(root, 'docs/guide.md'), 262_145),
  }),
  drill('other-format', 'a document in another format', UNREADABLE, {
    laid: (root) => writeFile(join(root, 'docs/more.rst'), 'It does everything.\n'),
  }),
  drill('latin-1', 'a document that is not UTF-8', UNREADABLE, {
    laid: (root) => writeFile(join(root, 'docs/guide.md'), Buffer.from([0x23, 0x20, 0xe9])),
  }),
  drill('no-lock', 'no lock of the text', UNUSABLE, {
    laid: (root) => rm(join(root, 'data/statements.json')),
  }),
  drill('no-claims', 'no claims', UNUSABLE, { laid: (root) => rm(join(root, 'data/claims.json')) }),
  drill('no-register', 'a register that is none', UNUSABLE, {
    after: (files) => files.set('data/hardening-gaps.json', '{}'),
  }),
  drill('no-suite', 'no list of the tests', UNUSABLE, { laid: (root) => rm(join(root, 'data/suite.json')) }),
  drill('no-manifest', 'a manifest that is none', UNUSABLE, {
    after: (files) => files.set('package.json', '['),
  }),
  drill('test-syntax', 'a file of tests that is no TypeScript', UNUSABLE, {
    after: inTest('expect(1', 'expect((1'),
  }),
  drill('unmarked-document', 'a document that nobody marked', UNMARKED, {
    said: (files) => files.set('docs/new.md', 'It does everything.\n'),
  }),
  drill('unmarked-section', 'a section that nobody marked', UNMARKED, {
    said: readme('<!-- claim: bind -->\n', ''),
  }),
  drill('unmarked-after-block', 'a paragraph after a marked one', UNMARKED, {
    said: edit('docs/guide.md', 'It guides.', 'It guides.\n\nIt does everything.'),
  }),
  drill('unknown-kind', 'a mark of a kind that there is not', STRAY, {
    said: readme('<!-- no-claim: howto -->', '<!-- no-claim: howto -->\n<!-- no-claim: whatever -->'),
  }),
  drill('marks-nothing', 'a mark before nothing', STRAY, {
    said: (files) => files.set('README.md', `${files.get('README.md')}\n<!-- claim: bind -->\n`),
  }),
  drill('two-marks', 'a row with two marks', STRAY, {
    said: readme(
      'refused <!-- claim: bind/star -->',
      'refused <!-- claim: bind/star --> <!-- no-claim: limits -->',
    ),
  }),
  drill('raw-html', 'HTML that a reader sees otherwise', 'claim-boundary.raw-html', {
    said: says('It refuses <img src="x" alt="everything"> wildcards.'),
  }),
  drill('raw-html-block', 'a block of HTML', 'claim-boundary.raw-html', {
    said: says('<p>It refuses everything.</p>'),
  }),
  drill('unknown-probe', 'a claim that names a probe that there is not', UNKNOWN, {
    said: readme('<!-- claim: bind -->', '<!-- claim: bind, imagined -->'),
  }),
  drill('unknown-drill', 'a claim that names a drill that there is not', UNKNOWN, {
    said: readme('claim: bind/star', 'claim: bind/moon'),
  }),
  drill('unknown-test', 'a claim that names a test that there is not', UNKNOWN, {
    said: readme('claim: test/a.test.ts', 'claim: test/b.test.ts'),
  }),
  drill('claims-a-gap', 'a claim of what is registered as a gap', GAP, {
    said: readme('<!-- claim: bind -->', '<!-- claim: bind, gap:tenant-isolation -->'),
  }),
  drill('gap-in-prose', 'words of an open gap in a claim', GAP, { said: says('It keeps tenants apart.') }),
  drill('gap-described', 'words of an open gap in the description of the package', GAP, {
    said: edit('package.json', 'A tool', 'A multi tenant tool'),
  }),
  ...forbidden,
  drill('figure', 'a measured figure without its command', FIGURE, { said: says('It is 40 % faster.') }),
  drill('figure-in-limits', 'a measured figure among limits', FIGURE, {
    said: readme('It does not keep', 'It takes 12 ms. It does not keep'),
  }),
  drill('unknown-command', 'figures of a command that there is not', 'claim-boundary.unknown-command', {
    said: readme('figures: npm run bench', 'figures: npm run measure'),
  }),
  drill('changed', 'a claim whose words nobody looked at again', CHANGED, {
    after: says('It refuses everything.'),
  }),
  drill('other-mark', 'a claim that became a limit', CHANGED, {
    after: readme('<!-- claim: bind -->', '<!-- no-claim: limits -->'),
  }),
  drill('added', 'a block that nobody looked at', CHANGED, {
    after: says('It refuses every wildcard.\n\nAnd everything else.'),
  }),
  drill('said-twice', 'a block that stands there once more', CHANGED, {
    after: says('It refuses every wildcard.\n\nIt refuses every wildcard.'),
  }),
  drill('gone', 'a block that is gone', CHANGED, { after: readme('- Another item.\n', '') }),
  drill('emptied', 'a test whose body was emptied', EMPTY, {
    said: inTest('expect(n).toBeGreaterThan(0);', ''),
  }),
  drill('helper-emptied', 'a test whose helper was emptied', EMPTY, {
    said: edit('test/helper.ts', 'expect(n).toBe(2);', ''),
  }),
  drill('commented-out', 'a test whose assertions are a comment', EMPTY, {
    said: inTest('expect(n).toBeGreaterThan(0);', '// expect(n).toBeGreaterThan(0);'),
  }),
  drill('in-a-string', 'a test whose assertions are text', EMPTY, {
    said: inTest('expect(n).toBeGreaterThan(0);', "'expect(n).toBeGreaterThan(0)';"),
  }),
  drill('skipped', 'a test that is left out for good', EMPTY, {
    said: inTest("it('adds'", "it.skip('adds'"),
  }),
  drill('group-skipped', 'a group of tests that is left out for good', EMPTY, {
    said: inTest(
      "it('adds'",
      "describe.skip('all', () => { it('takes', () => { expect(2 - 1).toBe(1); }); });\nit('adds'",
    ),
  }),
  drill('skipped-by-option', 'a test that its options leave out', EMPTY, {
    said: inTest("it('adds', ", "it('adds', { skip: true }, "),
  }),
  drill('skipped-always', 'a test that a condition leaves out which is no condition', EMPTY, {
    said: inTest("it('adds'", "it.skipIf(true)('adds'"),
  }),
  drill('only', 'a test that leaves out the others', EMPTY, {
    said: inTest("it('adds'", "it.only('adds'"),
  }),
  drill('no-test', 'a file of tests without a test', EMPTY, {
    said: (files) => files.set('test/b.test.ts', "import { it } from 'vitest';\n"),
  }),
  drill('listed-empty', 'a package without tests whose list has an empty file', EMPTY, {
    after: async (files) => {
      edit('data/suite.json', '"assertions":4', '"assertions":0')(files);
      files.set('README.md', (files.get('README.md') ?? '').replace(' <!-- claim: test/a.test.ts -->', ''));
      await lockText(files);
      for (const path of ['test/a.test.ts', 'test/helper.ts']) files.delete(path);
    },
  }),
  drill('assertion-gone', 'a test that asserts less than the list knows', WEAKER, {
    after: inTest('  expect(1 + 2).toBe(3);\n', ''),
  }),
  drill('test-gone', 'a test less than the list knows', WEAKER, {
    after: inTest("it('asks a helper', () => holds(2));\n", ''),
  }),
  drill('file-gone', 'a file of tests that the list knows', WEAKER, {
    said: (files) => files.set('test/b.test.ts', files.get('test/a.test.ts') ?? ''),
    laid: (root) => rm(join(root, 'test/b.test.ts')),
  }),
  drill('asserts-otherwise', 'a test that asserts as often, and something else', OTHERWISE, {
    after: inTest('expect(1 + 2).toBe(3)', 'expect(1 + 2).toBeDefined()'),
  }),
  drill('helper-otherwise', 'a helper of tests that asserts something else', OTHERWISE, {
    after: edit('test/helper.ts', 'toBe(2)', 'toBeDefined()'),
  }),
  drill('unlisted', 'a test that the list does not know', OTHERWISE, {
    after: inTest("it('adds'", "it('adds more', () => { expect(2 + 2).toBe(4); });\nit('adds'"),
  }),
];

/** Writes the lock of the text anew, and leaves that of the tests as it is. */
async function lockText(files: Files): Promise<void> {
  const { lockFiles } = await samplePackage();
  const suite = files.get('data/suite.json') ?? '';
  lockFiles(files);
  files.set('data/suite.json', suite);
}
