// Has the worker's own tool unpack what was copied: uv run -p VERSION python CLI unzip DIR, first without and, once the
// project exists, within it (uv --project DIR run --no-sync ...).
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface UnpackWorkerRequest extends CommonRequest {
  readonly recipe: 'unpack-worker';
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  readonly cli: string;
  /** Run within the worker's project, which must exist. */
  readonly inProject?: boolean | undefined;
}

export const unpackWorkerRecipe: Recipe<UnpackWorkerRequest> = {
  id: 'unpack-worker',
  request: z.strictObject({
    recipe: z.literal('unpack-worker'),
    tool,
    worker: someText,
    python: someText,
    cli: someText,
    inProject: z.boolean().optional(),
    ...common,
  }),
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
};

/** Returns the request that has the worker's own tool unpack what was copied. */
export function unpackWorker(input: Input<UnpackWorkerRequest>): UnpackWorkerRequest {
  return { recipe: 'unpack-worker', ...input };
}
