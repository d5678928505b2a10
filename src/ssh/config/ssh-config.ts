// A safe part of ssh_config(5): where a host is, as whom and with which key, and through which other hosts. The tree is
// ssh-config's; what applies to a host is our own walk, since `ssh -G` and the walk of ssh-config both run `Match exec`.
// What is not read here is refused by its name, never passed over: a line that ssh would heed must not be missed.
import { type Directive, type Line, LineType, parse, type Section } from 'ssh-config';
import { CodedError } from '../../evidence/coded-error.ts';
import { isHostName } from '../host-key/host-name.ts';
import { matchesPattern } from '../host-key/known-hosts-match.ts';

/** A host on the way; what is absent is up to the lines for that host. */
export interface Hop {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** What the lines for one host say. Paths are as written: absolute, or `~/rest`. */
export interface ConfiguredHost {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  readonly hostKeyAlias?: string;
  readonly identityFile?: string;
  readonly certificateFile?: string;
  /** Whether keys of an agent that no line names stay out. */
  readonly identitiesOnly: boolean;
  /** From the first hop to the last, as the line lists them. */
  readonly proxyJump: readonly Hop[];
}

interface ConfigLine {
  readonly line: number;
  readonly option: string;
  readonly words: readonly string[];
}

/** `patterns` is empty for the lines before the first block, which are for every host. */
interface Block {
  readonly patterns: readonly string[];
  readonly lines: readonly ConfigLine[];
}

export type SshConfig = readonly Block[];

/** Options that can run a program or load code, or that read further files. */
const RUNS: ReadonlySet<string> = new Set([
  'match',
  'include',
  'proxycommand',
  'localcommand',
  'permitlocalcommand',
  'remotecommand',
  'knownhostscommand',
  'securitykeyprovider',
  'pkcs11provider',
  'smartcarddevice',
  'xauthlocation',
]);
const HOP =
  /^(?:([A-Za-z0-9_][A-Za-z0-9_.+-]*)@)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*))(?::([0-9]+))?$/;

/** Returns the value that a word means, or `undefined` where it means none. */
type Reader<T> = (word: string) => T | undefined;

const nameOf: Reader<string> = (word) => (isHostName(word) ? word : undefined);
const pathOf: Reader<string> = (word) => (/^(?:~\/|\/)./.test(word) ? word : undefined);
const portOf: Reader<number> = (word) => {
  const port = /^[1-9][0-9]{0,4}$/.test(word) ? Number(word) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
};
const yesOf: Reader<boolean> = (word) =>
  /^(?:yes|true)$/i.test(word) ? true : /^(?:no|false)$/i.test(word) ? false : undefined;
const hopOf: Reader<Hop> = (word) => {
  const [, user, address, name, port] = HOP.exec(word) ?? [];
  const host = address ?? name;
  const number = port === undefined ? undefined : portOf(port);
  if (
    host === undefined ||
    !isHostName(host) ||
    host.toLowerCase() === 'none' ||
    (port !== undefined && !number)
  )
    return undefined;
  return { host, ...(user === undefined ? {} : { user }), ...(number ? { port: number } : {}) };
};
const hopsOf: Reader<readonly Hop[]> = (word) => {
  if (word.toLowerCase() === 'none') return [];
  const hops = word.split(',').map(hopOf);
  return hops.includes(undefined) ? undefined : (hops as readonly Hop[]);
};

const READERS = {
  hostname: nameOf,
  user: (word: string) => (/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(word) ? word : undefined),
  port: portOf,
  identityfile: pathOf,
  identitiesonly: yesOf,
  proxyjump: hopsOf,
  hostkeyalias: nameOf,
  certificatefile: pathOf,
} as const;
type Option = keyof typeof READERS;
const isRead = (option: string): option is Option => Object.hasOwn(READERS, option);

