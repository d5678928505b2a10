// Drills prove the rules, mutants prove the drills. A drill builds a real state and says how the guard must judge
// it; mutant i is the same guard without rule i, and some drill must notice. Nobody writes mutants by hand.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../evidence/coded-error.ts';
import type { EvidenceSink, Probe } from '../evidence/record.ts';
import { decide, draftOf, type Outcome, release } from '../kernel/enforce.ts';
import type { AnyGuard, Drill } from '../kernel/guard.ts';

/** The state cannot be built on this machine. Counts as no evidence, never as a pass. The message says what to install. */
export class DrillUnavailable extends Error {
  constructor(remedy: string) {
    super(remedy);
    this.name = 'DrillUnavailable';
  }
}

/** One finding: what the drill expected and what the guard, or its mutant, did. */
export interface DrillResult extends Probe {
  readonly guard: string;
  /** Id of its record in the journal. */
  readonly evidenceId: string;
  /** Why the drill could not be built here, and what would make it possible. */
  readonly unavailable?: string;
}

interface Run {
  readonly outcome: Pick<Outcome<unknown>, 'decision' | 'subject' | 'input'>;
  /** `allow`, the headline code, `drill.unavailable` or `drill.build-failed`. */
  readonly observed: string;
  readonly unavailable?: string;
}

/** Undoes, last step first. Every step runs, whatever another did; what failed is said afterwards. */
async function takeDown(undo: readonly (() => Promise<void> | void)[]): Promise<void> {
  const [step, ...rest] = undo;
  if (!step) return;
  try {
    await takeDown(rest);
  } finally {
    await step();
  }
}

async function attempt(guard: AnyGuard, drill: Drill<unknown>): Promise<Run> {
  const undo: (() => Promise<void> | void)[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-drill-'));
  try {
    let request: unknown;
    try {
      request = await drill.build({ directory, onCleanup: (step) => void undo.push(step) });
    } catch (error) {
      const unavailable = error instanceof DrillUnavailable ? error.message : undefined;
      const observed = unavailable === undefined ? 'drill.build-failed' : 'drill.unavailable';
      const reason = unavailable ?? `the state could not be built (${errnoOf(error)})`;
      const decision = {
        guard: guard.id,
        decision: 'error',
        codes: [observed],
        reason,
        remedy: reason,
      } as const;
      const outcome = { decision, subject: undefined, input: '' };
      return unavailable === undefined ? { outcome, observed } : { outcome, observed, unavailable };
    }
    const outcome = await decide(guard, request);
    if (outcome.observed) await release(guard, outcome.observed.facts);
    return { outcome, observed: outcome.decision.codes[0] ?? outcome.decision.decision };
  } finally {
    await takeDown([() => rm(directory, { recursive: true, force: true }), ...undo]);
  }
}

/** A guard with one thing broken on purpose. */
interface Mutant {
  readonly id: string;
  readonly fault: string;
  readonly guard: AnyGuard;
}

/**
 * Returns the same guard with one thing broken: without rule i, for every i, and with each encoder or look that the
 * guard lists as broken on purpose.
 */
export function mutantsOf(guard: AnyGuard): readonly Mutant[] {
  // A guard may be a class instance. Its methods run on the instance itself: on a copy they would not find private
  // fields, every look would fail, and every mutant would seem to be noticed.
  const withProperty = (key: string, changed: unknown): AnyGuard =>
    new Proxy(guard, {
      get(target, name) {
        if (name === key) return changed;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const ruleless = guard.rules.map(({ code }, index) => ({
    id: code,
    fault: `the rule ${code} taken out`,
    // By position: of two rules that share a code, each must be missed on its own.
    guard: withProperty('rules', guard.rules.toSpliced(index, 1)),
  }));
  const blinded = (guard.mutants ?? []).map((mutant) => ({
    id: mutant.id,
    fault: `the look replaced by ${mutant.id}`,
    guard: withProperty('observe', mutant.observe.bind(mutant)),
  }));
  return [...ruleless, ...blinded];
}

/** Runs every drill of a guard and leaves one record for each. */
export async function drillGuard(guard: AnyGuard, journal: EvidenceSink): Promise<readonly DrillResult[]> {
  const results: DrillResult[] = [];
  for (const drill of guard.drills) {
    const { outcome, observed, unavailable } = await attempt(guard, drill);
    const probe = {
      drill: drill.id,
      fault: drill.fault,
      expected: drill.expects,
      observed,
      passed: observed === drill.expects && !observed.startsWith('drill.'),
    };
    const draft = draftOf(guard, outcome, { mode: 'drill', replay: replayOf(guard), probe });
    await journal.append(draft, outcome.input);
    const result = { ...probe, guard: guard.id, evidenceId: draft.id };
    results.push(unavailable === undefined ? result : { ...result, unavailable });
  }
  return results;
}

/**
 * Drills every mutant of a guard and leaves one record for each. A mutant is killed (`passed`) by the first drill
 * that comes out differently; only drills that the guard itself passed, `sound`, can tell.
 */
export async function drillMutants(
  guard: AnyGuard,
  sound: readonly DrillResult[],
  journal: EvidenceSink,
): Promise<readonly DrillResult[]> {
  const held = new Set(sound.filter(({ passed }) => passed).map(({ drill }) => drill));
  const results: DrillResult[] = [];
  for (const mutant of mutantsOf(guard)) {
    // The drill that expects this code is the one most likely to notice, so it goes first.
    const drills = guard.drills
      .filter(({ id }) => held.has(id))
      .sort((a, b) => Number(b.expects === mutant.id) - Number(a.expects === mutant.id));
    let killer: { readonly drill: Drill<unknown>; readonly run: Run } | undefined;
    let last: Run | undefined;
    for (const drill of drills) {
      last = await attempt(mutant.guard, drill);
      // An error is no judgement: a look that failed or took too long says nothing about the rule that is missing.
      if (last.observed === drill.expects || last.outcome.decision.decision === 'error') continue;
      killer = { drill, run: last };
      break;
    }
    const decision = {
      guard: guard.id,
      decision: 'error',
      codes: ['drill.no-drill'],
      reason: '',
      remedy: '',
    } as const;
    const { outcome, observed } = killer?.run ??
      last ?? { outcome: { decision, subject: undefined, input: '' }, observed: 'drill.no-drill' };
    const probe = {
      drill: killer?.drill.id ?? 'every drill',
      fault: mutant.fault,
      expected: killer?.drill.expects ?? 'another decision',
      observed,
      passed: killer !== undefined,
      mutant: mutant.id,
    };
    const draft = draftOf(guard, outcome, { mode: 'mutant', replay: replayOf(guard), probe });
    await journal.append(draft, outcome.input);
    // Where the drill that would notice cannot be built, a survivor says nothing about the drills.
    const missing = sound.find(
      ({ expected, unavailable }) => expected === mutant.id && unavailable !== undefined,
    );
    const unavailable = killer ? undefined : missing?.unavailable;
    const result = { ...probe, guard: guard.id, evidenceId: draft.id };
    results.push(unavailable === undefined ? result : { ...result, unavailable });
  }
  return results;
}

function replayOf(guard: AnyGuard): { readonly argv: readonly string[] } {
  return { argv: ['guardrails', 'drill', guard.id, '--mutants'] };
}
