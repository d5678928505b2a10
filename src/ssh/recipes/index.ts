// How a request finds its recipe.
import * as z from 'zod';
import type { ListenAddress } from '../fragments/endpoint.ts';
import type { Invocation } from '../invocation.ts';
import * as all from './all.ts';
import type { Recipe } from './recipe.ts';

type RequestOf<Value> = Value extends Recipe<infer Request> ? Request : never;

/** What the remote-command guard is asked: plain JSON, told apart by `recipe`. */
export type RemoteCommandRequest = RequestOf<(typeof all)[keyof typeof all]>;

type Recipes = { readonly [Request in RemoteCommandRequest as Request['recipe']]: Recipe<Request> };

const listed = Object.values(all).filter((value) => 'id' in value);

/** Each recipe by its name. */
export const RECIPES: Recipes = Object.freeze(
  Object.fromEntries(listed.map((recipe) => [recipe.id, recipe])),
) as unknown as Recipes;

// Told apart by its recipe, a request gets the errors of its own schema; one union for all would try each in turn. For
// a recipe that there is not, the issue lists those that there are (`options`).
export const remoteCommandRequest: z.ZodType<RemoteCommandRequest> = z.discriminatedUnion(
  'recipe',
  listed.map(({ request }) => request) as unknown as [z.core.$ZodTypeDiscriminable],
) as unknown as z.ZodType<RemoteCommandRequest>;

function recipeOf({ recipe }: RemoteCommandRequest): Recipe<RemoteCommandRequest> {
  return RECIPES[recipe] as unknown as Recipe<RemoteCommandRequest>;
}

/** @throws FragmentFault when a value does not fit its slot. */
export function invocationOf(request: RemoteCommandRequest): Invocation {
  return recipeOf(request).invocation(request);
}

/** Returns where the program of the request is to listen; empty for a recipe that does not say. */
export function listensOf(request: RemoteCommandRequest): readonly ListenAddress[] {
  return recipeOf(request).listens?.(request) ?? [];
}

/** Returns the options that give an address to each socket on which the program of the request listens. */
export function socketsOf(request: RemoteCommandRequest): readonly string[] {
  return recipeOf(request).sockets ?? [];
}
