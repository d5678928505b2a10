// `guardrails serve`: the guards over a unix socket, until a signal stops it.
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { GuardRefusal } from '../kernel/refusal.ts';
import { type GuardServer, serveGuards } from '../serve/server.ts';
import { interruption } from './signals.ts';
import { openState, type StateOptions } from './state.ts';

interface ServeOptions extends StateOptions {
  readonly socket: string;
}

async function serve({ socket, ...state }: ServeOptions): Promise<void> {
  const journal = await openState(state);
  let server: GuardServer | undefined;
  try {
    server = await serveGuards({ path: resolve(socket), journal });
    process.stdout.write(`${server.path}\n`); // a manager may wait for this line
    if (!interruption.aborted) await once(interruption, 'abort');
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    process.stderr.write(`guardrails: ${error.codes.join(', ')}: ${error.reason}. ${error.remedy}\n`);
    process.exitCode = 1;
  } finally {
    await server?.stop();
    await journal.close();
  }
}

export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('answer requests to the guards on a unix socket; prints its path once it listens')
    .requiredOption('--socket <path>', 'the socket, in a directory of mode 0700')
    .action((_options, command: Command) => serve(command.optsWithGlobals<ServeOptions>()));
}
