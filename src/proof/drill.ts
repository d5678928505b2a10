// Drills prove the rules, mutants prove the drills. A drill builds a real state and says how the guard must judge it;
// what the guard saw is kept, and judged again without each of its rules: some drill must then come out otherwise.
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { unrestricted } from '../evidence/journal.ts';
import type { EvidenceSink, Probe } from '../evidence/record.ts';
import { Deadline } from '../kernel/deadline.ts';
import { decide, type Outcome, release } from '../kernel/decide.ts';
import { type AnyDefinition, definitionOf } from '../kernel/define.ts';
import { draftOf } from '../kernel/draft.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { type Drill, type DrillSite, DrillUnavailable, type Proof, requireProof } from './proof.ts';
import { canary, canaryDrill } from './self-test/canary.ts';
import { openSite } from './site.ts';

/** One finding: what the drill expected and what the guard, or its mutant, did. */
export interface DrillResult extends Probe {
  readonly guard: string;
  /** Id of its record in the journal. */
  readonly evidenceId: string;
  /** Why the drill could not be built here, and what would make it possible. */
  readonly unavailable?: string;
}

export interface DrillOptions {
  /** Also drill the guard without each of its rules, and with each broken look. Default false. */
  readonly mutants?: boolean;
  /** Ids of the drills to run, without any mutant. Default: all. */
  readonly only?: readonly string[];
  /** Called with each finding once its record is durable. */
  readonly onResult?: (result: DrillResult) => void;
  /** Ends the run before the next drill; what the last one built is taken down first. */
  readonly signal?: AbortSignal;
}

type Judged = Pick<Outcome, 'decision' | 'subject' | 'observed' | 'input'>;

/** How one drill ended. */
interface Run {
  readonly outcome: Judged;
  /** `allow`, the headline code, or a `drill.` code: unavailable, build-failed, cleanup-failed. */
  readonly observed: string;
  readonly unavailable?: string;
  /** What was built, where it was another state than the drill is named for. */
  readonly fellBackTo?: string;
}

const observedOf = ({ decision }: Pick<Outcome, 'decision'>): string =>
  decision.codes[0] ?? decision.decision;

/** What came of a drill that says nothing about the guard. */
function unjudged(guard: AnyDefinition, code: string, reason: string): Run {
  const decision = { guard: guard.id, decision: 'error', codes: [code], reason, remedy: reason } as const;
  return { outcome: { decision, subject: undefined, observed: undefined, input: '' }, observed: code };
}

async function judgeRequest(guard: AnyDefinition, request: unknown, signal?: AbortSignal): Promise<Run> {
  const deadline = new Deadline(signal ? { signal } : {});
  try {
    const outcome = await decide(guard, request, deadline);
    if (outcome.observed) await release(guard, outcome.observed.facts, deadline.timeoutMs);
    return { outcome, observed: observedOf(outcome) };
  } finally {
    deadline.end();
  }
}

async function buildAndJudge(
  guard: AnyDefinition,
  drill: Drill<unknown>,
  site: DrillSite,
  signal?: AbortSignal,
): Promise<Run> {
  let request: unknown;
  try {
    request = await drill.build(site);
  } catch (error) {
    if (error instanceof DrillUnavailable) {
      const { message } = error;
      return { ...unjudged(guard, 'drill.unavailable', message), unavailable: message };
    }
    return unjudged(guard, 'drill.build-failed', `the state could not be built (${errnoOf(error)})`);
  }
  return await judgeRequest(guard, request, signal);
}

async function runDrill(guard: AnyDefinition, drill: Drill<unknown>, signal?: AbortSignal): Promise<Run> {
  const site = await openSite();
  const run = await buildAndJudge(guard, drill, site, signal);
  const failure = await site.takeDown();
  signal?.throwIfAborted(); // what was judged meanwhile was judged by a caller who gave up
  const { fellBackTo } = site;
  if (failure === undefined) return fellBackTo === undefined ? run : { ...run, fellBackTo };
  // What is left of this state may be in the way of the next one.
  return unjudged(guard, 'drill.cleanup-failed', `the state could not be taken down (${errnoOf(failure)})`);
}

const passes = ({ observed }: Run, { expects }: Drill<unknown>): boolean =>
  observed === expects && !observed.startsWith('drill.');

/** Journals in which a drill that must fail has failed. */
const warned = new WeakSet<EvidenceSink>();

