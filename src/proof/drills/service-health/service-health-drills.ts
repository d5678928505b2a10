// Services that are not well and say so, do not say so, or say nothing; and schedulers whose workers are not what was
// started, each answered by a real HTTP server.
import { createServer } from 'node:http';
import type { ServiceHealthRequest } from '../../../guards/service-health/service-health.ts';
import { listenOnLoopback } from '../../loopback-port.ts';
import type { Drill } from '../../proof.ts';

type Limits = Extract<ServiceHealthRequest, { report: unknown }>['limits'];

const HEALTHY = {
  status: 'running',
  workers_running_count: 4,
  workers_unhealthy_count: 0,
  workers_restarted_count: 1,
};

function drill(
  id: string,
  fault: string,
  expects: string,
  report: unknown,
  limits?: Limits,
): Drill<ServiceHealthRequest> {
  return { id, fault, expects, build: async () => ({ report, ...(limits ? { limits } : {}) }) };
}

interface Worker {
  readonly status?: string;
  readonly silent?: number;
}
const WORKERS = ['tcp://127.0.0.1:9000', 'tcp://127.0.0.1:9001'] as const;

/** A scheduler that shows some workers, by address, to whom two were started. */
function dask(
  id: string,
  fault: string,
  expects: string,
  workers: Readonly<Record<string, Worker>>,
  {
    text,
    status = 200,
    maxSilentSeconds = 5,
    headers = {},
  }: {
    readonly text?: string;
    readonly status?: number;
    readonly maxSilentSeconds?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Drill<ServiceHealthRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const server = createServer((_request, response) => {
        const now = Date.now() / 1_000;
        const shown = Object.entries(workers).map(([address, { status: said = 'running', silent = 0.2 }]) => [
          address,
          { type: 'Worker', status: said, last_seen: now - silent, nthreads: 2, metrics: { cpu: 1.5 } },
        ]);
        const identity = { type: 'Scheduler', id: 'Scheduler-1', workers: Object.fromEntries(shown) };
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(text ?? JSON.stringify(identity));
      });
      site.random('PORT', /(?<="url":"http:\/\/127\.0\.0\.1:)\d+/g);
      const port = await listenOnLoopback(server, site);
      return { dask: { url: `http://127.0.0.1:${port}`, workers: [...WORKERS], maxSilentSeconds } };
    },
  };
}

const NO_REPORT = 'service-health.no-report';
const [FIRST, SECOND] = WORKERS;
const BOTH = { [FIRST]: {}, [SECOND]: {} };

export const serviceHealthDrills: readonly Drill<ServiceHealthRequest>[] = [
  drill('healthy', 'none: four workers run', 'allow', HEALTHY),
  drill(
    'idle-allowed',
    'none: idle, and that will do',
    'allow',
    { ...HEALTHY, status: 'idle' },
    { allowIdle: true },
  ),
  drill(
    'some-unhealthy',
    'none: one unhealthy worker, and one will do',
    'allow',
    { ...HEALTHY, workers_unhealthy_count: 1 },
    { maxUnhealthy: 1 },
  ),

  drill('empty', 'an empty report', NO_REPORT, {}),
  drill('nothing', 'no report', NO_REPORT, null),
  drill('counts-in-words', 'a count that is no number', NO_REPORT, {
    ...HEALTHY,
    workers_running_count: 'many',
  }),
  drill('count-negative', 'fewer than none unhealthy', NO_REPORT, {
    ...HEALTHY,
    workers_unhealthy_count: -5,
  }),
  drill('count-fraction', 'a part of a worker', NO_REPORT, { ...HEALTHY, workers_running_count: 0.9 }),
  drill('count-nan', 'a count that is no number at all', NO_REPORT, {
    ...HEALTHY,
    workers_restarted_count: Number.NaN,
  }),
  drill('count-missing', 'a count that nobody states', NO_REPORT, {
    ...HEALTHY,
    workers_unhealthy_count: undefined,
  }),
  drill('unhealthy', 'two unhealthy workers', 'service-health.unhealthy', {
    ...HEALTHY,
    workers_unhealthy_count: 2,
  }),
  drill('degraded', 'a degraded service', 'service-health.status', { ...HEALTHY, status: 'degraded' }),
  drill('stopped', 'a stopped service', 'service-health.status', { ...HEALTHY, status: 'stopped' }),
  drill('unknown', 'a service that does not know', 'service-health.status', {
    ...HEALTHY,
    status: 'unknown',
  }),
  drill('status-blank', 'a status with a blank after it', 'service-health.status', {
    ...HEALTHY,
    status: 'running ',
  }),
  drill('idle', 'an idle service', 'service-health.idle', { ...HEALTHY, status: 'idle' }),
  drill('none-running', 'a crashed service: no workers, no faults', 'service-health.none-running', {
    ...HEALTHY,
    workers_running_count: 0,
    workers_restarted_count: 0,
  }),
  drill('restart-storm', 'more restarts than workers', 'service-health.restarts', {
    ...HEALTHY,
    workers_restarted_count: 50,
  }),

  dask('dask', 'none: both workers that were started', 'allow', BOTH),
  dask(
    'dask-empty',
    'a scheduler without workers, which calls itself ok',
    'service-health.worker-missing',
    {},
  ),
  dask('dask-killed', 'a worker that was killed', 'service-health.worker-missing', { [FIRST]: {} }),
  dask('dask-strange', 'a worker that nobody started', 'service-health.worker-unknown', {
    ...BOTH,
    'tcp://192.0.2.1:9000': {},
  }),
  dask('dask-paused', 'a worker that is paused', 'service-health.worker-status', {
    ...BOTH,
    [SECOND]: { status: 'paused' },
  }),
  dask(
    'dask-cached',
    'the answer of a scheduler an hour ago, from a cache, with the date of then',
    NO_REPORT,
    { [FIRST]: { silent: 3_600 }, [SECOND]: { silent: 3_600 } },
    { headers: { age: '3600', date: new Date(Date.now() - 3_600_000).toUTCString() } },
  ),
  dask(
    'dask-just-now',
    'none: heard of within the second in which the clock is read',
    'allow',
    { [FIRST]: { silent: 0 }, [SECOND]: { silent: 0 } },
    { maxSilentSeconds: 0.1 },
  ),
  dask('dask-stopped', 'a stopped worker, which keeps its status', 'service-health.worker-silent', {
    ...BOTH,
    [SECOND]: { silent: 7 },
  }),
  dask('dask-future', 'a worker last heard of tomorrow', 'service-health.worker-silent', {
    ...BOTH,
    [SECOND]: { silent: -86_400 },
  }),
  dask(
    'dask-elsewhere',
    'a server of another kind',
    NO_REPORT,
    {},
    { text: '{"type": "Worker", "workers": {}}' },
  ),
  dask(
    'dask-nan',
    'a last word at no time',
    NO_REPORT,
    {},
    { text: `{"type": "Scheduler", "workers": {"${FIRST}": {"status": "running", "last_seen": NaN}}}` },
  ),
  dask('dask-failing', 'a server that fails', NO_REPORT, BOTH, { status: 500 }),
];
