// The score in the formats that people and programs read. Nothing is computed here; the same score gives the same bytes.
import { oneLine } from '../evidence/one-line.ts';
import { SCORECARD_PREDICATE, SCORER_VERSION, STATEMENT_TYPE } from './baseline.ts';
import { digestOf } from './claims.ts';
import { GRADE_MILLI } from './grade.ts';
import { leftOutOf, nextCommand } from './next-step.ts';
import { type Score, supportedScore } from './score.ts';

const SCOPE =
  'Guards of a manager/worker runtime on this host, as far as drills prove them; this is not a certification, and not a multi-tenant production platform score.';
const BOUNDARY =
  'The score is computed from verified drill records and the gap register; what no record shows counts as zero.';

interface Check {
  readonly id: string;
  readonly label: string;
  readonly status: 'pass' | 'fail';
  readonly summary: string;
  readonly evidence: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
}

/** `agilab.architecture_scorecard.v1`, the shape that AGILAB's own consumers read. */
export interface ScorecardV1 {
  readonly schema: string;
  readonly kpi: string;
  readonly supported_score: string;
  readonly score_scope: string;
  readonly status: 'pass' | 'fail';
  readonly summary: {
    readonly passed: number;
    readonly failed: number;
    readonly total: number;
    readonly score_boundary: string;
  };
  readonly checks: readonly Check[];
}

/** Every required probe holds: all rows live, and no rise without evidence. */
export function holds(score: Score): boolean {
  return score.dimensions.every(({ grade }) => grade === 'E4') && score.movement.unsupported.length === 0;
}

/** Returns the scorecard as AGILAB writes it. */
export function toV1(score: Score): ScorecardV1 {
  const checks = score.dimensions.map(
    ({ dimension, grade, why, probes }): Check => ({
      id: dimension.id,
      label: dimension.label,
      status: grade === 'E4' ? 'pass' : 'fail',
      summary: why,
      evidence: probes.flatMap(({ evidence }) => evidence),
      details: { grade, milli: GRADE_MILLI[grade], missing: {} },
    }),
  );
  const passed = checks.filter(({ status }) => status === 'pass').length;
  const score_boundary = [BOUNDARY, ...score.conditions.map((why) => `Conditional: ${why}.`)].join(' ');
  return {
    schema: 'agilab.architecture_scorecard.v1',
    kpi: 'Architecture scorecard',
    supported_score: supportedScore(score.milli),
    score_scope: SCOPE,
    status: holds(score) ? 'pass' : 'fail',
    summary: { passed, failed: checks.length - passed, total: checks.length, score_boundary },
    checks,
  };
}

/**
 * Returns `agilab.architecture_scorecard.v2`: every key of v1, how the number came about, and all that it was computed
 * from but the journal itself, which is named by its root: who has both can compute it again.
 */
export function toV2(score: Score): ScorecardV1 & Readonly<Record<string, unknown>> {
  const { milli, vector, terms, conditions, coverage, movement, register, journal, input } = score;
  const { host, machine, boot, codeDigest, subjects = {}, now, monotonic } = input.context;
  return {
    ...toV1(score),
    schema: 'agilab.architecture_scorecard.v2',
    scorer: { version: SCORER_VERSION },
    score: { milli, vector, terms, conditional: conditions.length > 0, conditions },
    grades: Object.fromEntries(score.dimensions.map(({ dimension, grade }) => [dimension.id, grade])),
    probes: score.dimensions.flatMap(({ probes }) => probes),
    coverage,
    context: { host, machine, boot, codeDigest, subjects, now, monotonic },
    digests: {
      claims: digestOf(input.claims),
      register: input.register.digest,
      baseline: movement.baseline ?? null,
    },
    claims: input.claims,
    register: {
      penalty: register.penalty,
      cap: register.cap,
      gaps: register.gaps,
    },
    suite: input.suite ?? [],
    movement: {
      baseline: movement.from ?? null,
      unsupported: movement.unsupported,
      retired: input.retired ?? [],
    },
    replay: input.replayed ?? [],
    leftOut: leftOutOf(journal),
    next: nextCommand(score) ?? null,
    journal: {
      intact: journal.problems.length === 0,
      state: journal.state,
      key: journal.key,
      history: journal.history,
      origin: journal.origin ?? null,
      size: journal.size,
      root: journal.root,
      problems: journal.problems,
    },
  };
}

/** Returns the in-toto statement of a scorecard, for a signature: what is stated about this code and this journal. */
export function toStatement(score: Score): string {
  return JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [
      { name: 'agilab-guardrails', digest: { sha256: score.input.context.codeDigest } },
      { name: 'journal', digest: { sha256: score.journal.root } },
    ],
    predicateType: SCORECARD_PREDICATE,
    predicate: toV2(score),
  });
}

/** JSON as AGILAB writes it: keys sorted, two blanks of indent, ASCII only, one newline at the end. */
export function toAgilabJson(value: unknown): string {
  const sorted = (_key: string, item: unknown): unknown =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item;
  const ascii = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, sorted, 2).replaceAll(/[\u007f-\uffff]/g, ascii)}\n`;
}

/** The scorecard as a table, with the sources of every number. */
export function toTable(score: Score): string {
  const { milli, terms, conditions, coverage, register, movement, journal } = score;
  const rows = score.dimensions.flatMap(({ dimension, grade, why }) => [
    `  ${dimension.letters}  ${grade}  ${String(GRADE_MILLI[grade]).padStart(4)}  ${dimension.label}`,
    `                ${why}`,
  ]);
  const gaps = register.gaps.map(
    ({ id, severity, counted, penalty, why }) =>
      `  ${severity}  ${counted.padEnd(11)} ${String(-penalty).padStart(5)}  ${id} (${why})`,
  );
  const moved =
    movement.from === undefined
      ? `no comparison${movement.baseline === undefined ? ': no baseline was given' : ''}`
      : `baseline ${movement.from}, now ${milli} (${milli >= movement.from ? '+' : ''}${milli - movement.from})`;
  const { claims, register: file } = score.input;
  const leftOut = leftOutOf(journal).map(
    ({ guard, drill, why }) => `Left out here: ${guard}/${drill}. ${why}`,
  );
  const next = nextCommand(score);
  return [
    `Architecture scorecard: ${supportedScore(milli)}  (${milli} milli-points, ${coverage.live} of ${coverage.total} rows live${conditions.length > 0 ? ', conditional' : ''})`,
    `  ${score.vector}`,
    '',
    'Rows: the grade is the minimum over the probes of the row, from the drill records in the journal',
    ...rows,
    '',
    'Gap register: what is known to be missing costs points whatever the drills say',
    ...gaps,
    '',
    `Evidence ${terms.evidence} less penalties ${terms.penalty}, at most ${terms.cap}, never below 0: ${milli}.`,
    ...conditions.map((why) => `Conditional: ${why}`),
    `Claims ${digestOf(claims)}`,
    `Register ${file.digest}`,
    `Journal: ${journal.size} lines, ${journal.problems.length === 0 ? 'intact' : 'NOT INTACT'}, key ${journal.key}, ${journal.history}; root ${journal.root}`,
    ...journal.problems.map(
      ({ code, line, message }) => `  ${code}: ${line ? `line ${line} ` : ''}${message}`,
    ),
    `Movement: ${moved}`,
    ...movement.unsupported.map((why) => `  not counted: ${why}`),
    ...leftOut,
    ...(next ? [`Some probes have no evidence yet: ${next.join(' ')}`] : []),
  ]
    .map(oneLine)
    .join('\n');
}
