// Installs an interpreter: uv python install VERSION
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface PythonInstallRequest extends RecipeRequest<'python-install'> {
  readonly tool: Tool;
  /** `3.12`, `cpython@3.12`, `>=3.11,<3.14`. */
  readonly python: string;
}

/** Returns the request that installs an interpreter. */
export const pythonInstall: Recipe<PythonInstallRequest> = defineRecipe({
  id: 'python-install',
  fields: { tool, python: someText },
  invocation: ({ tool, python, prefix }) =>
    command(prefix, parseTool(tool), 'python', 'install', parsePythonVersion(python)),
});
