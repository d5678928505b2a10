// Drills prove the rules, mutants prove the drills. A drill builds a real state and says how the guard must judge it;
// what the guard saw is kept, and judged again without each of its rules: some drill must then come out otherwise. So it must
// where a table of names lacks an entry. A guard over this deployment is then asked about it in earnest.
import { realpathSync } from 'node:fs';
import { CodedError } from '../evidence/coded-error.ts';
import { directoryOf, unrestricted } from '../evidence/journal.ts';
import type { EvidenceSink, Probe } from '../evidence/record.ts';
import { journalDirectory } from '../evidence/state.ts';
import { checkTimeout } from '../kernel/deadline.ts';
import { judgeFacts } from '../kernel/decide.ts';
import { type AnyDefinition, definitionOf } from '../kernel/define.ts';
import { draftOf } from '../kernel/draft.ts';
import { type Missed, missedFacts } from './fact-mutants.ts';
import { type LiveHere, runLive } from './live.ts';
import { FACTS, type Mutant, mutantsOf } from './mutants.ts';
import { type Drill, LIVE, type Proof, tablesOf } from './proof.ts';
import { observedOf, passes, type Run, type RunOptions, runDrill, unjudged } from './run.ts';
import { canary, canaryDrill } from './self-test/canary.ts';
import { TableMutants } from './table-mutants.ts';

/** One finding: what the drill expected and what the guard, or its mutant, did. */
export interface DrillResult extends Probe {
  readonly guard: string;
  /** Id of its record in the journal. */
  readonly evidenceId: string;
  /** SHA-256 (hex) of what a drill built and asked. */
  readonly fixture?: string;
  /** Why the drill could not be built here, and what would make it possible. */
  readonly unavailable?: string;
}

export interface DrillOptions {
  /**
   * Also drill the guard without each of its rules, with each broken look, with facts that are always good, and with tables
   * that lack an entry or have one more. Default false.
   */
  readonly mutants?: boolean;
  /** Ids of the drills to run, without any mutant; `live` is the real subject. Default: all. */
  readonly only?: readonly string[];
  /** The state directory of this host. With it, a guard over this deployment is also asked about it in earnest. */
  readonly state?: string;
  /** The records go to another deployment than the one of `state`, and say so: set where the journal lies elsewhere. */
  readonly apart?: boolean;
  /** Called with each finding once its record is durable. */
  readonly onResult?: (result: DrillResult) => void;
  /** Ends the run before the next drill; what the last one built is taken down first. */
  readonly signal?: AbortSignal;
  /**
   * For building a state, for the look at it, and for each step that takes it down again, in milliseconds. Default
   * 120,000.
   */
  readonly timeoutMs?: number;
}

/** A machine may be busy, and a compiler part of the state. */
const DEFAULT_TIMEOUT_MS = 120_000;

/** By journal, the run of a drill that must fail. */
const canaries = new WeakMap<EvidenceSink, Promise<void>>();

/**
 * Waits for the drill that must fail, which is run once in each journal.
 *
 * @throws CodedError `drill.canary-passed`
 */
async function requireCanary(journal: EvidenceSink, options: RunOptions): Promise<void> {
  const run = canaries.get(journal) ?? runCanary(journal, options);
  canaries.set(journal, run);
  try {
    await run;
  } catch (error) {
    canaries.delete(journal); // it was not recorded
    throw error;
  }
}

async function runCanary(journal: EvidenceSink, options: RunOptions): Promise<void> {
  const guard = definitionOf(canary);
  const run = await runDrill(guard, canaryDrill, options);
  const { id: drill, fault, expects: expected } = canaryDrill;
  const { observed } = run;
  const passed = passes(run, canaryDrill);
  const replay = { argv: ['guardrails', 'drill', '--json'] };
  const draft = draftOf(guard, run.outcome, {
    mode: 'drill',
    replay,
    probe: { drill, fault, expected, observed, passed },
  });
  await unrestricted(journal).append(draft, run.outcome.input);
  if (passed) {
    const remedy = 'Believe nothing of this run; install the package anew.';
    throw new CodedError('drill.canary-passed', 'a drill that must fail passed', remedy);
  }
}

/**
 * Requires of each name that a proof has a drill of it; `live` where it has a real subject.
 *
 * @throws CodedError `drill.unknown`
 */
export function requireDrills({ guard, drills, live }: Proof, names: readonly string[]): void {
  const known = new Set([...drills.map(({ id }) => id), ...(live ? [LIVE] : [])]);
  if (names.every((id) => known.has(id))) return;
  const remedy = `Name drills as \`guardrails claims\` lists them for ${guard.id}.`;
  throw new CodedError('drill.unknown', 'the guard has no drill of that name', remedy);
}

