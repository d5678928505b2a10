// The public surface of the guards.

export { type BindRequest, BoundAddress, bind } from './bind.ts';
export type { Drill } from './drill.ts';
export {
  type DrillResult,
  type DrillSite,
  DrillUnavailable,
  drillGuard,
  drillMutants,
  mutantsOf,
} from './drill.ts';
export { type EnforceOptions, enforce, type JudgeOptions, judge } from './enforce.ts';
export { type AnyGuard, type Decision, type Guard, GuardRefusal, type Rule } from './guard.ts';
export { type RunManifestRequest, runManifest, VerifiedManifest } from './run-manifest.ts';
export type { RunManifest } from './run-manifest-format.ts';
