// Starts a Dask scheduler from its own project:
// uv --project DIR run --no-sync dask scheduler --port PORT --host HOST --dashboard-address HOST:0
// --protocol tcp|tls [--tls-ca-file FILE --tls-cert FILE --tls-key FILE] --pid-file FILE
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
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface DaskSchedulerRequest extends RecipeRequest<'dask-scheduler'> {
  readonly tool: Tool;
  /** Directory of the project, absolute or `~/rest`. */
  readonly project: string;
  /** The one address of its host on which the scheduler listens: a literal one, and not every interface. */
  readonly host: string;
  readonly port: number;
  /** File for the process id, inside `project`. */
  readonly pidFile: string;
  /** The address of the HTTP server, which knows neither passwords nor TLS; default 127.0.0.1. */
  readonly dashboardHost?: string | undefined;
  /** Without it whoever reaches the scheduler runs code on its workers. */
  readonly tls?: DaskTls | undefined;
  readonly logLevel?: LogLevel | undefined;
}

/** Returns the request that starts a Dask scheduler. */
export const daskScheduler: Recipe<DaskSchedulerRequest> = defineRecipe({
  id: 'dask-scheduler',
  // Where the configuration of its host says `distributed.comm.default-scheme: ws`, Dask listens on every interface
  // whatever --host says. A worker has its protocol from the scheduler that it is told.
  sockets: [...SOCKETS, '--protocol'],
  listens: (request) => listenAddresses(request, [request.port, request.port]),
  fields: {
    tool,
    project: someText,
    host: someText,
    port,
    pidFile: someText,
    dashboardHost: someText.optional(),
    tls: tls.optional(),
    logLevel: logLevel.optional(),
  },
  invocation: ({ tool, project, host, port, pidFile, dashboardHost, tls, logLevel, prefix }) => {
    const directory = RemotePath.parseAnchored(project, 'the project directory');
    return command(
      withLogLevel(prefix, logLevel),
      [parseTool(tool), '--project', directory.word, 'run', '--no-sync', 'dask', 'scheduler'],
      ['--port', String(port), listenOptions({ host, dashboardHost })],
      tls ? tlsOptions(tls) : words('--protocol', 'tcp'),
      ['--pid-file', PidPath.parse(pidFile, directory).word],
    );
  },
});
