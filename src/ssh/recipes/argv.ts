// Any program with any arguments, for what no recipe covers. Each word arrives as one word, whatever it holds.
import { type Argument, argumentVector, parseArgv } from '../fragments/program.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface ArgvRequest extends RecipeRequest<'argv'> {
  readonly argv: readonly Argument[];
}

export const argvRecipe: Recipe<ArgvRequest> = defineRecipe({
  id: 'argv',
  fields: { argv: argumentVector },
  invocation: ({ argv, prefix }) => command(prefix, parseArgv(argv, 'argv')),
});

/** Returns the request for one program with its arguments. */
export function argv(
  words: readonly Argument[],
  options: Omit<ArgvRequest, 'recipe' | 'argv'> = {},
): ArgvRequest {
  return argvRecipe({ ...options, argv: words });
}
