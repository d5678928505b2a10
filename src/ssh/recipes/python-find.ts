// Finds an interpreter: uv python find VERSION
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface PythonFindRequest extends RecipeRequest<'python-find'> {
  readonly tool: Tool;
  /** `3.12`, `cpython@3.12`, `>=3.11,<3.14`. */
  readonly python: string;
}

/** Returns the request that finds an interpreter. */
export const pythonFind: Recipe<PythonFindRequest> = defineRecipe({
  id: 'python-find',
  fields: { tool, python: someText },
  invocation: ({ tool, python, prefix }) =>
    command(prefix, parseTool(tool), 'python', 'find', parsePythonVersion(python)),
});
