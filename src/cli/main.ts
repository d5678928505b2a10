#!/usr/bin/env node
// The `guardrails` command. Exit codes: 0 holds, 1 refused or failed, 2 usage or unreadable input, 3 unsupported rise.
import { Command, CommanderError } from 'commander';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { codeIdentity } from '../evidence/identity.ts';
import { registerCheck } from './check.ts';
import { registerClaims } from './claims.ts';
import { registerDrill } from './drill.ts';
import { registerKeys } from './keys.ts';
import { registerModel } from './model.ts';
import { registerScorecard } from './scorecard.ts';
import { registerSsh } from './ssh.ts';
import { registerVerify } from './verify.ts';

const program = new Command('guardrails')
  .description('Fail-closed guards, tamper-evident evidence, and a score computed from it')
  .version(codeIdentity().version)
  .option('--dir <dir>', 'state directory: key, pins, journal', '.guardrails')
  .option('--debug', 'print stack traces')
  .exitOverride()
  .configureOutput({ outputError: () => {}, writeErr: () => {} }); // said once, in one line, below
for (const register of [
  registerDrill,
  registerScorecard,
  registerVerify,
  registerClaims,
  registerCheck,
  registerKeys,
  registerModel,
  registerSsh,
])
  register(program);

function explain(error: unknown): string {
  if (error instanceof CommanderError && error.code === 'commander.help')
    return 'name a command; see guardrails --help';
  if (error instanceof CommanderError)
    return `${error.message.replace(/^error: /, '')}; see guardrails --help`;
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

try {
  await program.parseAsync();
} catch (error) {
  const told = error instanceof CommanderError && error.exitCode === 0; // --help, --version
  if (!told) {
    process.stderr.write(`guardrails: ${explain(error).replaceAll(/\s*\n\s*/g, ' ')}\n`);
    if (program.opts()['debug'])
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 2;
  }
}
