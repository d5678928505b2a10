// secretlint with its recommended rules, over many files at once. What it does for each text besides looking through it takes
// as long as to look through a small file, and most files are small: so they are brought together, and looked at one by one only
// where something is found.
import { extname } from 'node:path';
import type { Found } from '../find-secrets.ts';

export interface TextFile {
  readonly path: string;
  /** Holds no NUL. */
  readonly text: string;
}

/** Returns what was found in each file, in their order. */
export type Lint = (files: readonly TextFile[]) => Promise<readonly (readonly Found[])[]>;

/** Nothing that a rule looks for goes across: what may hold a newline may hold no NUL. */
const BETWEEN = '\n\0\n';

/** There are rules that take the text of such a file as a whole, or look for more in it. */
const NAMED = /\.(?:json|p12|npmrc)$/;
/** With this begin comments that turn rules off, some of them up to the end of the text. */
const COMMENT = 'secretlint-';

const isAlone = ({ path, text }: TextFile): boolean => NAMED.test(path) || text.includes(COMMENT);

/** Loads secretlint, with the first look. Before each file that it looks at by itself it waits for `turn`. */
export async function loadSecretlint(turn: () => Promise<void> | undefined): Promise<Lint> {
  const [{ lintSource }, { creator }, profiler] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
    import('@secretlint/profiler'),
  ]);
  // It keeps each mark of each file for as long as the process lives, and every mark is searched for among all of them.
  profiler.secretLintProfiler.mark = () => {};
  const id = '@secretlint/secretlint-rule-preset-recommend';
  const options = { config: { rules: [{ id, rule: creator }] }, noPhysicFilePath: true };
  const lintOne = async (path: string, content: string): Promise<readonly Found[]> => {
    const source = { filePath: path, content, ext: extname(path), contentType: 'text' as const };
    const { messages } = await lintSource({ source, options });
    return messages.map(({ ruleId, loc }) => ({
      shape: ruleId.split('/').at(-1) ?? 'secretlint',
      line: loc.start.line,
    }));
  };
  return async (files) => {
    const together = files.filter((file) => !isAlone(file)).map(({ text }) => text);
    const areClean = together.length > 1 && (await lintOne('files', together.join(BETWEEN))).length === 0;
    const found: (readonly Found[])[] = [];
    for (const file of files) {
      const isClean = areClean && !isAlone(file);
      if (!isClean) await turn();
      found.push(isClean ? [] : await lintOne(file.path, file.text));
    }
    return found;
  };
}
