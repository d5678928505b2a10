// Prints three lines about a host: system, machine and, on macOS, the product version. A line that the host cannot
// fill stays empty.
import * as z from 'zod';
import { constantScript } from '../invocation.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface PlatformFactsRequest extends CommonRequest {
  readonly recipe: 'platform-facts';
}

const FACTS = `printf '%s\\n' "$(uname -s 2>/dev/null)" "$(uname -m 2>/dev/null)" "$(sw_vers -productVersion 2>/dev/null)"`;

export const platformFactsRecipe: Recipe<PlatformFactsRequest> = {
  id: 'platform-facts',
  request: z.strictObject({ recipe: z.literal('platform-facts'), ...common }),
  invocation: ({ prefix }) => command(prefix, constantScript(FACTS)),
};

/** Returns the request for system, machine and product version of a host. */
export function platformFacts(input: Input<PlatformFactsRequest> = {}): PlatformFactsRequest {
  return { recipe: 'platform-facts', ...input };
}
