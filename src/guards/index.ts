// The public surface of the guards.

export { openTrusted, type TrustedFile } from '../files/open.ts';
export { fileRules, siblingRules } from '../files/rules.ts';
export { type EnforceOptions, enforce, type JudgeOptions, judge } from '../kernel/enforce.ts';
export {
  type AnyGuard,
  type Decision,
  type Drill,
  type DrillSite,
  type Guard,
  GuardRefusal,
  type Rule,
} from '../kernel/guard.ts';
export {
  type DrillResult,
  DrillUnavailable,
  drillGuard,
  drillMutants,
  mutantsOf,
} from '../proof/drill.ts';
export { type FailClosedRequest, failClosed, SelfTest } from '../proof/self-test/fail-closed.ts';
export { type BindRequest, BoundAddress, bind } from './bind/bind.ts';
export { evidenceJournal, type JournalRequest, VerifiedJournal } from './journal/evidence-journal.ts';
export { type RunManifestRequest, runManifest, VerifiedManifest } from './run-manifest/run-manifest.ts';
export type { RunManifest } from './run-manifest/run-manifest-format.ts';
