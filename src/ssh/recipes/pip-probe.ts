// Asks whether a worker's project has pip: uv --project DIR run -p VERSION python -c 'import pip'
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface PipProbeRequest extends RecipeRequest<'pip-probe'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
}

/** Returns the request that asks whether a worker's project has pip. */
export const pipProbe: Recipe<PipProbeRequest> = defineRecipe({
  id: 'pip-probe',
  fields: {
    tool,
    worker: someText,
    python: someText,
  },
  invocation: ({ tool, worker, python, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '-p', parsePythonVersion(python), 'python', '-c', 'import pip'],
    ),
});
