// Gives a worker's project pip: uv --project DIR run -p VERSION python -m ensurepip
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface EnsurePipRequest extends CommonRequest {
  readonly recipe: 'ensure-pip';
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
}

export const ensurePipRecipe: Recipe<EnsurePipRequest> = {
  id: 'ensure-pip',
  request: z.strictObject({
    recipe: z.literal('ensure-pip'),
    tool,
    worker: someText,
    python: someText,
    ...common,
  }),
  invocation: ({ tool, worker, python, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '-p', parsePythonVersion(python), 'python', '-m', 'ensurepip'],
    ),
};

/** Returns the request that gives a worker's project pip. */
export function ensurePip(input: Input<EnsurePipRequest>): EnsurePipRequest {
  return { recipe: 'ensure-pip', ...input };
}
