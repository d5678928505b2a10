// From verified journal lines to a grade for each probe and each row. Everything that is not positively shown counts
// as not shown: a probe missing, a drill skipped, a claim without its drill are all E0.
import { type DecisionRecord, isDecision } from '../evidence/record.ts';
import type { JournalLine, JournalVerdict } from '../evidence/verify.ts';
import type { Claim, Claims, Dimension } from './claims.ts';

/** E4 live, E3 recorded, E2 stale or foreign, E1 advisory, E0 nothing that counts. */
export type Grade = 'E0' | 'E1' | 'E2' | 'E3' | 'E4';

/** What a grade is worth, in thousandths. */
export const GRADE_MILLI: Readonly<Record<Grade, number>> = { E0: 0, E1: 250, E2: 500, E3: 800, E4: 1_000 };

/** Here and now, against which evidence is held. */
export interface GradingContext {
  readonly host: string;
  /** Kernel boot id. */
  readonly boot: string;
  /** Digest of the code that is installed here, from the evidence room. */
  readonly codeDigest: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface ProbeFinding {
  readonly probe: string;
  readonly grade: Grade;
  /** One sentence: why this grade and no better. */
  readonly why: string;
  /** Journal ids of the drill records that the grade rests on. */
  readonly evidence: readonly string[];
}

export interface DimensionFinding {
  readonly dimension: Dimension;
  readonly grade: Grade;
  readonly why: string;
  readonly probes: readonly ProbeFinding[];
}

/** Evidence older than this is stale, in milliseconds: one day. */
const TIME_TO_LIVE_MS = 24 * 60 * 60 * 1_000;
/** A clock may be this far ahead, in milliseconds, before its records are disbelieved. */
const CLOCK_SKEW_MS = 5 * 60 * 1_000;

/** The drill came out as expected, by what the record says of the decision itself; its own verdict alone is not enough. */
function held({ probe, decision, codes }: DecisionRecord): boolean {
  if (!probe?.passed || probe.observed !== probe.expected) return false;
  return probe.expected === 'allow'
    ? decision === 'allow' && codes.length === 0
    : codes[0] === probe.expected;
}

/** A line that a guard left. */
interface DecisionLine extends JournalLine {
  readonly record: DecisionRecord;
}
const isDecisionLine = (line: JournalLine): line is DecisionLine => isDecision(line.record);

function drillsOf(lines: readonly DecisionLine[], probe: string): readonly DecisionLine[] {
  const all = lines.filter(
    ({ record }) => record.guard.id === probe && record.mode === 'drill' && record.probe,
  );
  const run = all.at(-1)?.record.run;
  return all.filter(({ record }) => record.run === run);
}

/** Why the mutants do not show that the drills notice a missing rule, or `undefined` when they do. */
function mutantsUnproven(
  lines: readonly DecisionLine[],
  probe: string,
  claimed: readonly string[],
  context: GradingContext,
): string | undefined {
  const mutants = lines.filter(
    ({ record: { guard, mode, host, time }, sealed }) =>
      // What counts against the drills counts here: whoever could add a line could add a dead mutant.
      mode === 'mutant' &&
      guard.id === probe &&
      guard.codeDigest === context.codeDigest &&
      sealed &&
      host === context.host &&
      Date.parse(time) >= context.now - TIME_TO_LIVE_MS,
  );
  const run = mutants.at(-1)?.record.run;
  const newest = mutants.filter(({ record }) => record.run === run).map(({ record }) => record);
  const killed = new Set(newest.filter(differs).map((record) => record.probe?.mutant));
  const alive = newest.find((record) => !differs(record)) ?? claimed.find((id) => !killed.has(id));
  if (alive === undefined) return undefined;
  if (newest.length === 0) return 'its mutants were not run on this code';
  return `its mutant ${typeof alive === 'string' ? alive : alive.probe?.mutant} was not caught`;
}

/** The mutant came out otherwise than the drill expects, by what the record says of the decision itself. */
function differs({ probe, decision, codes }: DecisionRecord): boolean {
  if (!probe?.passed || probe.observed === probe.expected) return false;
  return (codes[0] ?? decision) === probe.observed;
}

function gradeProbe(
  probe: string,
  claim: Claim | undefined,
  verdict: JournalVerdict,
  context: GradingContext,
): ProbeFinding {
  const { key, problems } = verdict;
  const lines = verdict.lines.filter(isDecisionLine);
  const [problem] = problems;
  const none = (why: string, evidence: readonly string[] = []): ProbeFinding => ({
    probe,
    grade: 'E0',
    why,
    evidence,
  });
  if (problem)
    return none(
      `the journal is not intact: ${problem.code}${problem.line ? ` at line ${problem.line}` : ''}`,
    );
  const drills = drillsOf(lines, probe);
  const evidence = drills.map(({ record }) => record.id);
  if (!claim) return none('nothing is claimed for this probe', evidence);
  // A guard that only refuses, or only allows, was not shown to tell one from the other.
  for (const [kind, missing] of [
    ['allowed', !claim.drills.some(({ expects }) => expects === 'allow')],
    ['refused', !claim.drills.some(({ expects }) => expects !== 'allow')],
  ] as const)
    if (missing) return none(`its claim is emptied: nothing in it must be ${kind}`, evidence);
  if (drills.length === 0) return none('no drill of it is in the journal');
  const records = drills.map(({ record }) => record);
  const failed = records.find((record) => !held(record));
  if (failed)
    return none(
      `drill ${failed.probe?.drill}: expected ${failed.probe?.expected}, saw ${failed.probe?.observed}`,
      evidence,
    );
  const shown = new Map(records.map(({ probe: drill }) => [drill?.drill, drill?.expected]));
  const unproven = claim.drills.find(({ id, expects }) => shown.get(id) !== expects);
  if (unproven) return none(`the drill ${unproven.id} does not show ${unproven.expects}`, evidence);
  const times = records.map(({ time }) => Date.parse(time));
  if (times.some((time) => time > context.now + CLOCK_SKEW_MS))
    return none('recorded in the future', evidence);
  const at = (grade: Grade, why: string): ProbeFinding => ({ probe, grade, why, evidence });
  if (key !== 'pinned')
    return at('E1', key === 'unsigned' ? 'the journal is unsigned' : 'signed by a key that is not pinned');
  if (drills.some(({ sealed }) => !sealed)) return at('E1', 'the records were not sealed by their writer');
  if (records.some(({ host }) => host !== context.host)) return at('E2', 'recorded on another host');
  if (records.some(({ guard }) => guard.codeDigest !== context.codeDigest))
    return at('E2', 'recorded by other code than is installed');
  if (times.some((time) => time < context.now - TIME_TO_LIVE_MS)) return at('E2', 'older than a day');
  if (records.some(({ boot }) => boot !== context.boot))
    return at('E3', 'not drilled again since this host was started');
  if (records.some(({ method }) => method === 'path-walk'))
    return at('E3', 'files could only be looked at by path here: swaps are noticed, not excluded');
  const liveRun = lines.filter(({ record }) => record.mode === 'drill').at(-1)?.record.run;
  if (records[0]?.run !== liveRun) return at('E3', 'not drilled again in the newest run');
  const survivor = mutantsUnproven(lines, probe, claim.mutants, context);
  if (survivor !== undefined) return at('E3', survivor);
  return at('E4', `${records.length} drills held, every mutant was killed`);
}

/** Grades every row: the minimum over its probes. */
export function gradeDimensions(
  verdict: JournalVerdict,
  { dimensions, claims }: Claims,
  context: GradingContext,
): readonly DimensionFinding[] {
  const claimed = new Map(claims.map((claim) => [claim.guard, claim]));
  return dimensions.map((dimension) => {
    const probes = dimension.probes.map((probe) => gradeProbe(probe, claimed.get(probe), verdict, context));
    const worst = probes.toSorted((a, b) => GRADE_MILLI[a.grade] - GRADE_MILLI[b.grade])[0];
    if (!worst) return { dimension, grade: 'E0', why: 'not built yet: no probe proves this row', probes };
    return { dimension, grade: worst.grade, why: `${worst.probe}: ${worst.why}`, probes };
  });
}
