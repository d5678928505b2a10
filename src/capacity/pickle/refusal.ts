// Every reason why a byte stream is not accepted as a pickle, with what to do about it. A refusal names the byte
// offset; it never repeats bytes of the stream, except a global's name when it is a plain identifier.
import { CodedError } from '../../evidence/coded-error.ts';

const RETRAIN = 'Train and pickle the model again with scikit-learn and its standard pickler.';
const DAMAGED = 'Fetch the file again from where it was made: no pickler writes this.';
const COPY = 'Copy the bytes into a buffer of your own first, and verify the copy.';
const HOSTILE = 'Do not load this file in Python. Find out who wrote it, and train the model again.';

/** Code to remedy. The keys are the closed set of pickle refusals. */
const REMEDIES = {
  'pickle.shared-memory': COPY,
  'pickle.too-large': RETRAIN,
  'pickle.truncated': DAMAGED,
  'pickle.trailing-bytes': HOSTILE,
  'pickle.leftover': DAMAGED,
  'pickle.unknown-opcode': DAMAGED,
  'pickle.opcode-refused': HOSTILE,
  'pickle.opcode-newer': DAMAGED,
  'pickle.proto-position': DAMAGED,
  'pickle.proto-unknown': RETRAIN,
  'pickle.frame-nested': HOSTILE,
  'pickle.frame-straddled': HOSTILE,
  'pickle.stack-underflow': DAMAGED,
  'pickle.stack-limit': HOSTILE,
  'pickle.no-mark': DAMAGED,
  'pickle.memo-missing': DAMAGED,
  'pickle.memo-order': DAMAGED,
  'pickle.budget': HOSTILE,
  'pickle.bad-text': DAMAGED,
  'pickle.bad-number': DAMAGED,
  'pickle.wrong-type': DAMAGED,
  'pickle.global-refused': HOSTILE,
  'pickle.call-refused': HOSTILE,
  'pickle.arguments': HOSTILE,
  'pickle.build-refused': HOSTILE,
  'pickle.second-build': HOSTILE,
  'pickle.changed-after-use': HOSTILE,
} as const;

export type PickleCode = keyof typeof REMEDIES;

/** A stream that is not accepted. `offset` is the first byte of the opcode that was refused. */
export class PickleRefusal extends CodedError {
  declare readonly code: PickleCode;
  readonly offset: number;

  constructor(code: PickleCode, offset: number, why: string) {
    super(code, `${why} (byte ${offset})`, REMEDIES[code]);
    this.offset = offset;
  }
}
