// Every reason why a file is not opened as a container of a pickle.
import { CodedError } from '../../evidence/coded-error.ts';

const AGAIN = 'Dump the model again with joblib.dump(model, path, compress=0) or compress=3.';
const FETCH = 'Fetch the file again from where it was made.';
const ALONE = 'Compress the model once, alone in its file: joblib.dump(model, path, compress=3).';
const OTHER =
  'Save the fitted regressor with scikit-learn and joblib or pickle; docs/models.md says which load, and how to go on with the others.';

/** Code to remedy. The keys are the closed set of container refusals. */
const REMEDIES = {
  'container.format': OTHER,
  'container.pointer': 'Fetch the file itself: git lfs pull.',
  'container.compression': AGAIN,
  'container.truncated': FETCH,
  'container.damaged': FETCH,
  'container.trailing-bytes': ALONE,
  'container.nested': ALONE,
  'container.too-large': ALONE,
} as const;

export type ContainerCode = keyof typeof REMEDIES;

/** A file that is not opened. `offset` is a place in the file. */
export class ContainerRefusal extends CodedError {
  declare readonly code: ContainerCode;
  readonly offset: number;

  constructor(code: ContainerCode, offset: number, why: string) {
    super(code, `${why} (byte ${offset})`, REMEDIES[code]);
    this.offset = offset;
  }
}
