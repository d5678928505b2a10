// Guards the promotion of a service: what it reports about itself is complete and healthy, or what its Dask scheduler shows
// is exactly the set of workers that was started, each heard of a moment ago. A crashed service has no workers and no faults.
import * as z from 'zod';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { type DaskLook, fetchIdentity } from './dask-look.ts';
import { type HealthReport, readHealthReport, type WorkerSeen } from './health-report.ts';

/** What is acceptable. AGILAB's defaults: none unhealthy, a quarter restarted, idle only when said. */
export interface HealthLimits {
  readonly maxUnhealthy?: number | undefined;
  /** Restarts for each running worker. */
  readonly maxRestartRate?: number | undefined;
  readonly allowIdle?: boolean | undefined;
}

export type ServiceHealthRequest =
  /** AGILAB's health payload, as it was read. */
  | { readonly report: unknown; readonly limits?: HealthLimits | undefined }
  /** A Dask scheduler's HTTP address on this host or network, and the workers that were started. */
  | {
      readonly dask: {
        /** `http://127.0.0.1:8787` */
        readonly url: string;
        /** Addresses as the workers report them: `tcp://10.0.0.2:9000`. */
        readonly workers: readonly string[];
        /** Longest silence of a worker, in seconds, to the second. Dask's heartbeat comes twice a second to once a minute. */
        readonly maxSilentSeconds: number;
      };
    };

export interface ServiceHealthFacts {
  readonly report: HealthReport | 'none' | 'not asked';
  readonly limits: {
    readonly maxUnhealthy: number;
    readonly maxRestartRate: number;
    readonly allowIdle: boolean;
  };
  readonly dask: DaskLook | 'not asked';
  readonly started: readonly string[];
  readonly maxSilentSeconds: number;
}

/** A service that was healthy at the moment of the look. */
export interface HealthyService {
  readonly running: number;
  readonly status: string;
}

const limits = z.strictObject({
  maxUnhealthy: z.int().min(0).max(1_000_000).optional(),
  maxRestartRate: z.number().min(0).max(1_000).optional(),
  allowIdle: z.boolean().optional(),
});
const address = z.string().regex(/^(?:tcp|tls|wss?|ucxx?):\/\/[\w.:[\]-]{1,200}$/);
const serviceHealthRequest: z.ZodType<ServiceHealthRequest> = z.union([
  z.strictObject({ report: z.unknown(), limits: limits.optional() }),
  z.strictObject({
    dask: z.strictObject({
      url: z.string().regex(/^http:\/\/(?:\[[0-9a-f:]+\]|[\w.-]+):\d{1,5}$/),
      workers: z.array(address).min(1).max(10_000),
      maxSilentSeconds: z.number().min(0.1).max(3_600),
    }),
  }),
]);

const NOT_ASKED = 'not asked';
const NO_LIMITS = { maxUnhealthy: 0, maxRestartRate: 0.25, allowIdle: false };

async function observe(request: ServiceHealthRequest, signal: AbortSignal): Promise<ServiceHealthFacts> {
  if ('report' in request) {
    const given = Object.fromEntries(
      Object.entries(request.limits ?? {}).filter(([, value]) => value !== undefined),
    );
    const report = readHealthReport(request.report) ?? 'none';
    return { report, limits: { ...NO_LIMITS, ...given }, dask: NOT_ASKED, started: [], maxSilentSeconds: 0 };
  }
  const { url, workers, maxSilentSeconds } = request.dask;
  const dask = await fetchIdentity(url, signal);
  return { report: NOT_ASKED, limits: NO_LIMITS, dask, started: workers, maxSilentSeconds };
}

type Report = { readonly [Key in keyof ServiceHealthFacts]: ServiceHealthFacts[Key] } & {
  readonly report: HealthReport;
};
/** A rule about a report that could be read. */
function reported(
  code: string,
  remedy: string,
  wrong: (facts: Report) => string | false,
): Rule<ServiceHealthFacts> {
  return { code, remedy, refuses: (facts) => typeof facts.report === 'object' && wrong(facts as Report) };
}
/** A rule about the workers that a scheduler showed. */
function shown(
  code: string,
  remedy: string,
  wrong: (workers: readonly WorkerSeen[], facts: ServiceHealthFacts) => string | false,
): Rule<ServiceHealthFacts> {
  return {
    code,
    remedy,
    refuses: (facts) =>
      typeof facts.dask === 'object' && facts.dask.workers !== undefined && wrong(facts.dask.workers, facts),
  };
}

