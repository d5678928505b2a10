// A journal that proves every claim, written by the real journal, for tests to take away from.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { codeIdentity, processIdentity } from '../../src/evidence/identity.ts';
import { type Journal, unrestricted } from '../../src/evidence/journal.ts';
import { readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner, type NoteSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft, Probe, RunRecord } from '../../src/evidence/record.ts';
import { uuidv7 } from '../../src/evidence/uuid.ts';
import type { JournalVerdict } from '../../src/evidence/verdict.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import type { GradingContext } from '../../src/scorecard/age.ts';
import { parseClaims } from '../../src/scorecard/claims.ts';

const { version, codeDigest } = codeIdentity();

/** What this package claims of itself. */
export const claims = parseClaims(readFileSync('data/claims.json'));

const { host, machine, boot } = processIdentity();

/** Half an hour from now, so that what a test records meanwhile is not from the future. */
export const here: GradingContext = {
  host,
  machine,
  boot,
  codeDigest,
  subjects: { package: 'ab'.repeat(32) },
  now: Date.now() + 1_800_000,
  monotonic: Number(process.hrtime.bigint() / 1_000n) + 1_800_000_000,
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
  const claimed = claims.claims.find((claim) => claim.guard === guard);
  const fixtureDigest = claimed?.drills.find(({ id }) => id === probe.drill)?.fixture;
  return {
    id: uuidv7(),
    guard: { id: guard, version, codeDigest },
    dimension:
      claims.dimensions.find(({ probes }) => probes.includes(guard))?.id ?? 'architecture_runtime_guardrails',
    decision: allowed ? 'allow' : 'refuse',
    codes: allowed ? [] : [probe.observed],
    reason: 'made for a test',
    method: 'fd-walk',
    policyDigest: claimed?.policyDigest ?? '0'.repeat(64),
    probe,
    replay: { argv: ['guardrails', 'drill', guard], ...(fixtureDigest && { fixtureDigest }) },
    mode: probe.mutant === undefined ? 'drill' : 'mutant',
  };
}

/** The record of a mutant that a claimed drill of `guard` noticed. */
export function mutantDraft(guard: string, mutant: string, change: Partial<Probe> = {}): DecisionDraft {
  const drills = claims.claims.find((claim) => claim.guard === guard)?.drills ?? [];
  const { id, expects } = drills.find((drill) => drill.expects !== 'allow') ?? {
    id: 'none',
    expects: 'none',
  };
  return drillDraft(guard, expects, { drill: id, observed: 'allow', mutant, ...change });
}

/** The record of a guard that was asked about its real subject, and allowed it. */
export function liveDraft(guard: string, change: Partial<DecisionDraft> = {}): DecisionDraft {
  const kind = claims.claims.find((claim) => claim.guard === guard)?.live ?? 'none';
  const digest = `sha256:${here.subjects?.[kind]}`;
  const draft = drillDraft(guard, 'allow', { drill: 'live' });
  return { ...draft, mode: 'live', subject: { kind, digest }, ...change };
}

/** The record of the drill that must fail, having failed. */
function canaryDraft(change: Partial<Probe> = {}): DecisionDraft {
  return {
    ...drillDraft('canary', 'allow', {
      drill: 'must-fail',
      observed: 'canary.refused',
      passed: false,
      ...change,
    }),
  };
}

/** Everything that a full run records: each claim drilled, each mutant killed, each real subject allowed. Or that of one row. */
export function fullRun(letters?: string): readonly DecisionDraft[] {
  const row = claims.dimensions.find((dimension) => dimension.letters === letters);
  const asked = claims.claims.filter(({ guard }) => row?.probes.includes(guard) ?? letters === undefined);
  return asked.flatMap(({ guard, drills, mutants, live }) => [
    ...drills.map(({ id, expects }) => drillDraft(guard, expects, { drill: id })),
    ...(live === undefined ? [] : [liveDraft(guard)]),
    ...mutants.map((mutant) => mutantDraft(guard, mutant)),
  ]);
}

/** Returns a verdict whose runs were made as `change` says, else by the built code without any option of Node. */
export function runUnder(verdict: JournalVerdict, change: Partial<RunRecord> = {}): JournalVerdict {
  const code = { name: 'agilab-guardrails', version, codeDigest, checked: 'both', agrees: true } as const;
  const clean = { code, flags: [], nodeOptions: '', ...change };
  const lines = verdict.lines.map((line) =>
    line.record.mode === 'run' ? { ...line, record: { ...line.record, ...clean } } : line,
  );
  return { ...verdict, lines };
}

export interface Recorded {
  readonly directory: string;
  readonly signer: NoteSigner;
  readonly verdict: JournalVerdict;
}

let inFull: Promise<Recorded> | undefined;

/** One full run, recorded once for all the tests of a file that only look at its verdict: a record takes a signature and a sync. */
export async function recordedInFull(): Promise<JournalVerdict> {
  inFull ??= recorded(fullRun());
  return (await inFull).verdict;
}

/** Writes runs to one journal, each with an opening of its own, and verifies it under the pinned key. */
export async function recorded(...runs: readonly (readonly DecisionDraft[])[]): Promise<Recorded> {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const signer = generateSigner('agilab-guardrails/test');
  for (const run of runs) {
    const journal: Journal = await openJournal({ directory, signer });
    const canary = run.length === 0 ? [] : [canaryDraft()];
    await Promise.all(
      [...canary, ...run].map((draft) => unrestricted(journal).append({ ...draft, id: uuidv7() }, '')),
    );
    await journal.close();
  }
  const pins = [{ vkey: signer.vkey, host: here.host }];
  return {
    directory,
    signer,
    verdict: runUnder(await verifyJournal(await readJournal(directory), { pins })),
  };
}
