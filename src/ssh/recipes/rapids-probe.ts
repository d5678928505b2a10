// Asks the worker's own tool whether the host's GPU can run RAPIDS: uv run --no-sync -p VERSION python CLI rapids-probe
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface RapidsProbeRequest extends RecipeRequest<'rapids-probe'> {
  readonly tool: Tool;
  readonly python: string;
  readonly cli: string;
}

/** Returns the request that asks whether the host's GPU can run RAPIDS. */
export const rapidsProbe: Recipe<RapidsProbeRequest> = defineRecipe({
  id: 'rapids-probe',
  fields: {
    tool,
    python: someText,
    cli: someText,
  },
  invocation: ({ tool, python, cli, prefix }) =>
    command(
      prefix,
      [parseTool(tool), 'run', '--no-sync', '-p', parsePythonVersion(python), 'python'],
      [RemotePath.parseAnchored(cli, 'the worker tool').word, 'rapids-probe'],
    ),
});
