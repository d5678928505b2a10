// Guards what is sent to a remote shell. A request says what a command means; the guard renders it, has a parser
// that is not ours (shell-quote) read it back, and grants it only when the two agree. A line that existing code builds
// for the same purpose is read by a grammar, since whoever wrote it may have used more of the shell than words.
import { parse } from 'shell-quote';
import { sha256Hex } from '../evidence/sha256.ts';
import { defineHouseGuard } from '../kernel/define.ts';
import type { Guard, Rule } from '../kernel/guard.ts';
import { type LineReading, readLine } from './existing-line.ts';
import { FAULTS, type FaultKind, FragmentFault } from './fragments/fault.ts';
import type { Encoder } from './fragments/word.ts';
import { renderInvocation, type Surroundings, variablesOf, wordsOf } from './invocation.ts';
import { MAX_COMMAND_BYTES } from './neutral.ts';
import { quote } from './quote.ts';
import { invocationOf, type RemoteCommandRequest, remoteCommandRequest, socketsOf } from './recipes/index.ts';

export interface CommandFacts {
  readonly recipe: RemoteCommandRequest['recipe'];
  /** The first value that does not fit its slot; then there is no script. */
  readonly fault: { readonly kind: FaultKind; readonly slot: string } | undefined;
  readonly script: string;
  /** What the script means, variables before the program included; paths under the remote home as `~/rest`. */
  readonly words: readonly string[];
  /** Variables whose values the command reads from its standard input, one line each, in this order. */
  readonly secrets: readonly string[];
  /** Length of the script in bytes. */
  readonly bytes: number;
  /** Whether the script, read by the other parser, is the words that were meant. */
  readonly readsBack: boolean;
  /** The existing line beside the command, when the request brought one. */
  readonly existing: Comparison | undefined;
}

/** How an existing line compares with the command. */
interface Comparison {
  /** The first construct in it that is not read; then nothing is known of its words. */
  readonly unread?: string;
  /** Whether its words are those of the command. */
  readonly equal: boolean;
  /** The first option of the recipe that gives a socket its address and that the line lacks or gives another value. */
  readonly open?: string | undefined;
}

// Not a plausible directory, so a literal that only looks expanded cannot pass for one that was.
const PROBE: Surroundings = { home: '/\u{10fffd}home', path: '/\u{10fffd}path' };

/** Whether shell-quote finds exactly these words in the line. What it throws on, a shell would not like either. */
function readsAs(line: string, words: readonly string[]): boolean {
  try {
    const found = parse(line, variablesOf(PROBE));
    return found.length === words.length && words.every((word, index) => word === found[index]);
  } catch {
    return false;
  }
}

/** Whether a word of an existing line means the word that is meant. */
function isEqual(found: string | undefined, meant: string): boolean {
  if (found === meant) return true;
  // Existing code also writes paths relative to the directory of the log-in, which is the home. Only with a slash: a
  // bare name may be looked up in PATH.
  const relative = meant.startsWith(`${PROBE.home}/`) ? meant.slice(PROBE.home.length + 1) : '';
  return /^[^-~].*\//s.test(relative) && found === relative;
}

function compare(reading: LineReading, meant: readonly string[], sockets: readonly string[]): Comparison {
  if ('unread' in reading) return { unread: reading.unread, equal: false };
  const { words } = reading;
  const equal = words.length === meant.length && meant.every((word, index) => isEqual(words[index], word));
  const after = (list: readonly string[], option: string): string | undefined =>
    list.includes(option) ? list[list.indexOf(option) + 1] : undefined;
  return { equal, open: sockets.find((option) => after(words, option) !== after(meant, option)) };
}

async function look(request: RemoteCommandRequest, { encode, read }: Tools): Promise<CommandFacts> {
  const { recipe, existing } = request;
  try {
    const invocation = invocationOf(request);
    const script = renderInvocation(invocation, encode);
    const bytes = Buffer.byteLength(script);
    const meant = wordsOf(invocation, PROBE);
    // What is too long is refused for that; no parser needs to see it.
    const readable = bytes <= MAX_COMMAND_BYTES;
    return {
      recipe,
      fault: undefined,
      script,
      words: wordsOf(invocation, { home: '~', path: '$PATH' }),
      secrets: invocation.prefix.secrets,
      bytes,
      readsBack: !readable || readsAs(script, meant),
      existing:
        existing === undefined ? undefined : compare(await read(existing, PROBE), meant, socketsOf(request)),
    };
  } catch (error) {
    if (!(error instanceof FragmentFault)) throw error;
    const { kind, slot } = error;
    return {
      recipe,
      fault: { kind, slot },
      script: '',
      words: [],
      secrets: [],
      bytes: 0,
      readsBack: true,
      existing: undefined,
    };
  }
}

