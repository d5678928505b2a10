// The public surface of the evidence room.
export {
  type Checkpoint,
  type Cosignature,
  type Cosigner,
  cosignaturesOf,
  cosignCheckpoint,
  cosignerKey,
  parseCheckpoint,
  signedBy,
  type TreeHead,
} from './checkpoint.ts';
export { CodedError } from './coded-error.ts';
export { type Consistency, verifyConsistency } from './consistency.ts';
export { defaultMemory, HeadMemory } from './head-memory.ts';
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
export { proveConsistency, proveRecord } from './prove.ts';
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
export type { SeenHead } from './revocation.ts';
export { rotateKey } from './rotate-key.ts';
export type { JournalProblem } from './scan.ts';
export { openState, type StateOptions } from './state.ts';
export { type ProvenRecord, verifyProof } from './tlog-proof.ts';
export { uuidv7 } from './uuid.ts';
export type { JournalLine, JournalState, JournalVerdict } from './verdict.ts';
export type { VerifyOptions } from './verify.ts';
export { type DirectoryOptions, verifyDirectory, verifyJournal } from './verify-native.ts';
