// A decoder that refuses has found something out: the refusal becomes a fact, for a rule to judge.
import { CodedError } from '../evidence/coded-error.ts';

/** Returns what `work` returns, or the coded error that it throws. Any other error stays an error: it is no finding. */
export function attempt<T>(work: () => T): T | CodedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}
