// Under what a process loads its code, as its run record says it: options of Node, and variables that put code into it before
// the first file of ours. What is too long to be kept whole is not kept in part, or the rest of it would be hidden.
import { readFileSync } from 'node:fs';
import type { RunDraft } from './record.ts';

/** Variables that load other code, or say where it is loaded from. Their names alone are kept. */
const VARIABLES = [
  'LD_AUDIT',
  'LD_LIBRARY_PATH',
  'LD_PRELOAD',
  'NODE_COMPILE_CACHE',
  'NODE_PATH',
  'OPENSSL_CONF',
  'OPENSSL_ENGINES',
  'OPENSSL_MODULES',
];

const MAX_FLAGS = 32;
const MAX_NODE_OPTIONS = 2_000;
const TOO_LONG = 'more than a record holds';

type Started = Pick<NodeJS.Process, 'execArgv' | 'env'>;

function wordsOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\0').slice(0, -1);
  } catch {
    return []; // no /proc: what the process says of itself must do
  }
}

/** Node's option for another name of the process, which is written over the words that it was started with. */
const TITLE = '--title';

/** How this process was started, as the kernel kept it: what a preload took out of `process` is still there. */
function asStarted(): Started {
  const words = wordsOf('/proc/self/cmdline');
  const argv = words.slice(1);
  const end = argv.findIndex((word) => !word.startsWith('-'));
  const variables = wordsOf('/proc/self/environ').map((entry) => {
    const [name = ''] = entry.split('=', 1);
    return [name, entry.slice(name.length + 1)] as const;
  });
  // Node 20 obeys an environment file behind the program too, and what NODE_OPTIONS in it says.
  const flags = argv.filter((word, n) => end < 0 || n < end || word.startsWith('--env-file'));
  const isOverwritten = words.length > 0 && !argv[end]; // no program is named any more, and options may have been
  return { execArgv: isOverwritten ? [...flags, TITLE] : flags, env: Object.fromEntries(variables) };
}

/** Returns the options of Node and the variables that can change what runs. */
export function loadingOptions(
  now: Started = process,
  started: Started = now === process ? asStarted() : now,
): Pick<RunDraft, 'flags' | 'nodeOptions'> {
  const variables = VARIABLES.filter((name) => now.env[name] || started.env[name]);
  const given = new Set([...variables, ...now.execArgv, ...started.execArgv]);
  const flags = [...given].map((flag) => flag.slice(0, 400));
  const options = new Set([started.env['NODE_OPTIONS'] ?? '', now.env['NODE_OPTIONS'] ?? '']);
  const nodeOptions = [...options].join(' ').trim();
  return {
    flags: flags.length > MAX_FLAGS ? [TOO_LONG] : flags,
    nodeOptions: nodeOptions.length > MAX_NODE_OPTIONS ? TOO_LONG : nodeOptions,
  };
}
