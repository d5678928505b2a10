// From verified journal lines to a grade for each probe and each row. Everything that is not positively shown counts
// as not shown: a probe missing, a drill skipped, a claim without its drill are all E0.
import type { DecisionRecord } from '../evidence/record.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import { ageOf, type GradingContext } from './age.ts';
import type { Claim, Claims, Dimension } from './claims.ts';
import { differs, held, isUnavailable } from './held.ts';
import { type GuardLook, lookAt } from './look.ts';
import { foreignFlag } from './node-flags.ts';
import { contradiction, type Replayed } from './replay-draw.ts';

/** E4 live, E3 recorded, E2 stale or foreign, E1 advisory, E0 nothing that counts. */
export type Grade = 'E0' | 'E1' | 'E2' | 'E3' | 'E4';

/** What a grade is worth, in thousandths. E1 is shown and worth nothing: whoever can write a file can make it. */
export const GRADE_MILLI: Readonly<Record<Grade, number>> = { E0: 0, E1: 0, E2: 500, E3: 800, E4: 1_000 };

/** What a probe has when it has this grade; the reasons below say it case by case. */
export const GRADE_MEANING: Readonly<Record<Grade, string>> = {
  E4: 'live: drilled in the newest sealed run, by this code on this machine since it was started, within a day, under a pinned key, every mutant caught, and its real subject allowed where it has one',
  E3: 'recorded: as E4, but in an earlier run or boot, with mutants missing or alive, a failure today, or an option or a variable that could change a guard',
  E2: 'stale or foreign: older than its time to live, by other code, on another machine, or about another subject than is here',
  E1: 'advisory: unsigned, not sealed, or under a key that nobody pinned; whoever can write a file can make it',
  E0: 'nothing that counts: missing, failed, skipped, unclear, or in a journal that is not intact',
};

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

/** Everything that a grade is made from. */
interface Look extends GuardLook {
  readonly verdict: JournalVerdict;
  readonly claim: Claim;
  /** Id of the row. */
  readonly dimension: string;
  readonly context: GradingContext;
  /** Its drills that were run again in this call. */
  readonly replayed: readonly Replayed[];
}

/** Everything that was judged of the guard in the run: its samples and, where it was asked, its real subject. */
const judged = ({ drills, live }: Look): readonly DecisionRecord[] => (live ? [...drills, live] : drills);

/** Why what the guard is about was not shown to be sound. A refusal is worse than no answer, and neither is worth anything. */
function liveRefused({ claim, live }: Look): string | false {
  if (claim.live === undefined || !live || isUnavailable(live)) return false;
  if (held(live) && live.decision === 'allow') return false;
  return `asked about the ${claim.live} itself it answered ${live.codes[0] ?? live.decision}`;
}

function liveMissing({ claim, live }: Look): string | false {
  if (claim.live === undefined) return false;
  if (!live)
    return `drilled on samples only: it was not asked about the ${claim.live} itself in the same run`;
  return isUnavailable(live) && `it could not be asked about the ${claim.live} itself: ${live.reason}`;
}

function liveElsewhere({ claim, live, context }: Look): string | false {
  if (claim.live === undefined || !live) return false;
  const here = context.subjects?.[claim.live];
  if (here === undefined) return `nothing is known here of the ${claim.live} that it was asked about`;
  if (live.subject && live.subject.digest === undefined)
    return 'it was asked about another deployment than it is recorded in';
  const same = live.subject?.kind === claim.live && live.subject.digest === `sha256:${here}`;
  return !same && `it was asked about another ${claim.live} than is here`;
}

/** Why a probe has this grade and no better, or `false`. */
type Reason = readonly [Exclude<Grade, 'E4'>, (look: Look) => string | false | undefined];

/** The drills of the run, without those that this machine may lack the place for, and lacks. */
function owed({ drills, claim }: Look): readonly DecisionRecord[] {
  const rare = new Set(claim.drills.flatMap(({ id, needs }) => (needs === undefined ? [] : id)));
  return drills.filter((record) => !isUnavailable(record) || !rare.has(record.probe?.drill ?? ''));
}