const faultRules: readonly Rule<CommandFacts>[] = Object.entries(FAULTS).map(([kind, { says, remedy }]) => ({
  code: `command.${kind}`,
  remedy,
  refuses: ({ fault }) => fault?.kind === kind && `${fault.slot} ${says}`,
}));

const rules: readonly Rule<CommandFacts>[] = [
  ...faultRules,
  {
    code: 'command.too-long',
    remedy: 'Shorten the command, or put the data into a file on the host and name the file.',
    refuses: ({ bytes }) =>
      bytes > MAX_COMMAND_BYTES &&
      `the command takes ${bytes} bytes of the ${MAX_COMMAND_BYTES} that a shell can be given`,
  },
  {
    code: 'command.existing-syntax',
    remedy:
      'Send the line that the grant holds, or have the existing code build plain words and quoted ones.',
    refuses: ({ existing }) =>
      existing?.unread !== undefined &&
      `the existing line holds ${existing.unread}, so what it does is not known`,
  },
  {
    code: 'command.existing-sockets',
    remedy: 'Send the line that the grant holds: it gives each socket of the program its address.',
    refuses: ({ existing }) =>
      existing?.open !== undefined && `the existing line leaves open where ${existing.open} listens`,
  },
  {
    code: 'command.parse-back',
    remedy:
      'This rendering does not mean the request. Send the line that the grant holds, and report a bug if it is ours.',
    refuses: ({ readsBack, existing }) => {
      if (!readsBack) return 'the rendered command, read by an independent parser, is not what was meant';
      const differs = existing !== undefined && existing.unread === undefined && !existing.equal;
      return differs && 'the existing line does not mean what the recipe means';
    },
  },
];

/** A command that may be sent to a remote shell. The transport takes only what `enforce` handed out. */
export interface RemoteCommand {
  /** One POSIX sh command. Non-POSIX login shells need it on the standard input of `/bin/sh`, or neutral. */
  readonly script: string;
  /** What it means: variables, program and arguments. Paths under the remote home show as `~/rest`. */
  readonly words: readonly string[];
  readonly recipe: string;
  /** Names of the variables that it reads from standard input; `secretInput` makes those lines. */
  readonly secrets: readonly string[];
  /** `sha256:` and the hex digest of the script's UTF-8 bytes. */
  readonly digest: string;
}

function grant({ script, words, recipe, secrets }: CommandFacts): RemoteCommand {
  if (script === '') throw new TypeError('a grant needs a script');
  return Object.freeze({
    script,
    words: Object.freeze([...words]),
    recipe,
    secrets: Object.freeze([...secrets]),
    digest: digestOf(script),
  });
}

function digestOf(script: string): string {
  return `sha256:${sha256Hex(script)}`;
}

/** What the look is made with: the encoder of words and the reader of existing lines. */
interface Tools {
  readonly encode: Encoder;
  readonly read: (line: string, surroundings: Surroundings) => Promise<LineReading>;
}

/** The look with other tools in it: drills prove that broken ones are noticed. */
export const observeWith =
  (tools: Partial<Tools>) =>
  async (request: RemoteCommandRequest): Promise<CommandFacts> =>
    look(request, { encode: quote, read: readLine, ...tools });

/** Grants the {@link RemoteCommand} that a request means. */
export const remoteCommand: Guard<RemoteCommandRequest, RemoteCommand> = defineHouseGuard({
  id: 'remote-command',
  dimension: 'architecture_remote_execution_hardening',
  request: remoteCommandRequest,
  observe: observeWith({}),
  rules,
  grant,
  subject: ({ recipe, script, fault }) => ({
    kind: 'remote-command',
    name: recipe,
    ...(fault ? {} : { digest: digestOf(script) }),
  }),
});
