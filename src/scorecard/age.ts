// How old a record is. Within one boot the kernel's monotonic clock says so, which nobody can set back; across boots there
// is only the wall clock, and a record from its future is disbelieved.
import type { EvidenceRecord } from '../evidence/record.ts';

/** Here and now, against which evidence is held. */
export interface GradingContext {
  /** The host's name: a label. */
  readonly host: string;
  /** What tells machines apart, from the evidence room; `unknown` where the system has no such id. */
  readonly machine: string;
  /** Kernel boot id. */
  readonly boot: string;
  /** Digest of the code that is installed here, from the evidence room. */
  readonly codeDigest: string;
  /** SHA-256 (hex) of what live probes are about, by its name (`package`), as whoever makes the score computed it. */
  readonly subjects?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** CLOCK_MONOTONIC, microseconds. */
  readonly monotonic: number;
}

/** A clock may be this far ahead, in seconds, before its records are disbelieved. */
const CLOCK_SKEW_S = 300;

type Timed = Pick<EvidenceRecord, 'boot' | 'time' | 'monotonic'>;

/** Returns the age of a record in seconds; negative where it comes from the future. */
export function ageOf({ boot, time, monotonic }: Timed, context: GradingContext): number {
  if (boot === context.boot && boot !== 'unknown') return (context.monotonic - monotonic) / 1e6;
  const age = (context.now - Date.parse(time)) / 1e3;
  return age < 0 && age >= -CLOCK_SKEW_S ? 0 : age;
}
