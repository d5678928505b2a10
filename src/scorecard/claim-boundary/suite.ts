// The list of the tests, file by file: what each holds, counted in its syntax, and the digest of its text. It is kept beside them,
// so that a suite that was hollowed out, or says something else, shows.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { hex64 } from '../../evidence/hex64.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';

/** What is listed of one file below the folder of tests. */
export interface TestFile {
  /** Path below the folder of tests. */
  readonly path: string;
  /** Calls that declare a test; one with a table of cases is one. 0 for a file that tests only import, as are its assertions. */
  readonly tests: number;
  readonly assertions: number;
  /** SHA-256 (hex) of its text. */
  readonly digest: string;
}

/** Whether a file declares tests, and is none that tests import. */
export const isTest = (path: string): boolean => path.endsWith('.test.ts');

const testFile: z.ZodType<TestFile> = z.strictObject({
  path: z.string().regex(/^[\w.-]+(?:\/[\w.-]+){0,8}$/),
  tests: z.int().min(0),
  assertions: z.int().min(0),
  digest: hex64,
});

/** The schema of the files of a list, for what embeds one. */
export const testFiles: z.ZodType<readonly TestFile[]> = z.array(testFile).max(10_000);

const suiteFile = z.strictObject({ schema: z.literal('agilab.suite.v2'), files: testFiles });

/** Parses `data/suite.json`. @throws CodedError `suite.invalid`, `json.*`. */
export function parseSuite(bytes: Uint8Array): readonly TestFile[] {
  const result = suiteFile.safeParse(parseStrictJson(bytes, { maxBytes: 4_194_304, maxDepth: 4 }));
  if (result.success) return result.data.files;
  const remedy = 'Write it with `npm run statements`.';
  throw new CodedError('suite.invalid', 'the list of tests does not match its schema', remedy);
}

/** Returns the list as it is kept, one file a line: where two changes touch different files, their lines merge. */
export function writeSuite(files: readonly TestFile[]): string {
  const lines = files.map(
    ({ path, tests, assertions, digest }) => `\n    ${JSON.stringify({ path, tests, assertions, digest })}`,
  );
  return `{\n  "schema": "agilab.suite.v2",\n  "files": [${lines.join(',')}\n  ]\n}\n`;
}
