// The public surface of the guards.

export { type BindRequest, BoundAddress, bind } from './bind.ts';
export {
  type DrillResult,
  DrillUnavailable,
  drillGuard,
  drillMutants,
  mutantsOf,
} from './drill.ts';
export { type EnforceOptions, enforce, type JudgeOptions, judge } from './enforce.ts';
export { evidenceJournal, type JournalRequest, VerifiedJournal } from './evidence-journal.ts';
export { type FailClosedRequest, failClosed, SelfTest } from './fail-closed.ts';
export {
  type AnyGuard,
  type Decision,
  type Drill,
  type DrillSite,
  type Guard,
  GuardRefusal,
  type Rule,
} from './guard.ts';
export { type RunManifestRequest, runManifest, VerifiedManifest } from './run-manifest.ts';
export type { RunManifest } from './run-manifest-format.ts';
export { fileRules, openTrusted, siblingRules, type TrustedFile } from './trusted-file.ts';
