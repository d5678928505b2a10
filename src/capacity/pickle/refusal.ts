// Every reason why a byte stream is not accepted as a pickle, with what to do about it. A refusal names the byte
// offset; it never repeats bytes of the stream, except a global's name when it is a plain identifier.
import { CodedError } from '../../evidence/coded-error.ts';

const SAVE =
  'Save the fitted regressor alone, with joblib or pickle; docs/models.md says which load, and how to go on with the others.';
const NAME =
  'In Python, loading runs what this names: do that only where you trust whoever wrote the file. Save the fitted regressor alone; docs/models.md says which load, and how to go on with the others.';
const DAMAGED = 'Fetch the file again from where it was made: no pickler writes this.';
const ALONE = 'Save the model alone in a file of its own, and find out what else was written to this one.';
const FEWER = 'Train it again with fewer estimators, and save it alone.';
const COPY = 'Copy the bytes into a buffer of your own first, and verify the copy.';
const HOSTILE = 'Do not load this file in Python. Find out who wrote it, and train the model again.';

/** Code to remedy. The keys are the closed set of pickle refusals. HOSTILE is said of what no pickler writes only. */
const REMEDIES = {
  'pickle.shared-memory': COPY,
  'pickle.too-large': SAVE,
  'pickle.truncated': DAMAGED,
  'pickle.trailing-bytes': ALONE,
  'pickle.leftover': DAMAGED,
  'pickle.unknown-opcode': DAMAGED,
  'pickle.opcode-refused': SAVE,
  'pickle.opcode-newer': DAMAGED,
  'pickle.proto-position': DAMAGED,
  'pickle.proto-unknown': SAVE,
  'pickle.frame-nested': HOSTILE,
  'pickle.frame-straddled': HOSTILE,
  'pickle.stack-underflow': DAMAGED,
  'pickle.stack-limit': HOSTILE,
  'pickle.object-limit': FEWER,
  'pickle.no-mark': DAMAGED,
  'pickle.memo-missing': DAMAGED,
  'pickle.memo-order': DAMAGED,
  'pickle.budget': FEWER,
  'pickle.bad-text': DAMAGED,
  'pickle.bad-number': SAVE,
  'pickle.wrong-type': DAMAGED,
  'pickle.global-refused': NAME,
  'pickle.call-refused': NAME,
  'pickle.arguments': HOSTILE,
  'pickle.build-refused': HOSTILE,
  'pickle.second-build': HOSTILE,
  'pickle.wrapper': HOSTILE,
  'pickle.changed-after-use': SAVE,
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
