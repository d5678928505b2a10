// Installs an interpreter: uv python install VERSION
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface PythonInstallRequest extends CommonRequest {
  readonly recipe: 'python-install';
  readonly tool: Tool;
  /** `3.12`, `cpython@3.12`, `>=3.11,<3.14`. */
  readonly python: string;
}

export const pythonInstallRecipe: Recipe<PythonInstallRequest> = {
  id: 'python-install',
  request: z.strictObject({ recipe: z.literal('python-install'), tool, python: someText, ...common }),
  invocation: ({ tool, python, prefix }) =>
    command(prefix, parseTool(tool), 'python', 'install', parsePythonVersion(python)),
};

/** Returns the request that installs an interpreter. */
export function pythonInstall(input: Input<PythonInstallRequest>): PythonInstallRequest {
  return { recipe: 'python-install', ...input };
}
