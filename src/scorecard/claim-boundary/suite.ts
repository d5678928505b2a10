// What the tests of the package assert, file by file: a count of their syntax, kept beside them so that a suite that was
// hollowed out shows.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import { assertingHelpers, countAssertions, type TestFile } from './assertions.ts';

const suiteFile = z.strictObject({
  schema: z.literal('agilab.suite.v1'),
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(/^[\w.-]+(?:\/[\w.-]+){0,8}$/),
        tests: z.int().min(0),
        assertions: z.int().min(0),
      }),
    )
    .max(10_000),
});

/** Parses `data/suite.json`. @throws CodedError `suite.invalid`, `json.*`. */
export function parseSuite(bytes: Uint8Array): readonly TestFile[] {
  const result = suiteFile.safeParse(parseStrictJson(bytes, { maxBytes: 4_194_304, maxDepth: 4 }));
  if (result.success) return result.data.files;
  const remedy = 'Write it with `npm run statements`.';
  throw new CodedError('suite.invalid', 'the list of tests does not match its schema', remedy);
}

/** Returns the list as it is kept, one file a line. */
export function writeSuite(files: readonly TestFile[]): string {
  const lines = files.map(
    ({ path, tests, assertions }) => `\n    ${JSON.stringify({ path, tests, assertions })}`,
  );
  return `{\n  "schema": "agilab.suite.v1",\n  "files": [${lines.join(',')}\n  ]\n}\n`;
}

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
 * Counts what the tests among some files assert. `files`: path below the folder of tests, and text, of each.
 *
 * @throws SyntaxError of acorn, for a file that is no TypeScript.
 */
export function countSuite(files: ReadonlyMap<string, string>): readonly TestFile[] {
  const helpers = new Map<string, ReadonlySet<string>>();
  const assertingIn = (path: string): ReadonlySet<string> => {
    const known = helpers.get(path);
    if (known) return known;
    const text = files.get(path);
    const found = text === undefined ? new Set<string>() : assertingHelpers(text);
    helpers.set(path, found);
    return found;
  };
  const tests = [...files].filter(([path]) => path.endsWith('.test.ts'));
  return tests.map(([path, text]) =>
    countAssertions(path, text, ({ from, name }) => {
      const at = resolveImport(path, from);
      return at !== undefined && assertingIn(at).has(name);
    }),
  );
}