/**
 * Runs the drill that must fail, once in each journal, and records it.
 *
 * @throws CodedError `drill.canary-passed`
 */
async function requireCanary(journal: EvidenceSink): Promise<void> {
  if (warned.has(journal)) return;
  const guard = definitionOf(canary);
  const run = await runDrill(guard, canaryDrill);
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
  warned.add(journal);
}

/** @throws CodedError `drill.unknown` */
function chosenDrills(
  { guard, drills }: Proof,
  only: readonly string[] | undefined,
): readonly Drill<unknown>[] {
  if (!only) return drills;
  const known = new Set(drills.map(({ id }) => id));
  if (only.every((id) => known.has(id))) return drills.filter(({ id }) => only.includes(id));
  const remedy = `Name drills as \`guardrails claims\` lists them for ${guard.id}.`;
  throw new CodedError('drill.unknown', 'the guard has no drill of that name', remedy);
}

/**
 * Builds the state of every drill of a guard, has the guard judge it, and leaves a record of each finding. With
 * `mutants`, it then breaks the guard in one way at a time: a mutant is caught (`passed`) by the first drill that comes
 * out otherwise, and only drills that the guard itself passed can tell.
 *
 * @throws TypeError for what `defineProof` did not return; CodedError `drill.unknown`, `drill.canary-passed`; what the
 * journal throws.
 */
export async function drillGuard(
  proof: Proof,
  journal: EvidenceSink,
  { mutants = false, only, onResult = () => {}, signal }: DrillOptions = {},
): Promise<readonly DrillResult[]> {
  requireProof(proof);
  const guard = definitionOf(proof.guard);
  const sink = unrestricted(journal);
  const results: DrillResult[] = [];
  const keep = async (
    mode: 'drill' | 'mutant',
    probe: Probe,
    { outcome, unavailable }: Run,
  ): Promise<void> => {
    const again = mode === 'mutant' ? ['--mutants'] : ['--only', probe.drill];
    const replay = { argv: ['guardrails', 'drill', guard.id, ...again] };
    const draft = draftOf(guard, outcome, { mode, replay, probe });
    await sink.append(draft, outcome.input);
    const result = { ...probe, guard: guard.id, evidenceId: draft.id };
    results.push(unavailable === undefined ? result : { ...result, unavailable });
    onResult(results.at(-1) as DrillResult);
  };

  const held: { readonly drill: Drill<unknown>; readonly run: Run }[] = [];
  const unavailable: { readonly drill: Drill<unknown>; readonly why: string }[] = [];
  const drills = chosenDrills(proof, only);
  await requireCanary(journal);
  for (const drill of drills) {
    signal?.throwIfAborted();
    const run = await runDrill(guard, drill, signal);
    const { id, expects: expected } = drill;
    const fault =
      run.fellBackTo === undefined ? drill.fault : `${drill.fault} (built here as ${run.fellBackTo})`;
    const { observed } = run;
    const passed = passes(run, drill);
    await keep('drill', { drill: id, fault, expected, observed, passed }, run);
    if (passed) held.push({ drill, run });
    if (run.unavailable !== undefined) unavailable.push({ drill, why: run.unavailable });
  }
  if (!mutants || only) return results;

  for (const mutant of mutantsOf(guard, proof.brokenLooks)) {
    // The drill that expects this code is the one most likely to notice, so it goes first.
    const order = held.toSorted(
      (a, b) => Number(b.drill.expects === mutant.id) - Number(a.drill.expects === mutant.id),
    );
    let killer: { readonly drill: Drill<unknown>; readonly run: Run } | undefined;
    let last: Run | undefined;
    for (const { drill, run } of order) {
      signal?.throwIfAborted();
      last = await runMutant(mutant, drill, run, signal);
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
  return results;
}

/** A mutant that only judges otherwise gets the facts that the guard saw; one that looks otherwise gets a new state. */
async function runMutant(
  mutant: Mutant,
  drill: Drill<unknown>,
  { outcome }: Run,
  signal?: AbortSignal,
): Promise<Run> {
  if (mutant.observesAnew) return await runDrill(mutant.guard, drill, signal);
  // What the schema refused was never looked at, with whatever rules.
  if (!outcome.observed) return { outcome, observed: drill.expects };
  const judged = mutant.judge(outcome.observed.facts);
  return {
    outcome: { ...judged, observed: outcome.observed, input: outcome.input },
    observed: observedOf(judged),
  };
}