/** Whether a journal is that of another deployment than the one whose state directory this is. */
export function liesApart(journal: EvidenceSink, state: string | undefined): boolean {
  const directory = directoryOf(journal);
  if (directory === undefined || state === undefined) return false;
  try {
    return realpathSync(directory) !== realpathSync(journalDirectory(state));
  } catch {
    return true;
  }
}

/** What of a proof is to be run. @throws CodedError `drill.unknown` */
function chosen(
  proof: Proof,
  { only, state }: DrillOptions,
): { readonly drills: readonly Drill<unknown>[]; readonly live: LiveHere | undefined } {
  const { drills, live } = proof;
  const asked = live && state !== undefined ? { ...live, state } : undefined;
  if (!only) return { drills, live: asked };
  requireDrills(asked ? proof : { ...proof, live: undefined }, only);
  return {
    drills: drills.filter(({ id }) => only.includes(id)),
    live: only.includes(LIVE) ? asked : undefined,
  };
}

interface HeldDrill {
  readonly drill: Drill<unknown>;
  readonly run: Run;
}

/**
 * Builds the state of every drill of a guard, has the guard judge it, and leaves a record of each finding. With
 * `mutants`, it then breaks the guard in one way at a time: a mutant is caught (`passed`) by the first drill that comes
 * out otherwise, and only drills that the guard itself passed can tell. With `state`, a guard over this deployment is
 * also asked about that, and must allow it.
 *
 * @throws TypeError for what `defineProof` did not return; CodedError `drill.unknown`, `drill.canary-passed`,
 * `usage.timeout`; what the journal throws.
 */
