// What a journal holds of each guard, gathered in one pass: the drills of its newest sealed run, their mutants, and what
// failed beside them. Lines that nobody sealed are looked at for failures only: whoever can write a file can add a pass.
import type { Keeping } from '../evidence/pass.ts';
import { type DecisionRecord, type EvidenceRecord, isDecision, type RunRecord } from '../evidence/record.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import { held, isUnavailable } from './held.ts';

/** What the journal holds of one guard. */
export interface GuardLook {
  /** The drills of one run: the newest that was sealed, or, where none was, the newest. */
  readonly drills: readonly DecisionRecord[];
  /** The judgement of the real subject, in the same run. */
  readonly live: DecisionRecord | undefined;
  /** The mutants of the same run. */
  readonly mutants: readonly DecisionRecord[];
  readonly sealed: boolean;
  /** Drills and live judgements of every other run, sealed or not, that failed. */
  readonly failures: readonly DecisionRecord[];
  /** Under what that run was made; `undefined` where the journal does not say, or nobody sealed it. */
  readonly run: RunRecord | undefined;
  /** The run is the newest in which anything was drilled and sealed. */
  readonly newest: boolean;
  /** What became, in the same run, of the drill that must fail. */
  readonly canary: 'failed' | 'passed' | 'missing';
}

/** The guard whose drill must fail: see the drill runner. */
const CANARY = 'canary';

/** What is known of runs, by their names. */
interface Runs {
  readonly runs: ReadonlyMap<string, RunRecord>;
  readonly canaries: ReadonlyMap<string, 'failed' | 'passed'>;
  readonly newestRun: string | undefined;
}

interface Gathered {
  readonly sealed: DecisionRecord[];
  readonly open: DecisionRecord[];
}

/** Returns a look at each guard that was drilled. */
export function lookAt({ lines }: Pick<JournalVerdict, 'lines'>): ReadonlyMap<string, GuardLook> {
  const gathered = new Map<string, Gathered>();
  const runs = new Map<string, RunRecord>();
  const canaries = new Map<string, 'failed' | 'passed'>();
  let newestRun: string | undefined;
  for (const { record, sealed } of lines) {
    if (record.mode === 'run' && sealed && !runs.has(record.run)) runs.set(record.run, record);
    if (!isDecision(record) || !record.probe || record.mode === 'enforce') continue;
    if (record.guard.id === CANARY) {
      const failed = record.decision === 'refuse' && !record.probe.passed;
      if (!failed) canaries.set(record.run, 'passed');
      else if (sealed && !canaries.has(record.run)) canaries.set(record.run, 'failed');
      continue;
    }
    let found = gathered.get(record.guard.id);
    if (!found) {
      found = { sealed: [], open: [] };
      gathered.set(record.guard.id, found);
    }
    (sealed ? found.sealed : found.open).push(record);
    if (sealed && drilled(record)) newestRun = record.run;
  }
  return new Map(
    [...gathered].map(([guard, found]) => [guard, lookOf(found, { runs, canaries, newestRun })]),
  );
}

const drilled = ({ mode }: DecisionRecord): boolean => mode === 'drill';
const failed = (record: DecisionRecord): boolean =>
  record.mode !== 'mutant' && !held(record) && !isUnavailable(record);

/**
 * What a score is computed from: a verification need keep no other lines, and of sealed ones only failures, and what belongs to
 * the newest run of a guard, or to the last of all, which may be one's newest once it goes on.
 */
export const SCORED: Keeping = {
  modes: new Set(['run', 'drill', 'mutant', 'live']),
  condense(records) {
    const probes = records.filter(
      (record): record is DecisionRecord => isDecision(record) && record.probe !== undefined,
    );
    const newest = new Map(probes.filter(drilled).map(({ guard, run }) => [guard.id, run]));
    const last = records.at(-1)?.run;
    const runs = new Set([...newest.values(), last]);
    const matters = (record: EvidenceRecord): boolean => {
      if (record.run === last || record.mode === 'run') return runs.has(record.run);
      if (!isDecision(record) || !record.probe) return false;
      const { guard, run } = record;
      if (guard.id === CANARY) return runs.has(run);
      return (newest.get(guard.id) ?? run) === run || failed(record);
    };
    return records.filter(matters);
  },
};

function lookOf({ sealed, open }: Gathered, { runs, canaries, newestRun }: Runs): GuardLook {
  const isSealed = sealed.some(drilled);
  const counted = isSealed ? sealed : open;
  const run = counted.findLast(drilled)?.run;
  const same = counted.filter((record) => record.run === run);
  const drills = same.filter(drilled);
  const live = same.findLast(({ mode }) => mode === 'live');
  const seen = new Set([...drills, live]);
  return {
    drills,
    live,
    mutants: same.filter(({ mode }) => mode === 'mutant'),
    sealed: isSealed,
    failures: [...sealed, ...open].filter((record) => failed(record) && !seen.has(record)),
    run: run === undefined ? undefined : runs.get(run),
    newest: run !== undefined && run === newestRun,
    canary: (run === undefined ? undefined : canaries.get(run)) ?? 'missing',
  };
}
