// `guardrails check GUARD`: one request in, one decision out, its record in the journal.
import type { Command } from 'commander';
import { guardNamed } from '../catalogue.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { HEALTH_EXIT_CODES, serviceHealth } from '../guards/service-health/service-health.ts';
import { requestJsonSchema } from '../kernel/request-schema.ts';
import { answerTo } from '../serve/answer.ts';
import { interruption } from './signals.ts';
import { openState, readRequest, type StateOptions } from './state.ts';

interface CheckOptions extends StateOptions {
  readonly json?: string;
  readonly schema?: true;
}

async function check(name: string, options: CheckOptions): Promise<void> {
  const guard = await guardNamed(name);
  if (options.schema) {
    process.stdout.write(`${JSON.stringify(requestJsonSchema(guard), null, 2)}\n`);
    return;
  }
  const request = await readRequest(options.json, { fractionAt: () => true });
  const journal = await openState(options);
  let answer = await answerTo(guard, request, { journal, signal: interruption });
  try {
    await journal.close();
  } catch (error) {
    // The record is there, but unsealed: nobody else would believe it.
    if (!(error instanceof CodedError)) throw error;
    const { code, message, remedy } = error;
    answer = {
      ...answer,
      decision: 'error',
      codes: ['guard.journal-failed', code],
      reason: message,
      remedy,
      grant: null,
    };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  if (answer.codes[0] === 'guard.request-invalid')
    process.stderr.write(`guardrails: guardrails check ${guard.id} --schema prints what a request is\n`);
  // AGILAB's tools tell the faults of a service apart by their exit codes.
  const fault = guard.id === serviceHealth.id ? HEALTH_EXIT_CODES[answer.codes[0] ?? ''] : undefined;
  process.exitCode = answer.decision === 'allow' ? 0 : (fault ?? 1);
}

export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('put one request to a guard; prints the decision as JSON, exit 0 allowed, 1 refused')
    .argument('<guard>', 'guard to ask')
    .option('--json <text>', 'the request (default: read from stdin)')
    .option('--schema', 'print the JSON Schema of the request instead')
    .action((name: string, _options, command: Command) =>
      check(name, command.optsWithGlobals<CheckOptions>()),
    );
}
