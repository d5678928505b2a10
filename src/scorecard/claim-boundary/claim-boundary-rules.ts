// Every reason to disbelieve what a package says of itself. Reasons name file and line, and never repeat the text.
import type { Rule } from '../../kernel/guard.ts';
import type { Block, Document, Kind } from './blocks.ts';
import type { ClaimBoundaryFacts } from './claim-boundary-look.ts';
import type { CountedFile } from './count-suite.ts';
import { spell, statementOf } from './statements.ts';
import { isTest } from './suite.ts';
import { forbiddenIn, hasFigure, phraseIn } from './words.ts';

interface Placed extends Block {
  readonly path: string;
}

function blocksOf({ documents }: ClaimBoundaryFacts): readonly Placed[] {
  return documents.flatMap(({ path, document }) =>
    (document.value?.blocks ?? []).map((block) => ({ ...block, path })),
  );
}

/** The first block that is wrong, by its place. */
function first(facts: ClaimBoundaryFacts, why: string, wrong: (block: Placed) => boolean): string | false {
  const found = blocksOf(facts).find(wrong);
  return found !== undefined && `${placeOf(found)}: ${why}`;
}

/** Names of files come from the tree: only what is plainly a name is repeated. */
const placeOf = ({ path, line }: { readonly path: string; readonly line: number }): string =>
  `${/^[\w./-]{1,200}$/.test(path) ? path : 'a document'}, line ${line}`;

const testOf = ({ path }: { readonly path: string }): string =>
  /^[\w./-]{1,200}$/.test(path) ? `test/${path}` : 'a file of tests';

const isKind = ({ mark }: Block, ...kinds: readonly Kind[]): boolean =>
  mark?.is === 'no-claim' && kinds.includes(mark.kind);

const idsOf = ({ mark }: Block): readonly string[] => (mark?.is === 'claim' ? mark.ids : []);

/** Every id that a claim may name: probes, their drills, tests that assert something, and gaps of the register. */
function known({ claims, suite, gaps }: ClaimBoundaryFacts): ReadonlySet<string> {
  const probes = claims.value?.claims ?? [];
  return new Set([
    ...probes.flatMap(({ guard, drills }) => [guard, ...drills.map(({ id }) => `${guard}/${id}`)]),
    ...(suite.value ?? []).filter(({ assertions }) => assertions > 0).map(({ path }) => `test/${path}`),
    ...(gaps.value ?? []).map(({ id }) => `gap:${id}`),
  ]);
}

/** Blocks that are in one list and not in the other, each as often as it is. */
function difference(facts: ClaimBoundaryFacts): string | false {
  const left = new Map<string, number>();
  const key = ({ file, is, text }: ReturnType<typeof statementOf>): string => `${file}\0${is}\0${text}`;
  for (const statement of facts.lock.value ?? [])
    left.set(key(statement), (left.get(key(statement)) ?? 0) + 1);
  for (const block of blocksOf(facts)) {
    const found = key(statementOf(block.path, block));
    const times = left.get(found) ?? 0;
    if (times === 0)
      return `${placeOf(block)}: the block (${spell(block.mark)}) is not in the lock as it is here`;
    left.set(found, times - 1);
  }
  const gone = [...left].filter(([, times]) => times > 0).length;
  return gone > 0 && `${gone} blocks of the lock are in no document`;
}

/** Files that hold fewer tests or assertions than the list knows. */
function weaker({ suite, counted }: ClaimBoundaryFacts): string | false {
  if (!counted?.value) return false;
  const now = new Map(counted.value.map((file) => [file.path, file]));
  const less = (suite.value ?? []).find(({ path, tests, assertions }) => {
    const file = now.get(path);
    return !file || file.tests < tests || file.assertions < assertions;
  });
  return less !== undefined && `${testOf(less)} asserts less than the list of tests knows`;
}

function otherwise({ suite, counted }: ClaimBoundaryFacts): string | false {
  if (!counted?.value) return false;
  const listed = new Map((suite.value ?? []).map((file) => [file.path, file]));
  const other = counted.value.find(({ path, tests, assertions, digest }) => {
    const file = listed.get(path);
    return file?.tests !== tests || file.assertions !== assertions || file.digest !== digest;
  });
  return other !== undefined && `the list of tests has ${testOf(other)} otherwise`;
}

const WRITE = 'Read what changed, then run npm run statements.';

/** The files that rules rely on, and why one cannot be used. */
const unusable = (facts: ClaimBoundaryFacts): string | false => {
  const { manifest, lock, claims, gaps, suite, counted } = facts;
  const named = { 'package.json': manifest, 'the lock of text': lock, 'the claims': claims };
  const all = { ...named, 'the register': gaps, 'the list of tests': suite, 'the tests': counted };
  const [bad] = Object.entries(all).filter(([, file]) => file?.code !== undefined);
  return bad !== undefined && `${bad[0]} cannot be used: ${bad[1]?.why}`;
};

const strays = ({ documents }: ClaimBoundaryFacts): string | false => {
  for (const { path, document } of documents)
    for (const { line, why } of (document.value as Document | undefined)?.stray ?? [])
      return `${placeOf({ path, line })}: the mark marks nothing: ${why}`;
  return false;
};

