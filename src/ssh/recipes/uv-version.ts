// Asks for the version of uv: uv --version
import { parseTool, type Tool, tool } from '../fragments/program.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface UvVersionRequest extends RecipeRequest<'uv-version'> {
  readonly tool: Tool;
}

/** Returns the request that asks for the version of uv. */
export const uvVersion: Recipe<UvVersionRequest> = defineRecipe({
  id: 'uv-version',
  fields: { tool },
  invocation: ({ tool, prefix }) => command(prefix, parseTool(tool), '--version'),
});
