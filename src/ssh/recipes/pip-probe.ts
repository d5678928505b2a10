// Asks whether a worker's project has pip: uv --project DIR run -p VERSION python -c 'import pip'
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface PipProbeRequest extends CommonRequest {
  readonly recipe: 'pip-probe';
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
}

export const pipProbeRecipe: Recipe<PipProbeRequest> = {
  id: 'pip-probe',
  request: z.strictObject({
    recipe: z.literal('pip-probe'),
    tool,
    worker: someText,
    python: someText,
    ...common,
  }),
  invocation: ({ tool, worker, python, prefix }) =>
    command(
      prefix,
      [parseTool(tool), '--project', RemotePath.parseAnchored(worker, 'the worker directory').word],
      ['run', '-p', parsePythonVersion(python), 'python', '-c', 'import pip'],
    ),
};

/** Returns the request that asks whether a worker's project has pip. */
export function pipProbe(input: Input<PipProbeRequest>): PipProbeRequest {
  return { recipe: 'pip-probe', ...input };
}
