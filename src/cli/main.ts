#!/usr/bin/env node
// The `guardrails` command. Exit codes: 0 holds, 1 refused or failed, 2 usage or unreadable input, 3 unsupported rise.
import { Command, CommanderError } from 'commander';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { codeIdentity } from '../evidence/identity.ts';
import { abandonDrills } from '../proof/site.ts';
import { registerCheck } from './check.ts';
import { registerClaims } from './claims.ts';
import { registerDrill } from './drill.ts';
import { registerJournal } from './journal.ts';
import { registerKeys } from './keys.ts';
import { registerManifest } from './manifest.ts';
import { registerModel } from './model.ts';
import { registerProve } from './prove.ts';
import { registerRetire } from './retire.ts';
import { registerScorecard } from './scorecard.ts';
import { registerServe } from './serve.ts';
import { interruption, underSignals } from './signals.ts';
import { registerSsh } from './ssh.ts';
import { registerVerify } from './verify.ts';

const program = new Command('guardrails')
  .description('Fail-closed guards, tamper-evident evidence, and a score computed from it')
  .version(codeIdentity().version)
  .option('--dir <dir>', 'state directory: key, pins, journal', '.guardrails')
  .option('--debug', 'print stack traces')
  .configureOutput({ outputError: () => {}, writeErr: () => {} }); // said once, in one line, below
for (const register of [
  registerDrill,
  registerScorecard,
  registerVerify,
  registerClaims,
  registerRetire,
  registerCheck,
  registerJournal,
  registerProve,
  registerKeys,
  registerModel,
  registerManifest,
  registerServe,
  registerSsh,
])
  register(program);

/** The command whose words were wrong, for its own help. */
let failing: Command = program;
function watch(command: Command): void {
  command.exitOverride((error) => {
    failing = command;
    throw error;
  });
  command.commands.forEach(watch);
}
watch(program);

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function explain(error: unknown): string {
  const help = `see ${nameOf(failing)} --help`;
  if (error instanceof CommanderError && error.code === 'commander.help') return `name a command; ${help}`;
  if (error instanceof CommanderError) {
    // Of an option that there is not, its name alone: what is glued to it may be a request.
    const said = error.message.replace(/^error: /, '').replace(/^(unknown option '[\w-]*).*'/s, "$1'");
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
  if (errnoOf(error) !== 'EPIPE') process.stderr.write(`guardrails: ${explain(error)}\n`);
  process.exit(2);
});
// What is said on stderr is for people. That it cannot be said changes no answer.
process.stderr.on('error', () => {});

async function run(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (interruption.aborted) {
      const { message } = interruption.reason as Error;
      process.stderr.write(`guardrails: ${message}; what was printed so far is recorded\n`);
      return;
    }
    const told = error instanceof CommanderError && error.exitCode === 0; // --help, --version
    if (told) return;
    // An argument may come from elsewhere, and commander repeats it: nothing in it may act on the terminal.
    const line = explain(error)
      .replaceAll(/\s*\n\s*/g, ' ')
      .replaceAll(/[\p{Cc}\p{Cf}]/gu, '\ufffd');
    process.stderr.write(`guardrails: ${line}\n`);
    if (program.opts()['debug'])
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}

await underSignals(run, abandonDrills);
