// What a service says about itself: AGILAB's health payload, and what a Dask scheduler shows of its workers. Whatever is
// not said in the expected form is not known, and what is not known is not healthy.
import * as z from 'zod';
import { parseStrictJson } from '../../evidence/strict-json.ts';

/** AGILAB's payload, as far as it is judged. It may hold more. */
export interface HealthReport {
  readonly status: string;
  readonly running: number;
  readonly unhealthy: number;
  readonly restarted: number;
}

/** A worker as its scheduler shows it. */
export interface WorkerSeen {
  readonly address: string;
  readonly status: string;
  /** Seconds since it was last heard of, by the clock of the scheduler's host. */
  readonly silentSeconds: number;
}

const count = z.int().min(0);
const payload = z.looseObject({
  status: z.string().max(64),
  workers_running_count: count,
  workers_unhealthy_count: count,
  workers_restarted_count: count,
});
const seconds = z.number();
const identity = z.looseObject({
  type: z.literal('Scheduler'),
  workers: z.record(z.string().max(256), z.looseObject({ status: z.string().max(64), last_seen: seconds })),
});

/** More than any cluster's report. */
export const MAX_REPORT_BYTES = 8 * 1_048_576;
const LIMITS = {
  maxBytes: MAX_REPORT_BYTES,
  maxDepth: 32,
  fractionAt: (path: readonly (string | number)[]) => !String(path.at(-1)).startsWith('workers_'),
};

/** Returns the report in some JSON; `undefined` where it is none. */
export function readHealthReport(json: unknown): HealthReport | undefined {
  const { success, data } = payload.safeParse(json);
  if (!success) return undefined;
  return {
    status: data.status,
    running: data.workers_running_count,
    unhealthy: data.workers_unhealthy_count,
    restarted: data.workers_restarted_count,
  };
}

/** Returns JSON as strict as that of a manifest, where counts of workers are integers; `undefined` for anything else. */
export function parseReport(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, LIMITS);
  } catch {
    return undefined;
  }
}

/** Returns the workers in a scheduler's `/json/identity.json`, judged at `now` (seconds since 1970); `undefined` where it is none. */
export function readDaskIdentity(json: unknown, now: number): readonly WorkerSeen[] | undefined {
  const { success, data } = identity.safeParse(json);
  if (!success) return undefined;
  return Object.entries(data.workers).map(([address, { status, last_seen: seen }]) => ({
    address,
    status,
    silentSeconds: now - seen,
  }));
}
