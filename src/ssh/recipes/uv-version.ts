// Asks for the version of uv: uv --version
import * as z from 'zod';
import { parseTool, type Tool, tool } from '../fragments/program.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface UvVersionRequest extends CommonRequest {
  readonly recipe: 'uv-version';
  readonly tool: Tool;
}

export const uvVersionRecipe: Recipe<UvVersionRequest> = {
  id: 'uv-version',
  request: z.strictObject({ recipe: z.literal('uv-version'), tool, ...common }),
  invocation: ({ tool, prefix }) => command(prefix, parseTool(tool), '--version'),
};

/** Returns the request that asks for the version of uv. */
export function uvVersion(input: Input<UvVersionRequest>): UvVersionRequest {
  return { recipe: 'uv-version', ...input };
}
