// Sets variables in a dotenv file on a host and keeps every other line: python3 -c CODE FILE NAME=VALUE... NAME...
// The code is constant and finds the values in its arguments, or for secrets in its environment.
import { FragmentFault, requireText } from '../fragments/fault.ts';
import { someText, textByName } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface DotenvMergeRequest extends RecipeRequest<'dotenv-merge'> {
  /** Absolute or `~/rest`; made with its directory, mode 0600, when it is not there. */
  readonly file: string;
  readonly values: Readonly<Record<string, string>>;
}

const MERGE = `import os, re, sys, tempfile
path = sys.argv[1]
new = {}
for word in sys.argv[2:]:
    name, equals, value = word.partition("=")
    new[name] = value if equals else os.environ[name]
    if re.search("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029'\\\\\\\\]|[$][{]", new[name]):
        raise SystemExit(name + " holds what readers of such files disagree about")
lines = []
try:
    with open(path, encoding="utf-8") as old:
        lines = old.read().rstrip("\\n").split("\\n")
except FileNotFoundError:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
def key(line):
    found = re.match(r"\\s*(?:export\\s+)?([A-Za-z_][A-Za-z0-9_]*)\\s*=", line)
    return found and found.group(1)
lines = [line for line in lines if key(line) not in new]
lines += [name + "='" + value + "'" for name, value in new.items()]
handle, part = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".env.")
try:
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write("\\n".join(lines) + "\\n")
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, path)
except BaseException:
    os.unlink(part)
    raise
print(path)`;

function parseAssignment(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new FragmentFault('environment-name', 'a variable');
  requireText(value, 'the value of a variable');
  // Such files are read by Python, by dotenv libraries and by shells that source them. In single quotes, these are what
  // ends the value, adds a line or is replaced in some of them. The code asks the same of secrets.
  if (/['\\\p{Cc}\u2028\u2029]|\$\{/u.test(value))
    throw new FragmentFault('dotenv-value', 'the value of a variable');
  return `${name}=${value}`;
}

/** Returns the request that sets variables in a dotenv file; the secrets of its prefix are set as well. */
export const dotenvMerge: Recipe<DotenvMergeRequest> = defineRecipe({
  id: 'dotenv-merge',
  fields: {
    file: someText,
    values: textByName,
  },
  invocation: ({ file, values, prefix }) =>
    command(
      prefix,
      ['python3', '-c', MERGE, RemotePath.parseAnchored(file, 'the file').word],
      ...Object.entries(values).map(([name, value]) => parseAssignment(name, value)),
      ...(prefix?.secrets ?? []),
    ),
});
