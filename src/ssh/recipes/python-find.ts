// Finds an interpreter: uv python find VERSION
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface PythonFindRequest extends CommonRequest {
  readonly recipe: 'python-find';
  readonly tool: Tool;
  /** `3.12`, `cpython@3.12`, `>=3.11,<3.14`. */
  readonly python: string;
}

export const pythonFindRecipe: Recipe<PythonFindRequest> = {
  id: 'python-find',
  request: z.strictObject({ recipe: z.literal('python-find'), tool, python: someText, ...common }),
  invocation: ({ tool, python, prefix }) =>
    command(prefix, parseTool(tool), 'python', 'find', parsePythonVersion(python)),
};

/** Returns the request that finds an interpreter. */
export function pythonFind(input: Input<PythonFindRequest>): PythonFindRequest {
  return { recipe: 'python-find', ...input };
}
