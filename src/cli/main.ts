#!/usr/bin/env node
// The `guardrails` command. Exit codes: 0 holds, 1 refused or failed, 2 usage or unreadable input, 3 unsupported rise.
import { Command, CommanderError } from 'commander';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { codeIdentity } from '../evidence/identity.ts';
import { oneLine } from '../evidence/one-line.ts';
import { abandonDrills } from '../proof/site.ts';
import { endUnread, interruption, isUnread, underSignals } from './signals.ts';

/** Each command in the order of the help. Only the one that is asked for is loaded: some bring a lot with them. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  drill: async () => (await import('./drill.ts')).registerDrill,
  scorecard: async () => (await import('./scorecard.ts')).registerScorecard,
  verify: async () => (await import('./verify.ts')).registerVerify,
  explain: async () => (await import('./explain.ts')).registerExplain,
  claims: async () => (await import('./claims.ts')).registerClaims,
  retire: async () => (await import('./retire.ts')).registerRetire,
  check: async () => (await import('./check.ts')).registerCheck,
  gate: async () => (await import('./gate.ts')).registerGate,
  journal: async () => (await import('./journal.ts')).registerJournal,
  prove: async () => (await import('./prove.ts')).registerProve,
  keys: async () => (await import('./keys.ts')).registerKeys,
  model: async () => (await import('./model.ts')).registerModel,
  manifest: async () => (await import('./manifest.ts')).registerManifest,
  serve: async () => (await import('./serve.ts')).registerServe,
  ssh: async () => (await import('./ssh.ts')).registerSsh,
};

const program = new Command('guardrails')
  .description('Fail-closed guards, tamper-evident evidence, and a score computed from it')
  .option('-V, --version', 'print the version')
  .option('--dir <dir>', 'state directory: key, pins, journal', '.guardrails')
  .option('--debug', 'print stack traces')
  .on('option:version', () => {
    process.stdout.write(`${codeIdentity().version}\n`); // read when asked: it hashes the code
    throw new CommanderError(0, 'commander.version', '');
  })
  .configureOutput({ outputError: () => {}, writeErr: () => {} }); // said once, in one line, below

/** The command whose words were wrong, for its own help. */
let failing: Command = program;
function watch(command: Command): void {
  command.exitOverride((error) => {
    failing = command;
    throw error;
  });
  command.commands.forEach(watch);
}

/** Loads the command that is named, or all of them where none is: for the help, or for the words of an error. */
async function load(): Promise<void> {
  watch(program);
  const [name = ''] = program.parseOptions(process.argv.slice(2)).operands;
  const loaders = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]] : Object.values(COMMANDS);
  for (const loader of loaders) (await loader?.())?.(program);
  watch(program);
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function explain(error: unknown): string {
  const help = `see ${nameOf(failing)} --help`;
  if (error instanceof CommanderError && error.code === 'commander.help') return `name a command; ${help}`;
  if (error instanceof CommanderError) {
    // Of an option that there is not, its name alone: what is glued to it may be a request.
    const said = error.message
      .replace(/^error: /, '')
      .replace(/\.$/, '')
      .replace(/^(unknown option '[\w-]*).*'/s, "$1'");
    return `${said}; ${help}`;
  }
  if (error instanceof CodedError) return `${error.code}: ${error.message}. ${error.remedy}`;
  const errno = errnoOf(error, '');
  if (errno)
    return `the system refused (${errno}); check the paths, permissions and space that the command needs`;
  return `unexpected ${error instanceof Error ? error.name : typeof error}; run again with --debug and report it`;
}

// A reader that goes away, or a full disk behind a redirection, is no crash; and never exit 1, which means refused.
process.stdout.on('error', (error) => {
  if (errnoOf(error) === 'EPIPE') return endUnread();
  process.stderr.write(`guardrails: ${explain(error)}\n`);
  process.exit(2);
});
// What is said on stderr is for people. That it cannot be said changes no answer.
process.stderr.on('error', () => {});

async function run(): Promise<void> {
  try {
    await load();
    await program.parseAsync();
  } catch (error) {
    if (isUnread()) return;
    if (interruption.aborted) {
      const { message } = interruption.reason as Error;
      process.stderr.write(`guardrails: ${message}; what was printed so far is recorded\n`);
      return;
    }
    const told = error instanceof CommanderError && error.exitCode === 0; // --help, --version
    if (told) return;
    // An argument may come from elsewhere, and commander repeats it: nothing in it may act on the terminal.
    const line = oneLine(explain(error).replaceAll(/\s*\n\s*/g, ' '));
    process.stderr.write(`guardrails: ${line}\n`);
    if (program.opts()['debug'])
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}

await underSignals(run, abandonDrills);
