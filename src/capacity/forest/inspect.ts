// A look at a file that never throws: what it is, who wrote it, which names it mentions, and everything it would be
// refused for.
import type { Buffer } from 'node:buffer';
import { CodedError } from '../../evidence/coded-error.ts';
import { openContainer } from '../container/open.ts';
import { inspectStream, type ListedRefusal, type PickleInspection } from '../pickle/inspect.ts';
import { explain, spelledVersion } from './explain.ts';
import {
  budgetOf,
  type DecodeOptions,
  formatOf,
  isRefusal,
  type ModelDescription,
  modelFrom,
  placed,
} from './model.ts';

/** What a file is written with and why it would be refused, in the order of the file. */
export interface ModelInspection extends Omit<PickleInspection, 'value' | 'protocol' | 'joblib' | 'stopped'> {
  /** How the file is written, such as `pickle protocol 5` or `joblib, zlib`; absent where it is nothing of the kind. */
  readonly format: string | undefined;
  /** The scikit-learn that the file says wrote it. */
  readonly writer: string | undefined;
  /** Present exactly when nothing is refused. */
  readonly description: ModelDescription | undefined;
  /** Why the model would not load, in one sentence; absent when it would. */
  readonly reason: ListedRefusal | undefined;
}

const NOTHING = { opcodes: [], globals: [] } as const;

/** Returns what the bytes are. Throws for no bytes at all. */
export function inspectPickle(file: Uint8Array, options: DecodeOptions = {}): ModelInspection {
  let stream: Buffer;
  let compression: string | undefined;
  try {
    ({ stream, compression } = openContainer(file));
  } catch (error) {
    const reason = listed(error);
    return freeze({
      ...NOTHING,
      bytes: file.length,
      format: undefined,
      writer: undefined,
      refusals: [reason],
      reason,
      description: undefined,
    });
  }
  const { value, protocol, joblib, refusals, stopped, ...seen } = inspectStream(
    stream,
    budgetOf(file, stream),
  );
  const format = formatOf(joblib, protocol, compression);
  const found = { ...seen, bytes: file.length, format, writer: spelledVersion(stream) };
  if (value === undefined) {
    const reason = stopped && listed(placed(explain(stream, stopped, seen.globals), compression));
    return freeze({ ...found, refusals, reason, description: undefined });
  }
  try {
    const { description } = modelFrom(value, format, options.at);
    return freeze({ ...found, refusals, reason: undefined, writer: description.sklearnVersion, description });
  } catch (error) {
    // What a container holds is read here and not in the pass, and may cost too much as well.
    if (!isRefusal(error)) throw error;
    const reason = listed(placed(error, compression));
    return freeze({ ...found, refusals: [reason], reason, description: undefined });
  }
}

function listed(error: unknown): ListedRefusal {
  if (!(error instanceof CodedError)) throw error;
  const offset = 'offset' in error && typeof error.offset === 'number' ? error.offset : 0;
  return Object.freeze({ code: error.code, offset, reason: error.message, remedy: error.remedy });
}

function freeze(inspection: ModelInspection): ModelInspection {
  Object.freeze(inspection.refusals);
  return Object.freeze(inspection);
}
