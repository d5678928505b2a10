// `guardrails prove`: makes a proof for somebody on another machine who has nothing but our key.
import type { Command } from 'commander';
import { CodedError } from '../evidence/coded-error.ts';
import { proveConsistency, proveRecord } from '../evidence/prove.ts';
import { journalDirectory, type StateOptions } from '../evidence/state.ts';
import { readInput, writeCountersignature } from './state.ts';

interface ProveOptions extends StateOptions {
  readonly since?: string;
  readonly countersign?: string;
}

async function prove(
  id: string | undefined,
  { dir, since, countersign: signature }: ProveOptions,
): Promise<void> {
  if ((id === undefined) === (since === undefined)) {
    const remedy = 'Pass the id of a record, or --since FILE with an earlier checkpoint.';
    throw new CodedError('usage', 'one thing is proven at a time', remedy);
  }
  const directory = journalDirectory(dir);
  const proof = await (id === undefined
    ? proveConsistency(directory, (await readInput(since ?? '')).toString('utf8'))
    : proveRecord(directory, id));
  if (signature !== undefined) await writeCountersignature(dir, proof, signature);
  process.stdout.write(proof);
}

export function registerProve(program: Command): void {
  program
    .command('prove')
    .description('print a proof that a record is in the journal, or that it extends an earlier checkpoint')
    .argument('[id]', 'id of the record')
    .option('--since <file>', 'earlier checkpoint that the journal extends')
    .option('--countersign <file>', 'write a PKCS#7 signature over what is printed, for openssl cms')
    .action((id: string | undefined, _options, command: Command) =>
      prove(id, command.optsWithGlobals<ProveOptions>()),
    );
}
