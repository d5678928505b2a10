// Starts a Dask worker from its own project, as a manager does on each host:
// uv --project DIR run --no-sync dask worker SCHEDULER --no-nanny [--worker-port RANGE] --pid-file FILE
import { Endpoint, parsePortRange } from '../fragments/endpoint.ts';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { PidPath, RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import {
  command,
  defineRecipe,
  type LogLevel,
  logLevel,
  type Recipe,
  type RecipeRequest,
  withLogLevel,
} from './recipe.ts';

export interface DaskWorkerRequest extends RecipeRequest<'dask-worker'> {
  /** How uv is called, such as `['uv']`. */
  readonly tool: Tool;
  /** Directory of the worker's project, absolute or `~/rest`. */
  readonly worker: string;
  /** Where the scheduler listens, `tcp://10.0.0.1:8786`. */
  readonly scheduler: string;
  /** File for the process id, inside `worker`. */
  readonly pidFile: string;
  /** `9000:9100`, or one port. */
  readonly workerPort?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
}

/** Returns the request that starts a Dask worker. */
export const daskWorker: Recipe<DaskWorkerRequest> = defineRecipe({
  id: 'dask-worker',
  fields: {
    tool,
    worker: someText,
    scheduler: someText,
    pidFile: someText,
    workerPort: someText.optional(),
    logLevel: logLevel.optional(),
  },
  invocation: ({ tool, worker, scheduler, pidFile, workerPort, logLevel, prefix }) => {
    const project = RemotePath.parseAnchored(worker, 'the worker directory');
    const port =
      workerPort === undefined ? [] : words('--worker-port', parsePortRange(workerPort, 'the worker port'));
    return command(
      withLogLevel(prefix, logLevel),
      [parseTool(tool), '--project', project.word, 'run', '--no-sync', 'dask', 'worker'],
      Endpoint.parse(scheduler, 'the scheduler').word,
      ['--no-nanny', port, '--pid-file', PidPath.parse(pidFile, project).word],
    );
  },
});
