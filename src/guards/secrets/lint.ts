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
const NAMED = /\.(?:json|npmrc)$/;
/** By its comments a file says of itself that nothing is in it. Here that is for who asks to say, by its digest. */
const COMMENTS = '@secretlint/secretlint-rule-filter-comments';
/** Most that a rule reports of one text: secretlint compares each report with all others, and more say nothing more. */
const MOST_REPORTS = 100;

const isAlone = ({ path }: TextFile): boolean => NAMED.test(path);

/** Loads secretlint, with the first look. Before each file that it looks at by itself it waits for `turn`. */
export async function loadSecretlint(turn: () => Promise<void> | undefined): Promise<Lint> {
  const [{ lintSource }, preset, profiler] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
    import('@secretlint/profiler'),
  ]);
  // It keeps each mark of each file for as long as the process lives, and every mark is searched for among all of them.
  profiler.secretLintProfiler.mark = () => {};
  const limited = (rule: (typeof preset.rules)[number]): typeof rule => ({
    ...rule,
    create: (context, options) => {
      let left = MOST_REPORTS;
      return rule.create(
        { ...context, report: (what) => void (left-- > 0 && context.report(what)) },
        options,
      );
    },
  });
  const rules = preset.rules
    .filter(({ meta }) => meta.id !== COMMENTS)
    .map((rule) => ({ id: rule.meta.id, rule: limited(rule) }));
  const options = { config: { rules }, noPhysicFilePath: true };
  const lintOne = async (path: string, content: string): Promise<readonly Found[]> => {
    const named = extname(path);
    const ext = named === '.p12' ? '' : named; // the rule for those opens the file itself, from wherever this process is
    const { messages } = await lintSource({
      source: { filePath: path, content, ext, contentType: 'text' },
      options,
    });
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
