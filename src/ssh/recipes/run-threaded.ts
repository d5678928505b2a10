// Has the worker's own tool report on threads: uv --project DIR run --no-sync -p VERSION python CLI threaded
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface RunThreadedRequest extends CommonRequest {
  readonly recipe: 'run-threaded';
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  readonly cli: string;
}

export const runThreadedRecipe: Recipe<RunThreadedRequest> = {
  id: 'run-threaded',
  request: z.strictObject({
    recipe: z.literal('run-threaded'),
    tool,
    worker: someText,
    python: someText,
    cli: someText,
    ...common,
  }),
  invocation: ({ tool, worker, python, cli, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '--no-sync', '-p', parsePythonVersion(python), 'python'],
      [RemotePath.parseAnchored(cli, 'the worker tool').word, 'threaded'],
    ),
};

/** Returns the request that has the worker's own tool report on threads. */
export function runThreaded(input: Input<RunThreadedRequest>): RunThreadedRequest {
  return { recipe: 'run-threaded', ...input };
}
