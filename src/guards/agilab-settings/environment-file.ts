// Reads AGILAB's environment file (`~/.agilab/.env`): `NAME=value` a line, `export` before it and quotes around it allowed, as
// python-dotenv reads them. A line that could be read in two ways is named, not guessed.

export interface EnvironmentFile {
  readonly settings: Readonly<Record<string, string>>;
  /** Lines, from 1, that are no setting, or give a name a second value. */
  readonly unclear: readonly number[];
}

// python-dotenv expands ${NAME} in any quotes, a shell $NAME outside of single ones; right after `=`, `# x` is a value.
const LINE =
  /^[ \t]*(?:export[ \t]+)?(?!export[ \t]*=)([A-Za-z_]\w*)[ \t]*=[ \t]*(?:(?:'((?:(?!\$\{)[^'\\])*)'|"([^"\\$]*)"|([^\s'"#`\\$](?:[^'"#`\\$]*[^\s'"#`\\$])?))[ \t]*(?:[ \t]#.*)?)?$/;

/** Line ends and blanks to some alone, in whatever reads by lines there; and controls, which no setting needs. */
const READ_OTHERWISE = /(?!\t)\p{Cc}|(?![ \t])\s/u;

/** Returns the settings of a text, each name once. */
export function readEnvironmentFile(text: string): EnvironmentFile {
  const settings = new Map<string, string>();
  const unclear: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const isClear = !READ_OTHERWISE.test(line);
    if (isClear && /^[ \t]*(?:#.*)?$/.test(line)) continue;
    const [, name = '', single, double, bare] = LINE.exec(line) ?? [];
    const value = single ?? double ?? bare ?? '';
    if (!isClear || name === '' || (settings.has(name) && settings.get(name) !== value))
      unclear.push(index + 1);
    else settings.set(name, value);
  }
  return { settings: Object.fromEntries(settings), unclear };
}
