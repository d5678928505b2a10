// Asks the worker's own tool whether the host's GPU can run RAPIDS: uv run --no-sync -p VERSION python CLI rapids-probe
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface RapidsProbeRequest extends CommonRequest {
  readonly recipe: 'rapids-probe';
  readonly tool: Tool;
  readonly python: string;
  readonly cli: string;
}

export const rapidsProbeRecipe: Recipe<RapidsProbeRequest> = {
  id: 'rapids-probe',
  request: z.strictObject({
    recipe: z.literal('rapids-probe'),
    tool,
    python: someText,
    cli: someText,
    ...common,
  }),
  invocation: ({ tool, python, cli, prefix }) =>
    command(
      prefix,
      [parseTool(tool), 'run', '--no-sync', '-p', parsePythonVersion(python), 'python'],
      [RemotePath.parseAnchored(cli, 'the worker tool').word, 'rapids-probe'],
    ),
};

/** Returns the request that asks whether the host's GPU can run RAPIDS. */
export function rapidsProbe(input: Input<RapidsProbeRequest>): RapidsProbeRequest {
  return { recipe: 'rapids-probe', ...input };
}
