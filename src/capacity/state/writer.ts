// Which scikit-learn wrote an estimator. It is judged before anything else: what another version keeps in its state is
// no fault of the file.
import { ModelRefusal } from '../model-refusal.ts';
import { Dict, type Made, type Value } from '../pickle/values.ts';

export interface Writer {
  /** As the file says it, such as `1.4.1.post1`. */
  readonly version: string;
  /** 0 to 9: the `4` of 1.4. */
  readonly minor: number;
}

/** The range, for people. */
const WRITERS = '1.0 to 1.9';
const SUPPORTED = /^1\.([0-9])\.[0-9]{1,2}(?:\.post[0-9]{1,2})?$/;
const PLAIN = /^[0-9][0-9A-Za-z.+]{0,31}$/;
export const VERSION_KEY = '_sklearn_version';

/** Returns what an object says of its writer, if it says anything. */
function versionOf({ state }: Made): Value | undefined {
  if (!(state instanceof Dict)) return undefined;
  const { entries } = state;
  for (let i = 0; i < entries.length; i += 2) if (entries[i] === VERSION_KEY) return entries[i + 1];
  return undefined;
}

/** Throws `model.version` for any version but those of {@link WRITERS}. */
export function parseWriter(version: Value | undefined, offset: number): Writer {
  const minor = typeof version === 'string' ? SUPPORTED.exec(version)?.[1] : undefined;
  if (typeof version === 'string' && minor !== undefined) return { version, minor: Number(minor) };
  const by =
    typeof version === 'string' && PLAIN.test(version)
      ? `written by scikit-learn ${version}`
      : 'written by no scikit-learn that says its version';
  throw new ModelRefusal('model.version', `${by}; those of ${WRITERS} are read`, offset);
}

/** Refuses an object that says it is by another scikit-learn. Throws `model.version`. */
export function requireWriter(owner: Made): void {
  const version = versionOf(owner);
  if (version !== undefined) parseWriter(version, owner.offset);
}
