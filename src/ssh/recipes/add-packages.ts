// Adds packages to a worker's project: uv --project DIR add -p VERSION [--upgrade] SPEC...
import * as z from 'zod';
import { type Argument, argumentVector, parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion, parseRequirement } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface AddPackagesRequest extends RecipeRequest<'add-packages'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  /** Requirements (`dask[distributed]>=2024.1`), or wheels on the host (`{ path }`). */
  readonly packages: readonly Argument[];
  readonly upgrade?: boolean | undefined;
}

/** Returns the request that adds packages to a worker's project. */
export const addPackages: Recipe<AddPackagesRequest> = defineRecipe({
  id: 'add-packages',
  fields: {
    tool,
    worker: someText,
    python: someText,
    packages: argumentVector,
    upgrade: z.boolean().optional(),
  },
  invocation: ({ tool, worker, python, packages, upgrade = false, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['add', '-p', parsePythonVersion(python), upgrade ? '--upgrade' : []],
      packages.map((item) => parseRequirement(item)),
    ),
});