/** Runs under one name of a host are one host's only when the machine, or else the boot, is the same. */
function isElsewhere({ run, drills, context }: Look): boolean {
  if (run && run.machine !== 'unknown') return run.machine !== context.machine;
  const here = ({ host, boot }: { host: string; boot: string }): boolean =>
    host === context.host && boot === context.boot && boot !== 'unknown';
  return context.machine !== 'unknown' || !drills.every(here);
}

/** A drill of this very code that failed in another run: what comes and goes is not proven. */
function failureToday({ failures, claim, context }: Look): string | false {
  const failed = failures.find(
    (record) => record.guard.codeDigest === context.codeDigest && ageOf(record, context) <= claim.timeToLive,
  );
  return failed !== undefined && `its drill ${failed.probe?.drill} failed in another run of the same code`;
}

/** Why the mutants do not show that the drills notice a missing rule. */
function mutantsUnproven({ mutants, claim }: Look): string | false {
  if (claim.mutants.length === 0)
    return 'its claim names no mutant, so nothing shows that its drills notice a missing rule';
  if (mutants.length === 0) return 'its mutants were not run with it';
  const alive =
    mutants.find((record) => !differs(record, claim))?.probe?.mutant ??
    claim.mutants.find((id) => !mutants.some(({ probe }) => probe?.mutant === id));
  return alive !== undefined && `its mutant ${alive} was not caught`;
}

/** In this order, worst first: the first that holds is the grade. */
const REASONS: readonly Reason[] = [
  [
    'E0',
    ({ verdict: { problems } }) =>
      problems[0] &&
      `the journal is not intact: ${problems[0].code}${problems[0].line ? ` at line ${problems[0].line}` : ''}`,
  ],
  // A guard that only refuses, or only allows, was not shown to tell one from the other.
  [
    'E0',
    ({ claim: { drills } }) =>
      !drills.some(({ expects, needs }) => expects === 'allow' && needs === undefined) &&
      'its claim is emptied: nothing in it must be allowed',
  ],
  [
    'E0',
    ({ claim: { drills } }) =>
      drills.every(({ expects, needs }) => expects === 'allow' || needs !== undefined) &&
      'its claim is emptied: nothing in it must be refused',
  ],
  ['E0', ({ drills }) => drills.length === 0 && 'no drill of it is in the journal'],
  [
    'E0',
    (look) => {
      const probe = owed(look).find((record) => !held(record))?.probe;
      return probe && `drill ${probe.drill}: expected ${probe.expected}, saw ${probe.observed}`;
    },
  ],
  [
    'E0',
    ({ claim, drills }) => {
      const shown = new Map(drills.map(({ probe }) => [probe?.drill, probe?.expected]));
      const missing = claim.drills.find(({ id, expects }) => shown.get(id) !== expects);
      return missing && `the drill ${missing.id} does not show ${missing.expects}`;
    },
  ],
  [
    'E0',
    (look) => {
      const built = new Map(owed(look).map(({ probe, replay }) => [probe?.drill, replay.fixtureDigest]));
      const other = look.claim.drills.find(
        ({ id, needs, fixture }) =>
          fixture !== undefined && built.get(id) !== fixture && (needs === undefined || built.has(id)),
      );
      return other && `the drill ${other.id} built another state than is claimed`;
    },
  ],
  [
    'E0',
    (look) =>
      judged(look).some(({ policyDigest }) => policyDigest !== look.claim.policyDigest) &&
      'judged by other rules than are claimed',
  ],
  [
    'E0',
    (look) =>
      judged(look).some((record) => record.dimension !== look.dimension) && 'recorded for another row',
  ],
  [
    'E0',
    (look) => judged(look).some((record) => ageOf(record, look.context) < 0) && 'recorded in the future',
  ],
  ['E0', liveRefused],
  ['E0', ({ canary }) => canary === 'passed' && 'a drill that must fail passed in the same run'],
  ['E0', ({ replayed }) => replayed.map(contradiction).find((why) => why !== undefined)],
  ['E1', ({ verdict }) => verdict.key === 'unsigned' && 'the journal is unsigned'],
  ['E1', ({ verdict }) => verdict.key !== 'pinned' && 'signed by a key that is not pinned'],
  ['E1', ({ sealed }) => !sealed && 'the records were not sealed by their writer'],
  ['E1', liveMissing],
  ['E2', ({ run }) => !run && 'nothing says under what code and flags it was recorded'],
  ['E2', (look) => isElsewhere(look) && 'recorded on another host'],
  [
    'E2',
    (look) =>
      [look.run?.code.codeDigest, ...judged(look).map(({ guard }) => guard.codeDigest)].some(
        (digest) => digest !== look.context.codeDigest,
      ) && 'recorded by other code than is installed',
  ],
  ['E2', liveElsewhere],
  ['E2', ({ run }) => run?.code.checked === 'no' && 'the code that recorded it could not be looked at'],
  ['E2', ({ run }) => run?.code.agrees === false && 'recorded by code that is not what was built'],
  [
    'E2',
    (look) =>
      judged(look).some((record) => ageOf(record, look.context) > look.claim.timeToLive) &&
      'older than its time to live',
  ],
  [
    'E3',
    ({ drills, context }) =>
      drills.some(({ boot }) => boot !== context.boot) && 'not drilled again since this host was started',
  ],
  [
    'E3',
    ({ run }) => {
      const flag = run && foreignFlag(run);
      return flag !== undefined && `recorded under ${flag}, which can change any guard`;
    },
  ],
  [
    'E3',
    (look) =>
      judged(look).some(({ method }) => method === 'path-walk') &&
      'files could only be looked at by path here: swaps are noticed, not excluded',
  ],
  ['E3', ({ canary }) => canary === 'missing' && 'no drill that must fail was in the same run'],
  ['E3', ({ newest }) => !newest && 'not drilled again in the newest run'],
  ['E3', failureToday],
  ['E3', mutantsUnproven],
];

