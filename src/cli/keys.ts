// `guardrails keys`: makes this host's signing key, and shows what others need to pin it.
import type { Command } from 'commander';
import { initKeys, loadSigner } from '../evidence/key-store.ts';
import type { StateOptions } from './state.ts';

export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('the signing key of this host');
  keys
    .command('init')
    .description('make a signing key and pin it for this host; prints the verifier key')
    .action(async (_options, command: Command) => {
      process.stdout.write(`${(await initKeys(command.optsWithGlobals<StateOptions>().dir)).vkey}\n`);
    });
  keys
    .command('show')
    .description('print the verifier key, for --pin on another machine')
    .action(async (_options, command: Command) => {
      process.stdout.write(`${(await loadSigner(command.optsWithGlobals<StateOptions>().dir)).vkey}\n`);
    });
}
