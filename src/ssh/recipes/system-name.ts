// Asks which system a host runs: uname -s
import * as z from 'zod';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface SystemNameRequest extends CommonRequest {
  readonly recipe: 'system-name';
}

export const systemNameRecipe: Recipe<SystemNameRequest> = {
  id: 'system-name',
  request: z.strictObject({ recipe: z.literal('system-name'), ...common }),
  invocation: ({ prefix }) => command(prefix, 'uname', '-s'),
};

/** Returns the request that asks which system a host runs. */
export function systemName(input: Input<SystemNameRequest> = {}): SystemNameRequest {
  return { recipe: 'system-name', ...input };
}