export const claimBoundaryRules: readonly Rule<ClaimBoundaryFacts>[] = [
  {
    code: 'claim-boundary.unreadable',
    remedy:
      'Keep README.md, SECURITY.md, CONTRIBUTING.md and docs as plain files of Markdown in UTF-8, each up to 128 KiB, 2,048 lines and 1,024 marks; split one that is longer.',
    refuses: ({ documents }) => {
      const bad = documents.find(({ document }) => document.code !== undefined);
      return (
        bad !== undefined && `${placeOf({ path: bad.path, line: 1 })}: cannot be read (${bad.document.why})`
      );
    },
  },
  {
    code: 'claim-boundary.unusable',
    remedy: 'Write the locks anew (npm run statements, npm run claims); repair what they are made from.',
    refuses: unusable,
  },
  {
    code: 'claim-boundary.unmarked',
    remedy:
      'Say before the block, or after its heading, what it is: <!-- claim: PROBE --> or <!-- no-claim: KIND --> (docs/claims.md).',
    refuses: (facts) => first(facts, 'nobody says what this block claims', ({ mark }) => mark === undefined),
  },
  {
    code: 'claim-boundary.stray-mark',
    remedy: 'Write marks as docs/claims.md has them, each where it marks something.',
    refuses: strays,
  },
  {
    code: 'claim-boundary.raw-html',
    remedy: 'Write it as Markdown.',
    refuses: (facts) => first(facts, 'HTML, which is not read here', ({ rawHtml }) => rawHtml),
  },
  {
    code: 'claim-boundary.unknown-evidence',
    remedy:
      'Name a probe, one of its drills (GUARD/DRILL), or a file of tests that asserts something (test/...).',
    refuses: (facts) => {
      const ids = known(facts);
      const why = 'the claim names what shows nothing';
      return first(facts, why, (block) => idsOf(block).some((id) => !ids.has(id)));
    },
  },
  {
    code: 'claim-boundary.gap-as-fact',
    remedy: 'Say it as a limit or a plan (<!-- no-claim: limits -->, plan), or close the gap first.',
    refuses: (facts) => {
      const open = (facts.gaps.value ?? []).filter(({ status }) => status !== 'shipped');
      const ids = new Set(open.map(({ id }) => `gap:${id}`));
      const words = open.flatMap((gap) => gap.words ?? []);
      const found = first(facts, 'what is registered as a gap is said as a fact', (block) => {
        if (idsOf(block).some((id) => ids.has(id))) return true;
        return !isKind(block, 'limits', 'denial', 'plan') && phraseIn(block.text, words) !== undefined;
      });
      const described = phraseIn(facts.manifest.value?.description ?? '', words) !== undefined;
      return found || (described && 'package.json: the description says a gap as a fact');
    },
  },
  {
    code: 'claim-boundary.forbidden-word',
    remedy: 'Say what is shown instead; to deny the word, mark the block <!-- no-claim: denial -->.',
    refuses: (facts) => {
      const found = first(
        facts,
        'a word that promises what no drill shows',
        (block) => !isKind(block, 'denial') && forbiddenIn(block.text) !== undefined,
      );
      const described = forbiddenIn(facts.manifest.value?.description ?? '') !== undefined;
      return found || (described && 'package.json: the description has a word that promises too much');
    },
  },
  {
    code: 'claim-boundary.figure-by-hand',
    remedy: 'Mark the block with the command that prints its figures: <!-- figures: npm run NAME -->.',
    refuses: (facts) =>
      first(
        facts,
        'a measured figure, and no command that prints it',
        ({ mark, text }) => mark?.is !== 'figures' && hasFigure(text),
      ),
  },
  {
    code: 'claim-boundary.unknown-command',
    remedy: 'Name a script of package.json: npm run NAME.',
    refuses: (facts) => {
      const commands = new Set(facts.manifest.value?.commands);
      const why = 'its figures are printed by no command of this package';
      return first(facts, why, ({ mark }) => mark?.is === 'figures' && !commands.has(mark.command));
    },
  },
  {
    code: 'claim-boundary.changed',
    remedy: WRITE,
    refuses: (facts) => facts.lock.value !== undefined && difference(facts),
  },
  {
    code: 'claim-boundary.asserts-nothing',
    remedy: 'Let the test assert something, or take it away.',
    refuses: ({ counted, suite }) => {
      const files: readonly CountedFile[] = counted?.value ?? suite.value ?? [];
      const hollow = files.find(
        ({ path, tests, assertions, emptyAt }) =>
          isTest(path) && (emptyAt !== undefined || tests === 0 || assertions === 0),
      );
      return (
        hollow !== undefined && `${testOf(hollow)}, line ${hollow.emptyAt ?? 1}: a test that asserts nothing`
      );
    },
  },
  {
    code: 'claim-boundary.tests-weaker',
    remedy:
      'Put back what the tests asserted; what is gone for a reason is written down by npm run statements.',
    refuses: weaker,
  },
  { code: 'claim-boundary.tests-otherwise', remedy: WRITE, refuses: otherwise },
];
