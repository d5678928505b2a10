// Has the worker's own tool unpack what was copied: uv run -p VERSION python CLI unzip DIR, first without and, once the
// project exists, within it (uv --project DIR run --no-sync ...).
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface UnpackWorkerRequest extends RecipeRequest<'unpack-worker'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  readonly cli: string;
  /** Run within the worker's project, which must exist. */
  readonly inProject?: boolean | undefined;
}

/** Returns the request that has the worker's own tool unpack what was copied. */
export const unpackWorker: Recipe<UnpackWorkerRequest> = defineRecipe({
  id: 'unpack-worker',
  fields: {
    tool,
    worker: someText,
    python: someText,
    cli: someText,
    inProject: z.boolean().optional(),
  },
  invocation: ({ tool, worker, python, cli, inProject = false, prefix }) => {
    const directory = RemotePath.parseAnchored(worker, 'the worker directory').word;
    return command(
      prefix,
      parseTool(tool),
      inProject ? words('--project', directory, 'run', '--no-sync') : 'run',
      ['-p', parsePythonVersion(python), 'python'],
      [RemotePath.parseAnchored(cli, 'the worker tool').word, 'unzip', directory],
    );
  },
});
