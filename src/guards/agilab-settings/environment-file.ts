// Reads AGILAB's environment file (`~/.agilab/.env`): `NAME=value` a line, `export` before it and quotes around it allowed, as
// python-dotenv reads them. A line that could be read in two ways is named, not guessed.

export interface EnvironmentFile {
  readonly settings: Readonly<Record<string, string>>;
  /** Lines, from 1, that are no setting, or give a name a second value. */
  readonly unclear: readonly number[];
}

const LINE =
  /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*(?:'([^'\\]*)'|"([^"\\$]*)"|([^\s'"#`\\][^'"#`\\]*?)?)\s*(?:\s#.*)?$/;

/** Returns the settings of a text, each name once. */
export function readEnvironmentFile(text: string): EnvironmentFile {
  const settings = new Map<string, string>();
  const unclear: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const [, name = '', single, double, bare] = LINE.exec(line) ?? [];
    const value = single ?? double ?? bare ?? '';
    if (name === '' || (settings.has(name) && settings.get(name) !== value)) unclear.push(index + 1);
    else settings.set(name, value);
  }
  return { settings: Object.fromEntries(settings), unclear };
}