function gradeProbe(probe: string, look: Look): ProbeFinding {
  const evidence = judged(look).map(({ id }) => id);
  for (const [grade, reason] of REASONS) {
    const why = reason(look);
    if (typeof why === 'string') return { probe, grade, why, evidence };
  }
  const asked = look.claim.live === undefined ? '' : `, the ${look.claim.live} itself was allowed`;
  const shown = owed(look);
  const unbuilt = look.drills.filter((record) => !shown.includes(record)).map(({ probe }) => probe?.drill);
  const lacking = unbuilt.length === 0 ? '' : `; not built here: ${unbuilt.join(', ')}`;
  const why = `${shown.length} drills held, every mutant was killed${asked}${lacking}`;
  return { probe, grade: 'E4', why, evidence };
}

const NEVER_DRILLED: GuardLook = {
  drills: [],
  live: undefined,
  mutants: [],
  sealed: false,
  failures: [],
  run: undefined,
  newest: false,
  canary: 'missing',
};

/** Returns a row that is worth the minimum over its probes. */
export function rowOf(dimension: Dimension, probes: readonly ProbeFinding[]): DimensionFinding {
  const worst = probes.toSorted((a, b) => a.grade.localeCompare(b.grade))[0];
  if (!worst) return { dimension, grade: 'E0', why: 'not built yet: no probe proves this row', probes };
  return { dimension, grade: worst.grade, why: `${worst.probe}: ${worst.why}`, probes };
}

/** Grades every row. */
export function gradeDimensions(
  verdict: JournalVerdict,
  { dimensions, claims }: Claims,
  context: GradingContext,
  replayed: readonly Replayed[] = [],
): readonly DimensionFinding[] {
  const looks = lookAt(verdict);
  const claimed = new Map(claims.map((claim) => [claim.guard, claim]));
  return dimensions.map((dimension) => {
    const probes = dimension.probes.map((probe): ProbeFinding => {
      const claim = claimed.get(probe);
      if (!claim) return { probe, grade: 'E0', why: 'nothing is claimed for this probe', evidence: [] };
      const look = looks.get(probe) ?? NEVER_DRILLED;
      const again = replayed.filter(({ guard }) => guard === probe);
      return gradeProbe(probe, {
        ...look,
        verdict,
        claim,
        dimension: dimension.id,
        context,
        replayed: again,
      });
    });
    return rowOf(dimension, probes);
  });
}
