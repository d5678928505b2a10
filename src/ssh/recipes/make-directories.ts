// Makes a directory and its parents through Python, on hosts where no shell tool can be counted on:
// uv run [--no-sync] python -c CODE DIR. The path is an argument of the code, not part of it.
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface MakeDirectoriesRequest extends RecipeRequest<'make-directories'> {
  readonly tool: Tool;
  readonly directory: string;
  /** `--no-sync`. */
  readonly noSync?: boolean | undefined;
}

const CODE = 'import os, sys; os.makedirs(sys.argv[1], exist_ok=True)';

/** Returns the request that makes a directory and its parents through Python. */
export const makeDirectories: Recipe<MakeDirectoriesRequest> = defineRecipe({
  id: 'make-directories',
  fields: {
    tool,
    directory: someText,
    noSync: z.boolean().optional(),
  },
  invocation: ({ tool, directory, noSync = false, prefix }) =>
    command(
      prefix,
      [parseTool(tool), 'run', noSync ? '--no-sync' : [], 'python', '-c', CODE],
      RemotePath.parseAnchored(directory, 'the directory').word,
    ),
});