const LOOK = 'See the log of the service, and restart what has failed.';
export const HEALTHY: ReadonlySet<string> = new Set(['running', 'idle']);

// In AGILAB's order, which its exit codes tell apart: unhealthy, status, idle, restarts.
const rules: readonly Rule<ServiceHealthFacts>[] = [
  {
    code: 'service-health.no-report',
    remedy:
      'Ask the service again; a report states its status and three counts of workers, each a whole number.',
    refuses: ({ report, dask }) =>
      (report === 'none' && 'the service did not report its health in the expected form') ||
      (typeof dask === 'object' &&
        dask.workers === undefined &&
        `the scheduler did not show its workers: ${dask.why}`),
  },
  reported(
    'service-health.unhealthy',
    LOOK,
    ({ report: { unhealthy }, limits: { maxUnhealthy } }) =>
      unhealthy > maxUnhealthy &&
      `the number of unhealthy workers exceeds the limit (${unhealthy} > ${maxUnhealthy})`,
  ),
  reported(
    'service-health.status',
    LOOK,
    ({ report: { status } }) => !HEALTHY.has(status) && 'the service does not report that it runs',
  ),
  reported(
    'service-health.idle',
    'Give it work, or say that an idle service will do: "allowIdle": true.',
    ({ report: { status }, limits: { allowIdle } }) =>
      status === 'idle' && !allowIdle && 'the service is idle',
  ),
  reported(
    'service-health.none-running',
    'Start the workers; a service without any has no fault to report.',
    ({ report: { running } }) => running === 0 && 'no worker runs',
  ),
  reported(
    'service-health.restarts',
    LOOK,
    ({ report: { running, restarted }, limits: { maxRestartRate } }) =>
      restarted > maxRestartRate * running && 'too many workers were restarted for those that run',
  ),
  shown(
    'service-health.worker-missing',
    'See why the worker left, and start it again.',
    (workers, { started }) => {
      const there = new Set(workers.map(({ address: at }) => at));
      const gone = started.filter((at) => !there.has(at)).length;
      return gone > 0 && `${gone} of ${started.length} workers that were started are not there`;
    },
  ),
  shown(
    'service-health.worker-unknown',
    'Find out who started it: a worker of somebody else runs code on this cluster.',
    (workers, { started }) => {
      const known = new Set(started);
      const strange = workers.filter(({ address: at }) => !known.has(at)).length;
      return strange > 0 && `${strange} workers are there that nobody started`;
    },
  ),
  shown(
    'service-health.worker-status',
    LOOK,
    (workers) =>
      workers.some(({ status }) => status !== 'running') && 'a worker does not report that it runs',
  ),
  shown(
    // A stopped worker keeps its status and is counted; only its last word ages. One from the future has a clock of its own.
    'service-health.worker-silent',
    'See whether the worker still answers; stop and start it otherwise.',
    (workers, { maxSilentSeconds }) =>
      workers.some(
        // The clock is read to the second, so a word of just now may seem to come a second too early.
        ({ silentSeconds }) =>
          !(silentSeconds <= maxSilentSeconds && silentSeconds >= -Math.max(1, maxSilentSeconds)),
      ) && 'a worker has not been heard of for too long',
  ),
];

function grant({ report, dask }: ServiceHealthFacts): HealthyService {
  if (typeof report === 'object') return Object.freeze({ running: report.running, status: report.status });
  if (typeof dask !== 'object' || !dask.workers) throw new TypeError('a grant needs a report');
  return Object.freeze({ running: dask.workers.length, status: 'running' });
}

/** Grants a {@link HealthyService}. */
export const serviceHealth: Guard<ServiceHealthRequest, HealthyService> = defineHouseGuard({
  id: 'service-health',
  dimension: 'architecture_runtime_guardrails',
  request: serviceHealthRequest,
  observe,
  rules,
  grant,
});

/** AGILAB's exit codes of its health check, for callers that tell faults apart by them. Anything else is 1. */
export const HEALTH_EXIT_CODES: Readonly<Record<string, number>> = {
  'service-health.unhealthy': 2,
  'service-health.status': 3,
  'service-health.none-running': 3,
  'service-health.idle': 4,
  'service-health.restarts': 5,
};