// Words without quotes, escapes, comments, tokens and variables: those that every reader of such files reads alike.
const WORD = /[A-Za-z0-9._~/:@,*?!+[\]-]+/.source;
const LINE = new RegExp(
  `^[ \\t]*([A-Za-z][A-Za-z0-9]*)(?:[ \\t]+|[ \\t]*=[ \\t]*)${WORD}(?:[ \\t]+${WORD})*[ \\t]*$`,
);
const IDLE = /^[ \t]*(?:#.*)?$/;
/** An option with a value. What is not read here may have any, of visible ASCII. */
const OPTION = /^[ \t]*([A-Za-z][A-Za-z0-9]{0,40})[ \t=]+[!-~][ -~\t]*$/;

const refuse = (code: string, line: number, what: string, remedy: string): CodedError =>
  new CodedError(code, `line ${line} of the ssh_config: ${what}`, remedy);

function refuseOption(line: number, name: string): CodedError {
  return RUNS.has(name.toLowerCase())
    ? refuse(
        'ssh-config.runs-program',
        line,
        `${name} can run a program or read other files`,
        'Take it out of the file that is used here.',
      )
    : refuse(
        'ssh-config.unsupported',
        line,
        `${name} is not read here`,
        `Take it out, or keep a file of its own; read are Host, ${Object.keys(READERS).join(', ')}.`,
      );
}

const malformed = (line: number, what: string): CodedError =>
  refuse(
    'ssh-config.malformed',
    line,
    what,
    'Write one option a line, without quotes, escapes, tokens or a comment behind it.',
  );

/** Returns the numbers of the lines that hold an option. @throws CodedError `ssh-config.*`. */
function optionLines(text: string): readonly number[] {
  return text.split('\n').flatMap((raw, index) => {
    if (/[^\P{Cc}\t]/u.test(raw)) throw malformed(index + 1, 'it holds a control character');
    if (IDLE.test(raw)) return [];
    const [, name = ''] = OPTION.exec(raw) ?? [];
    const option = name.toLowerCase();
    if (option === 'match' || option === 'include') throw refuseOption(index + 1, name);
    if (name === '' || ((isRead(option) || option === 'host') && !LINE.test(raw)))
      throw malformed(index + 1, 'it is not understood');
    return [index + 1];
  });
}

const isDirective = (line: Line): line is Directive => line.type === LineType.DIRECTIVE;
const wordsOf = ({ value }: Directive): readonly string[] =>
  typeof value === 'string' ? value.split(/[ \t]+/) : value.map(({ val }) => val);

/**
 * Returns the blocks of a file. Match and Include refuse the whole file; other options only the hosts they are for.
 *
 * @throws CodedError `ssh-config.runs-program`, `ssh-config.malformed`.
 */
export function parseSshConfig(text: string): SshConfig {
  const numbers = [...optionLines(text)];
  const take = (directive: Directive): ConfigLine => {
    const [line = 0, option, words] = [numbers.shift(), directive.param, wordsOf(directive)];
    const key = option.toLowerCase();
    // ssh refuses a bad value also where it is for another host.
    if (isRead(key) && (words.length !== 1 || READERS[key](words[0] ?? '') === undefined))
      throw malformed(line, `${option} takes no such value`);
    return { line, option, words };
  };
  let tree: readonly Line[];
  try {
    tree = [...parse(text)];
  } catch {
    throw malformed(1, 'it cannot be parsed');
  }
  const first: ConfigLine[] = [];
  const blocks: Block[] = [{ patterns: [], lines: first }];
  for (const each of tree.filter(isDirective)) {
    const line = take(each);
    if (!('config' in each)) first.push(line);
    else {
      if (line.words.some((word) => /[,@/[\]]/.test(word)))
        throw malformed(line.line, 'that is no pattern of a host');
      blocks.push({
        patterns: line.words,
        lines: [...(each as Section).config].filter(isDirective).map(take),
      });
    }
  }
  if (numbers.length > 0) throw malformed(numbers[0] as number, 'it is read in two ways');
  return blocks;
}

function applies({ patterns }: Block, name: string): boolean {
  if (patterns.length === 0) return true;
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(name, pattern.slice(1))))
    return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(name, pattern));
}

/**
 * Returns what the file says about a host. Of each option the first line counts, as in ssh.
 *
 * @throws CodedError `ssh-config.runs-program`, `ssh-config.unsupported`.
 */
export function lookUpHost(config: SshConfig, name: string): ConfiguredHost {
  const first = new Map<string, string>();
  for (const { line, option, words } of config
    .filter((block) => applies(block, name))
    .flatMap(({ lines }) => lines)) {
    const key = option.toLowerCase();
    if (!isRead(key)) throw refuseOption(line, option);
    // ssh would try both.
    if ((key === 'identityfile' || key === 'certificatefile') && first.has(key))
      throw refuse('ssh-config.unsupported', line, `a second ${option}`, 'Name one file for a host.');
    if (!first.has(key)) first.set(key, words[0] ?? '');
  }
  const read = <Key extends Option>(key: Key): ReturnType<(typeof READERS)[Key]> => {
    const word = first.get(key);
    return (word === undefined ? undefined : READERS[key](word)) as ReturnType<(typeof READERS)[Key]>;
  };
  const found = {
    user: read('user'),
    port: read('port'),
    hostKeyAlias: read('hostkeyalias'),
    identityFile: read('identityfile'),
    certificateFile: read('certificatefile'),
  };
  return {
    host: read('hostname') ?? name,
    identitiesOnly: read('identitiesonly') ?? false,
    proxyJump: read('proxyjump') ?? [],
    ...(Object.fromEntries(
      Object.entries(found).filter(([, value]) => value !== undefined),
    ) as Partial<ConfiguredHost>),
  };
}

/** Hops on the way to a host. More is a circle, or a mistake. */
const MAX_HOPS = 8;

/** A host as it is to be dialled, after all hops on the way to it. */
export type Route = readonly [...hops: ConfiguredHost[], last: ConfiguredHost];

/**
 * Returns the way to a host: its hops, each with its own lines, and the host. What a hop or `asked` names itself counts
 * more than those lines. The first hop is reached as its own lines say; the others only through the one before, as in ssh.
 *
 * @throws CodedError as {@link lookUpHost}; `ssh-config.hops`.
 */
export function routeTo(config: SshConfig, asked: Hop, depth = 0): Route {
  if (depth > MAX_HOPS)
    throw new CodedError(
      'ssh-config.hops',
      `more than ${MAX_HOPS} hops lead to the host`,
      'Look for a ProxyJump that leads back to its own host.',
    );
  const { host: _, ...given } = asked;
  const last = { ...lookUpHost(config, asked.host), ...given };
  const [first, ...others] = last.proxyJump;
  if (!first) return [last];
  const between = others.map(({ host, ...own }) => ({ ...lookUpHost(config, host), ...own }));
  return [...routeTo(config, first, depth + 1), ...between, last];
}
