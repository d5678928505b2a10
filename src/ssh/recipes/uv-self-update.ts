// Updates uv in place: uv self update
import * as z from 'zod';
import { parseTool, type Tool, tool } from '../fragments/program.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface UvSelfUpdateRequest extends CommonRequest {
  readonly recipe: 'uv-self-update';
  readonly tool: Tool;
}

export const uvSelfUpdateRecipe: Recipe<UvSelfUpdateRequest> = {
  id: 'uv-self-update',
  request: z.strictObject({ recipe: z.literal('uv-self-update'), tool, ...common }),
  invocation: ({ tool, prefix }) => command(prefix, parseTool(tool), 'self', 'update'),
};

/** Returns the request that updates uv in place. */
export function uvSelfUpdate(input: Input<UvSelfUpdateRequest>): UvSelfUpdateRequest {
  return { recipe: 'uv-self-update', ...input };
}
