// Gives a worker's project pip: uv --project DIR run -p VERSION python -m ensurepip
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface EnsurePipRequest extends RecipeRequest<'ensure-pip'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
}

/** Returns the request that gives a worker's project pip. */
export const ensurePip: Recipe<EnsurePipRequest> = defineRecipe({
  id: 'ensure-pip',
  fields: {
    tool,
    worker: someText,
    python: someText,
  },
  invocation: ({ tool, worker, python, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '-p', parsePythonVersion(python), 'python', '-m', 'ensurepip'],
    ),
});
