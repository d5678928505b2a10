// Starts a Dask worker from its own project, as a manager does on each host:
// uv --project DIR run --no-sync dask worker SCHEDULER --no-nanny --host HOST --dashboard-address HOST:0
// [--worker-port RANGE] [--protocol tls --tls-ca-file FILE --tls-cert FILE --tls-key FILE] --pid-file FILE
import { ANY_PORT, Endpoint, parsePortRange } from '../fragments/endpoint.ts';
import { FragmentFault } from '../fragments/fault.ts';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { PidPath, RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import {
  type DaskTls,
  type LogLevel,
  listenAddresses,
  listenOptions,
  logLevel,
  SOCKETS,
  tls,
  tlsOptions,
  withLogLevel,
} from './dask.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface DaskWorkerRequest extends RecipeRequest<'dask-worker'> {
  /** How uv is called, such as `['uv']`. */
  readonly tool: Tool;
  /** Directory of the worker's project, absolute or `~/rest`. */
  readonly worker: string;
  /** Where the scheduler listens, `tls://10.0.0.1:8786`. */
  readonly scheduler: string;
  /** The one address of its host on which the worker listens: a literal one, and not every interface. */
  readonly host: string;
  /** File for the process id, inside `worker`. */
  readonly pidFile: string;
  /** `9000:9100`, or one port; default: one that the system picks. */
  readonly workerPort?: string | undefined;
  /** The address of the HTTP server, which knows neither passwords nor TLS; default 127.0.0.1. */
  readonly dashboardHost?: string | undefined;
  /** Only with a `tls://` scheduler. Without it whoever reaches the worker runs code there. */
  readonly tls?: DaskTls | undefined;
  readonly logLevel?: LogLevel | undefined;
}

/** Returns the request that starts a Dask worker. */
export const daskWorker: Recipe<DaskWorkerRequest> = defineRecipe({
  id: 'dask-worker',
  sockets: SOCKETS,
  listens: (request) => {
    const [first, last = first] = request.workerPort?.split(':').map(Number) ?? [];
    return listenAddresses(request, first === undefined || last === undefined ? ANY_PORT : [first, last]);
  },
  fields: {
    tool,
    worker: someText,
    scheduler: someText,
    host: someText,
    pidFile: someText,
    workerPort: someText.optional(),
    dashboardHost: someText.optional(),
    tls: tls.optional(),
    logLevel: logLevel.optional(),
  },
  invocation: ({
    tool,
    worker,
    scheduler,
    host,
    pidFile,
    workerPort,
    dashboardHost,
    tls,
    logLevel,
    prefix,
  }) => {
    const project = RemotePath.parseAnchored(worker, 'the worker directory');
    const endpoint = Endpoint.parse(scheduler, 'the scheduler');
    if (tls && endpoint.scheme !== 'tls') throw new FragmentFault('tls-endpoint', 'the scheduler');
    return command(
      withLogLevel(prefix, logLevel),
      [parseTool(tool), '--project', project.word, 'run', '--no-sync', 'dask', 'worker'],
      [endpoint.word, '--no-nanny', listenOptions({ host, dashboardHost })],
      workerPort === undefined ? [] : words('--worker-port', parsePortRange(workerPort, 'the worker port')),
      [tls ? tlsOptions(tls) : [], '--pid-file', PidPath.parse(pidFile, project).word],
    );
  },
});
