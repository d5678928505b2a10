// Lists the tests as they are: each file read from its syntax, those that it imports among them.
import { portable } from '../../evidence/primitives.ts';
import { assertingHelpers, type Counted, countAssertions } from './assertions.ts';
import { isTest, type TestFile } from './suite.ts';

/** A file as it is. */
export type CountedFile = TestFile & Pick<Counted, 'emptyAt'>;

/** The path that an import leads to, below the same folder; `undefined` where it leads out. */
function resolveImport(file: string, from: string): string | undefined {
  const parts = file.split('/').slice(0, -1);
  for (const step of from.split('/')) {
    if (step === '.') continue;
    if (step !== '..') parts.push(step);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/**
 * Lists files of tests and what they import, one at a time: to read them all takes seconds. `files`: path below the folder
 * of tests, and text, of each.
 *
 * @throws SyntaxError of acorn, for a file that is no TypeScript.
 */
export function* countSuite(files: ReadonlyMap<string, string>): Generator<CountedFile, void> {
  const helpers = new Map<string, ReadonlySet<string>>();
  const assertingIn = (path: string): ReadonlySet<string> => {
    const known = helpers.get(path);
    if (known) return known;
    const text = files.get(path);
    const found = text === undefined ? new Set<string>() : assertingHelpers(text);
    helpers.set(path, found);
    return found;
  };
  for (const [path, text] of files) {
    const digest = portable.sha256Hex(new TextEncoder().encode(text));
    if (!isTest(path)) {
      yield { path, tests: 0, assertions: 0, digest };
      continue;
    }
    const counted = countAssertions(text, ({ from, name }) => {
      const at = resolveImport(path, from);
      return at !== undefined && assertingIn(at).has(name);
    });
    yield { path, ...counted, digest };
  }
}
