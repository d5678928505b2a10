// The public surface of the scorecard.

export type { GradingContext } from './age.ts';
export { type Baseline, type Earlier, parseBaseline, parseEarlier, SCORER_VERSION } from './baseline.ts';
export {
  type Claim,
  type Claims,
  type Dimension,
  type DrillClaim,
  parseClaims,
  writeClaims,
} from './claims.ts';
export { ROWS } from './dimensions.ts';
export {
  type DimensionFinding,
  GRADE_MILLI,
  type Grade,
  gradeDimensions,
  type ProbeFinding,
} from './grade.ts';
export type { LeftOut } from './next-step.ts';
export type { PricedGap, RegisterFinding } from './price.ts';
export { type Gap, type GapRegister, parseRegister, type Requirement } from './register.ts';
export { type Drawn, drawDrills, type Replayed } from './replay-draw.ts';
export { holds, type ScorecardV1, toAgilabJson, toStatement, toTable, toV1, toV2 } from './report.ts';
export { parseRetired, type Retired, retire } from './retired.ts';
export {
  type Movement,
  type Score,
  type ScoreInput,
  scoreOf,
  supportedScore,
} from './score.ts';
