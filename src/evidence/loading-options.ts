// Under what a process loads its code, as its run record says it: options of Node, and variables that put code into it before
// the first file of ours. What is too long to be kept whole is not kept in part, or the rest of it would be hidden.
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

/** Returns the options of Node and the variables that can change what runs. */
export function loadingOptions({
  execArgv,
  env,
}: Pick<NodeJS.Process, 'execArgv' | 'env'> = process): Pick<RunDraft, 'flags' | 'nodeOptions'> {
  const flags = [...VARIABLES.filter((name) => env[name]), ...execArgv].map((flag) => flag.slice(0, 400));
  const nodeOptions = env['NODE_OPTIONS'] ?? '';
  return {
    flags: flags.length > MAX_FLAGS ? [TOO_LONG] : flags,
    nodeOptions: nodeOptions.length > MAX_NODE_OPTIONS ? TOO_LONG : nodeOptions,
  };
}
