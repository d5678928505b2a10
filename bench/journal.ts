// The evidence room: writing, deciding, reading, each beside its peer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appendBench, decisionBench } from './journal/append.ts';
import { readBench } from './journal/read.ts';

export async function journalBench(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-bench-'));
  try {
    await decisionBench();
    await appendBench(directory);
    await readBench(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
