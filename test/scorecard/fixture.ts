// A journal that proves every claim, written by the real journal, for tests to take away from.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { onTestFinished } from 'vitest';
import { codeIdentity, processIdentity } from '../../src/evidence/identity.ts';
import { type Journal, unrestricted } from '../../src/evidence/journal.ts';
import { readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft, Probe } from '../../src/evidence/record.ts';
import type { JournalVerdict } from '../../src/evidence/verify.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { parseClaims } from '../../src/scorecard/claims.ts';
import type { GradingContext } from '../../src/scorecard/grade.ts';

const { version, codeDigest } = codeIdentity();

/** What this package claims of itself. */
export const claims = parseClaims(readFileSync('data/claims.json'));

export const here: GradingContext = {
  host: processIdentity().host,
  boot: processIdentity().boot,
  codeDigest,
  now: Date.now(),
};

/** The record that a drill of `guard` leaves when it sees `observed`. */
export function drillDraft(guard: string, expected: string, change: Partial<Probe> = {}): DecisionDraft {
  const probe: Probe = {
    drill: expected,
    fault: 'made for a test',
    expected,
    observed: expected,
    passed: true,
    ...change,
  };
  const allowed = probe.observed === 'allow';
  return {
    id: uuidv7(),
    guard: { id: guard, version, codeDigest },
    dimension:
      claims.dimensions.find(({ probes }) => probes.includes(guard))?.id ?? 'architecture_runtime_guardrails',
    decision: allowed ? 'allow' : 'refuse',
    codes: allowed ? [] : [probe.observed],
    reason: 'made for a test',
    method: 'fd-walk',
    policyDigest: '0'.repeat(64),
    probe,
    replay: { argv: ['guardrails', 'drill', guard] },
    mode: probe.mutant === undefined ? 'drill' : 'mutant',
  };
}

/** Everything that a full run records: each claim drilled, each mutant killed. */
export function fullRun(): readonly DecisionDraft[] {
  return claims.claims.flatMap(({ guard, drills, mutants }) => [
    ...drills.map(({ id, expects }) => drillDraft(guard, expects, { drill: id })),
    ...mutants.map((mutant) => drillDraft(guard, 'some.code', { observed: 'allow', mutant })),
  ]);
}

export interface Recorded {
  readonly directory: string;
  readonly signer: NoteSigner;
  readonly verdict: JournalVerdict;
}

/** Writes runs to one journal, each with an opening of its own, and verifies it under the pinned key. */
export async function recorded(...runs: readonly (readonly DecisionDraft[])[]): Promise<Recorded> {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const signer = generateSigner('agilab-guardrails/test');
  for (const run of runs) {
    const journal: Journal = await openJournal({ directory, signer });
    await Promise.all(run.map((draft) => unrestricted(journal).append(draft, '')));
    await journal.close();
  }
  const pins = [{ vkey: signer.vkey, host: here.host }];
  return { directory, signer, verdict: await verifyJournal(await readJournal(directory), { pins }) };
}