export async function drillGuard(
  proof: Proof,
  journal: EvidenceSink,
  options: DrillOptions = {},
): Promise<readonly DrillResult[]> {
  const declared = tablesOf(proof);
  const { mutants = false, only, onResult = () => {}, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const within: RunOptions = { signal, timeoutMs: checkTimeout(timeoutMs) };
  const guard = definitionOf(proof.guard);
  const sink = unrestricted(journal);
  const results: DrillResult[] = [];
  const keep = async (
    mode: 'drill' | 'mutant' | 'live',
    probe: Probe,
    { outcome, unavailable, fixture }: Run,
  ): Promise<void> => {
    const again = mode === 'mutant' ? ['--mutants'] : ['--only', probe.drill];
    const argv = ['guardrails', 'drill', guard.id, ...again];
    const replay = mode === 'drill' && fixture !== undefined ? { argv, fixtureDigest: fixture } : { argv };
    const draft = draftOf(guard, outcome, { mode, replay, probe });
    await sink.append(draft, outcome.input);
    const result = {
      ...probe,
      guard: guard.id,
      evidenceId: draft.id,
      ...(replay.fixtureDigest && { fixture: replay.fixtureDigest }),
    };
    results.push(unavailable === undefined ? result : { ...result, unavailable });
    onResult(results.at(-1) as DrillResult);
  };

  const held: HeldDrill[] = [];
  const unavailable: { readonly drill: Drill<unknown>; readonly why: string }[] = [];
  const { drills, live } = chosen(proof, options);
  await requireCanary(journal, within);
  const tables = new TableMutants(guard, mutants && !only ? declared : []);
  for (const drill of drills) {
    signal?.throwIfAborted();
    const run = await runDrill(guard, drill, within, async (request, judged) => {
      if (passes(judged, drill)) await tables.ask(drill, request, judged, within);
    });
    const { id, expects: expected } = drill;
    const fault =
      run.fellBackTo === undefined ? drill.fault : `${drill.fault} (built here as ${run.fellBackTo})`;
    const { observed } = run;
    const passed = passes(run, drill);
    await keep('drill', { drill: id, fault, expected, observed, passed }, run);
    if (drill.elsewhere) continue; // its facts are there, so no mutant can be judged by them
    if (passed) held.push({ drill, run });
    if (run.unavailable !== undefined) unavailable.push({ drill, why: run.unavailable });
  }
  if (live) {
    const { run, subject } = await runLive(guard, live, within);
    const apart = options.apart || liesApart(journal, live.state);
    const { observed, outcome } = run;
    const passed = passes(run, { expects: 'allow' });
    const fault = `none: the ${live.subject} itself, as it is here`;
    const probe = { drill: LIVE, fault, expected: 'allow', observed, passed };
    await keep('live', probe, {
      ...run,
      outcome: { ...outcome, subject: apart ? { kind: subject.kind } : subject },
    });
  }
  if (!mutants || only) return results;

  for (const mutant of mutantsOf(guard, proof.brokenLooks)) {
    // The drill that expects this code, or that the look was broken for, most likely notices, so it goes first.
    const likely = ({ id, expects }: Drill<unknown>): boolean =>
      mutant.observesAnew ? id === mutant.noticedBy : expects === mutant.id;
    const order = held.toSorted((a, b) => Number(likely(b.drill)) - Number(likely(a.drill)));
    let killer: HeldDrill | undefined;
    let last: Run | undefined;
    for (const { drill, run } of order) {
      signal?.throwIfAborted();
      last = await runMutant(guard, mutant, drill, run, within);
      // An error is no judgement: a look that failed or took too long says nothing about the rule that is missing.
      if (last.observed === drill.expects || last.outcome.decision.decision === 'error') continue;
      killer = { drill, run: last };
      break;
    }
    const { outcome, observed } = killer?.run ?? last ?? unjudged(guard, 'drill.no-drill', 'no drill held');
    const probe = {
      drill: killer?.drill.id ?? 'every drill',
      fault: mutant.fault,
      expected: killer?.drill.expects ?? 'another decision',
      observed,
      passed: killer !== undefined,
      mutant: mutant.id,
    };
    // Where a drill that might notice cannot be built here, a survivor says nothing about the drills.
    const missing = unavailable.find(({ drill }) => mutant.observesAnew || drill.expects === mutant.id);
    const run = { outcome, observed, ...(killer || !missing ? {} : { unavailable: missing.why }) };
    await keep('mutant', probe, run);
  }
  const facts = factsMissed(guard, held, proof.excused);
  const everyFact = `each of ${facts.read} facts that its rules read, always good`;
  await keep('mutant', ...oneFinding(guard, FACTS, everyFact, facts, unavailable[0]?.why));
  for (const { mutant, drills: silent, ...missed } of tables.results()) {
    const why = unavailable.find(({ drill }) => silent.includes(drill.id))?.why;
    await keep('mutant', ...oneFinding(guard, mutant.id, mutant.faultOf(missed.read), missed, why));
  }
  return results;
}

/** What nobody misses of the facts that rules read, each always good. */
function factsMissed(guard: AnyDefinition, held: readonly HeldDrill[], excused: Proof['excused']): Missed {
  const seen = held.flatMap(({ drill, run: { outcome } }) => {
    const { observed, decision } = outcome;
    if (!observed || observedOf(judgeFacts(guard, observed.facts)) !== drill.expects) return [];
    return [{ drill: drill.id, expects: drill.expects, facts: observed.facts, reason: decision.reason }];
  });
  return missedFacts(guard, seen, excused);
}

/** Many small mutants as one finding: it is passed when each was noticed by some drill. */
function oneFinding(
  guard: AnyDefinition,
  mutant: string,
  fault: string,
  { missed, noticed }: Missed,
  unavailable: string | undefined,
): readonly [Probe, Run] {
  if (noticed && missed.length === 0) {
    const { drill, expects: expected, judged } = noticed;
    const observed = observedOf(judged);
    const outcome = { ...judged, observed: undefined, input: '' };
    return [
      { drill, fault, expected, observed, passed: true, mutant },
      { outcome, observed },
    ];
  }
  const run = unjudged(guard, 'drill.unnoticed', 'no drill came out otherwise');
  const named = missed.slice(0, 20).join(' ');
  const probe = {
    drill: 'every drill',
    fault: named === '' ? fault : `${fault}; nobody missed ${named}`,
    expected: 'another decision',
    observed: run.observed,
    passed: false,
    mutant,
  };
  return [probe, unavailable === undefined ? run : { ...run, unavailable }];
}

/** A mutant that only judges otherwise gets the facts that the guard saw; one that looks otherwise gets a new state. */
async function runMutant(
  guard: AnyDefinition,
  mutant: Mutant,
  drill: Drill<unknown>,
  { outcome }: Run,
  options: RunOptions,
): Promise<Run> {
  if (mutant.observesAnew) return await runDrill(mutant.guard, drill, options);
  // What the schema refused was never looked at, with whatever rules.
  if (!outcome.observed) return { outcome, observed: drill.expects };
  const { facts } = outcome.observed;
  // Facts that were closed or changed since the look would make any mutant come out otherwise: they tell nothing.
  if (observedOf(judgeFacts(guard, facts)) !== drill.expects) return { outcome, observed: drill.expects };
  const judged = mutant.judge(facts);
  return {
    outcome: { ...judged, observed: outcome.observed, input: outcome.input },
    observed: observedOf(judged),
  };
}
