// Has the worker's own tool report on threads: uv --project DIR run --no-sync -p VERSION python CLI threaded
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface RunThreadedRequest extends RecipeRequest<'run-threaded'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  readonly cli: string;
}

/** Returns the request that has the worker's own tool report on threads. */
export const runThreaded: Recipe<RunThreadedRequest> = defineRecipe({
  id: 'run-threaded',
  fields: {
    tool,
    worker: someText,
    python: someText,
    cli: someText,
  },
  invocation: ({ tool, worker, python, cli, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '--no-sync', '-p', parsePythonVersion(python), 'python'],
      [RemotePath.parseAnchored(cli, 'the worker tool').word, 'threaded'],
    ),
});
