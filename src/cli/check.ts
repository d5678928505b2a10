// `guardrails check GUARD`: one request in, one decision out, its record in the journal.
import type { Command } from 'commander';
import { guardNamed } from '../catalogue.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { type DecisionDraft, type EvidenceSink, isDecisionDraft } from '../evidence/record.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { HEALTH_EXIT_CODES, serviceHealth } from '../guards/service-health/service-health.ts';
import { enforce } from '../kernel/enforce.ts';
import { isGranted } from '../kernel/grants.ts';
import type { Decision } from '../kernel/guard.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import { requestJsonSchema } from '../kernel/request-schema.ts';
import { heldConnection, hostKey } from '../ssh/host-key/host-key.ts';
import { interruption } from './signals.ts';
import { openState, readStdin, type StateOptions } from './state.ts';

interface CheckOptions extends StateOptions {
  readonly json?: string;
  readonly schema?: true;
}

async function check(name: string, options: CheckOptions): Promise<void> {
  const guard = guardNamed(name);
  if (options.schema) {
    process.stdout.write(`${JSON.stringify(requestJsonSchema(guard), null, 2)}\n`);
    return;
  }
  const text =
    options.json === undefined || options.json === '-' ? await readStdin() : Buffer.from(options.json);
  const request = parseStrictJson(text, { maxBytes: 1_048_576, maxDepth: 32, fractionAt: () => true });
  const journal = await openState(options);
  let kept: DecisionDraft | undefined;
  const sink: EvidenceSink = {
    append: async (draft, input, signal) => {
      await journal.append(draft, input, signal);
      if (isDecisionDraft(draft)) kept = draft;
    },
  };
  let decision: Decision = {
    guard: guard.id,
    decision: 'allow',
    codes: [],
    reason: 'no rule refused',
    remedy: '',
  };
  let grant: object | null = null;
  try {
    grant = await enforce(guard, request as never, { journal: sink, signal: interruption });
    // What was asked for is the decision; a process that ends keeps no connection.
    if (isGranted(hostKey, grant)) heldConnection(grant)?.destroy();
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { codes, reason, remedy } = error;
    decision = { guard: guard.id, decision: kept?.decision ?? 'error', codes, reason, remedy };
  }
  try {
    await journal.close();
  } catch (error) {
    // The record is there, but unsealed: nobody else would believe it.
    if (!(error instanceof CodedError)) throw error;
    const { code, message, remedy } = error;
    decision = {
      ...decision,
      decision: 'error',
      codes: ['guard.journal-failed', code],
      reason: message,
      remedy,
    };
    grant = null;
  }
  process.stdout.write(`${JSON.stringify({ ...decision, grant, evidence: kept?.id ?? null })}\n`);
  // AGILAB's tools tell the faults of a service apart by their exit codes.
  const fault = guard.id === serviceHealth.id ? HEALTH_EXIT_CODES[decision.codes[0] ?? ''] : undefined;
  process.exitCode = decision.decision === 'allow' ? 0 : (fault ?? 1);
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
