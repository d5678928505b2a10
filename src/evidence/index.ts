// The public surface of the evidence room.
export { CodedError } from './coded-error.ts';
export {
  codeIdentity,
  type ProcessIdentity,
  processIdentity,
  type RunningCode,
  runningCode,
} from './identity.ts';
export { Journal } from './journal.ts';
export { readJournal } from './journal-files.ts';
export { initKeys, loadPins, loadSigner } from './key-store.ts';
export {
  generateSigner,
  type NoteSigner,
  type NoteVerifier,
  parseVerifierKey,
  signerFromPem,
} from './keys.ts';
export { type JournalOptions, openJournal } from './open-journal.ts';
export type { JournalFiles, SegmentFile } from './pass.ts';
export type { Pin } from './pin.ts';
export {
  type DecisionDraft,
  type DecisionRecord,
  DIMENSION_IDS,
  type DimensionId,
  type EffectDraft,
  type EffectRecord,
  type EvidenceDraft,
  type EvidenceRecord,
  type EvidenceSink,
  evidenceRecord,
  evidenceRecordJsonSchema,
  isDecision,
  type Method,
  type Probe,
  type RepairRecord,
  type RunRecord,
  type Subject,
  type Verdict,
} from './record.ts';
export type { JournalProblem } from './scan.ts';
export { openState, type StateOptions } from './state.ts';
export { uuidv7 } from './uuid.ts';
export {
  type JournalLine,
  type JournalState,
  type JournalVerdict,
  type VerifyOptions,
  verifyJournal,
} from './verify.ts';
