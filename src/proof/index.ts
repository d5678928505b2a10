// The public surface of the drills: `agilab-guardrails/drills`. Nobody who only asks guards needs it.
export { proofs } from './catalogue.ts';
export { type DrillOptions, type DrillResult, drillGuard } from './drill.ts';
export { type DrillGuardsOptions, drillGuards } from './drill-guards.ts';
export { claimsOf, type Fixtures, fixturesOf } from './lock.ts';
export {
  type BrokenLook,
  type Drill,
  type DrillSite,
  DrillUnavailable,
  defineProof,
  type Live,
  type LiveSite,
  type Proof,
} from './proof.ts';
export { type FailClosedRequest, failClosed, type SelfTest } from './self-test/fail-closed.ts';
