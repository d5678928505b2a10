// One drill, from the state that it builds to the judgement and back to an empty place. Nothing in it is waited for without
// end: a state that never gets built, or never goes away, is told and costs one drill.
import { errnoOf } from '../evidence/coded-error.ts';
import { Deadline, Interrupted } from '../kernel/deadline.ts';
import { decide, type Outcome, release } from '../kernel/decide.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import { judgeElsewhere } from './elsewhere.ts';
import { fixtureDigest } from './fixture.ts';
import { type Drill, DrillUnavailable } from './proof.ts';
import { type OpenSite, openSite } from './site.ts';

/** How one drill ended. */
export interface Run {
  readonly outcome: Pick<Outcome, 'decision' | 'subject' | 'observed' | 'input'>;
  /** `allow`, the headline code, or a `drill.` code: unavailable, build-failed, build-timeout, cleanup-failed. */
  readonly observed: string;
  readonly unavailable?: string;
  /** SHA-256 (hex) of what was built; absent where nothing was. */
  readonly fixture?: string;
  /** What was built, where it was another state than the drill is named for. */
  readonly fellBackTo?: string;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** For building, for the look, and for each step that takes down what was built, in milliseconds. */
  readonly timeoutMs: number;
}

/** What was concluded, in one word: `allow` or the headline code. */
export const observedOf = ({ decision }: Pick<Outcome, 'decision'>): string =>
  decision.codes[0] ?? decision.decision;

/** What came of a drill that says nothing about the guard. */
export function unjudged(guard: AnyDefinition, code: string, reason: string): Run {
  const decision = { guard: guard.id, decision: 'error', codes: [code], reason, remedy: reason } as const;
  return { outcome: { decision, subject: undefined, observed: undefined, input: '' }, observed: code };
}

/** Whether a drill came out as it expects. */
export const passes = ({ observed }: Run, { expects }: Pick<Drill<unknown>, 'expects'>): boolean =>
  observed === expects && !observed.startsWith('drill.');

/** Does a work within the time of one step. */
export async function within<T>(
  { signal, timeoutMs }: RunOptions,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline({ timeoutMs, ...(signal && { signal }) });
  try {
    return await work(deadline);
  } finally {
    deadline.end();
  }
}

function notBuilt(guard: AnyDefinition, error: unknown): Run {
  if (error instanceof DrillUnavailable) {
    const { message } = error;
    return { ...unjudged(guard, 'drill.unavailable', message), unavailable: message };
  }
  if (error instanceof Interrupted && error.code === 'guard.timeout')
    return unjudged(guard, 'drill.build-timeout', 'the state took too long to build');
  return unjudged(guard, 'drill.build-failed', `the state could not be built (${errnoOf(error)})`);
}

/** Before anything is judged: the digest of a state, with the place that it is judged in. */
function digestOf(site: OpenSite, request: unknown, elsewhere: Drill<unknown>['elsewhere']): string {
  return fixtureDigest(site.fixture, elsewhere ? [request, elsewhere.within(site.directory)] : request);
}

/** Hears of a judgement while what was judged still stands. */
export type OnJudged = (request: unknown, run: Run) => Promise<void>;

async function buildAndJudge(
  guard: AnyDefinition,
  { build, elsewhere }: Pick<Drill<unknown>, 'build' | 'elsewhere'>,
  site: OpenSite,
  options: RunOptions,
  onJudged: OnJudged,
): Promise<Run> {
  let request: unknown;
  let fixture: string;
  try {
    request = await within(options, (deadline) => deadline.run(() => build(site)));
    fixture = digestOf(site, request, elsewhere); // before the look, which may change what it finds
    if (elsewhere) {
      const place = elsewhere.within(site.directory);
      const outcome = await within(options, (deadline) =>
        judgeElsewhere(guard, request, elsewhere, place, deadline),
      );
      return { outcome, observed: observedOf(outcome), fixture };
    }
  } catch (error) {
    return notBuilt(guard, error);
  }
  const run = await within(options, async (deadline) => {
    const outcome = await decide(guard, request, deadline);
    if (outcome.observed) await release(guard, outcome.observed.facts, deadline.timeoutMs);
    return { outcome, observed: observedOf(outcome), fixture };
  });
  await onJudged(request, run);
  return run;
}

/** Builds a state, and takes it down again unjudged: its digest, or why it could not be built. */
export async function buildFixture(
  { build, elsewhere }: Pick<Drill<unknown>, 'build' | 'elsewhere'>,
  options: RunOptions,
): Promise<{ readonly fixture?: string; readonly reason: string }> {
  const site = openSite();
  try {
    const request = await within(options, (deadline) => deadline.run(() => build(site)));
    return { fixture: digestOf(site, request, elsewhere), reason: '' };
  } catch (error) {
    return { reason: error instanceof DrillUnavailable ? error.message : `It failed: ${errnoOf(error)}.` };
  } finally {
    await site.takeDown(options.timeoutMs);
  }
}

/** Builds, judges and takes down again. @throws the reason of `signal`, once everything is taken down. */
export async function runDrill(
  guard: AnyDefinition,
  drill: Pick<Drill<unknown>, 'build' | 'elsewhere'>,
  options: RunOptions,
  onJudged: OnJudged = async () => {},
): Promise<Run> {
  const site = openSite();
  const run = await buildAndJudge(guard, drill, site, options, onJudged);
  const failure = await site.takeDown(options.timeoutMs);
  options.signal?.throwIfAborted(); // what was judged meanwhile was judged by a caller who gave up
  const { fellBackTo } = site;
  if (failure === undefined) return fellBackTo === undefined ? run : { ...run, fellBackTo };
  // What is left of this state may be in the way of the next one.
  return unjudged(guard, 'drill.cleanup-failed', `the state could not be taken down (${errnoOf(failure)})`);
}
