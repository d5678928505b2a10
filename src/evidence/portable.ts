// The part of the evidence room that runs anywhere, browsers included: verification of journals, proofs and checkpoints,
// without a module of Node's. Imported as `agilab-guardrails/evidence/verify`.
export {
  type Checkpoint,
  type Cosignature,
  cosignaturesOf,
  parseCheckpoint,
  signedBy,
  type TreeHead,
} from './checkpoint.ts';
export { CodedError } from './coded-error.ts';
export { verifyConsistency } from './consistency.ts';
export { type NoteKey, parseNoteKey } from './note-key.ts';
export type { JournalFiles, SegmentFile } from './pass.ts';
export type { Pin } from './pin.ts';
export { type Primitives, portable } from './primitives.ts';
export type { EvidenceRecord } from './record.ts';
export type { SeenHead } from './revocation.ts';
export type { JournalProblem } from './scan.ts';
export { type ProvenRecord, verifyProof } from './tlog-proof.ts';
export type { JournalLine, JournalState, JournalVerdict } from './verdict.ts';
export {
  type VerifyOptions,
  verifyJournal,
} from './verify.ts';
