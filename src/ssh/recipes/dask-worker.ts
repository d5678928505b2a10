// Starts a Dask worker from its own project, as a manager does on each host:
// uv --project DIR run --no-sync dask worker SCHEDULER --no-nanny [--worker-port RANGE] --pid-file FILE
import { z } from 'zod';
import { Endpoint, parsePortRange } from '../fragments/endpoint.ts';
import { parsePrefix } from '../fragments/prefix.ts';
import { type Argument, argumentVector, parseArgv, someText } from '../fragments/program.ts';
import { PidPath, RemotePath } from '../fragments/remote-path.ts';
import { literal } from '../fragments/word.ts';
import { type CommonRequest, common, type Recipe } from './recipe.ts';

export interface DaskWorkerRequest extends CommonRequest {
  readonly recipe: 'dask-worker';
  /** How uv is called, such as `['uv']`. */
  readonly tool: readonly Argument[];
  /** Directory of the worker's project, absolute or `~/rest`. */
  readonly worker: string;
  /** Where the scheduler listens, `tcp://10.0.0.1:8786`. */
  readonly scheduler: string;
  /** File for the process id, inside `worker`. */
  readonly pidFile: string;
  /** `9000:9100`, or one port. */
  readonly workerPort?: string | undefined;
}

export const daskWorkerRecipe: Recipe<DaskWorkerRequest> = {
  id: 'dask-worker',
  request: z.strictObject({
    recipe: z.literal('dask-worker'),
    tool: argumentVector,
    worker: someText,
    scheduler: someText,
    pidFile: someText,
    workerPort: someText.optional(),
    ...common,
  }),
  invocation: ({ tool, worker, scheduler, pidFile, workerPort, prefix }) => {
    const project = RemotePath.parseAnchored(worker, 'the worker directory');
    const ports =
      workerPort === undefined ? [] : ['--worker-port', parsePortRange(workerPort, 'the worker port')];
    return {
      prefix: parsePrefix(prefix),
      argv: [
        ...parseArgv(tool, 'tool'),
        literal('--project'),
        project.word,
        ...['run', '--no-sync', 'dask', 'worker'].map(literal),
        Endpoint.parse(scheduler, 'the scheduler').word,
        ...['--no-nanny', ...ports, '--pid-file'].map(literal),
        PidPath.parse(pidFile, project).word,
      ],
    };
  },
};

/** Returns the request that starts a Dask worker. */
export function daskWorker(input: Omit<DaskWorkerRequest, 'recipe'>): DaskWorkerRequest {
  return { recipe: 'dask-worker', ...input };
}
