// Any program with any arguments, for what no recipe covers. Each word arrives as one word, whatever it holds.
import * as z from 'zod';
import { type Argument, argumentVector, parseArgv } from '../fragments/program.ts';
import { type CommonRequest, command, common, type Recipe } from './recipe.ts';

export interface ArgvRequest extends CommonRequest {
  readonly recipe: 'argv';
  readonly argv: readonly Argument[];
}

export const argvRecipe: Recipe<ArgvRequest> = {
  id: 'argv',
  request: z.strictObject({ recipe: z.literal('argv'), argv: argumentVector, ...common }),
  invocation: ({ argv, prefix }) => command(prefix, parseArgv(argv, 'argv')),
};

/** Returns the request for one program with its arguments. */
export function argv(
  words: readonly Argument[],
  options: Omit<ArgvRequest, 'recipe' | 'argv'> = {},
): ArgvRequest {
  return { recipe: 'argv', argv: words, ...options };
}
