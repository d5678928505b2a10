// Starts a Dask scheduler from its own project:
// uv --project DIR run --no-sync dask scheduler --port PORT --host HOST --dashboard-address :0 --pid-file FILE
import { parseHost } from '../fragments/endpoint.ts';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { PidPath, RemotePath } from '../fragments/remote-path.ts';
import {
  command,
  defineRecipe,
  type LogLevel,
  logLevel,
  port,
  type Recipe,
  type RecipeRequest,
  withLogLevel,
} from './recipe.ts';

export interface DaskSchedulerRequest extends RecipeRequest<'dask-scheduler'> {
  readonly tool: Tool;
  /** Directory of the project, absolute or `~/rest`. */
  readonly project: string;
  /** The one address to listen on. */
  readonly host: string;
  readonly port: number;
  /** File for the process id, inside `project`. */
  readonly pidFile: string;
  readonly logLevel?: LogLevel | undefined;
}

/** Returns the request that starts a Dask scheduler. */
export const daskScheduler: Recipe<DaskSchedulerRequest> = defineRecipe({
  id: 'dask-scheduler',
  fields: {
    tool,
    project: someText,
    host: someText,
    port,
    pidFile: someText,
    logLevel: logLevel.optional(),
  },
  invocation: ({ tool, project, host, port, pidFile, logLevel, prefix }) => {
    const directory = RemotePath.parseAnchored(project, 'the project directory');
    return command(
      withLogLevel(prefix, logLevel),
      [parseTool(tool), '--project', directory.word, 'run', '--no-sync', 'dask', 'scheduler'],
      ['--port', String(port), '--host', parseHost(host), '--dashboard-address', ':0'],
      ['--pid-file', PidPath.parse(pidFile, directory).word],
    );
  },
});
