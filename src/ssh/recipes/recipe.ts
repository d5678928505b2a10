// What a recipe is: the fields of its request, and the one command that such a request means.
import * as z from 'zod';
import type { ListenAddress } from '../fragments/endpoint.ts';
import { type Prefix, parsePrefix, prefix } from '../fragments/prefix.ts';
import { someText } from '../fragments/program.ts';
import { type Invocation, type Part, words } from '../invocation.ts';

/** What the request of every recipe holds besides its own fields. */
export interface RecipeRequest<Id extends string> {
  readonly recipe: Id;
  readonly prefix?: Prefix | undefined;
  /**
   * A line that existing code builds for the same purpose. It is never sent: it is only read, and the guard refuses
   * when it means anything else than the recipe does.
   */
  readonly existing?: string | undefined;
}

type AnyRequest = RecipeRequest<string>;

/** What a caller says of a request. The recipe adds its name. */
export type Input<Request> = Request extends unknown ? Omit<Request, 'recipe'> : never;

/** Called with the fields of a request, returns the request: plain JSON for the remote-command guard. */
export interface Recipe<Request extends AnyRequest> {
  (...input: object extends Input<Request> ? [input?: Input<Request>] : [input: Input<Request>]): Request;
  readonly id: Request['recipe'];
  /** Strict: an unknown key is refused. */
  readonly request: z.ZodType<Request>;
  /** @throws FragmentFault when a value does not fit its slot. */
  readonly invocation: (request: Request) => Invocation;
  /** The options that give an address to each socket on which the program listens. */
  readonly sockets?: readonly string[];
  /** What those options say: an entry for each socket. */
  readonly listens?: (request: Request) => readonly ListenAddress[];
}

type Fields<Request> = {
  readonly [Key in Exclude<keyof Request, keyof AnyRequest>]-?: z.ZodType<Request[Key]>;
};

interface Definition<Request extends AnyRequest>
  extends Pick<Recipe<Request>, 'id' | 'invocation' | 'sockets' | 'listens'> {
  /** One schema for each field; where one field decides about others, a list of them with its name in `by`. */
  readonly fields: Fields<Request> | { readonly by: string; readonly of: readonly z.ZodRawShape[] };
}

/** Makes a recipe. Everything there is to say of one stands here, once; `all.ts` lists it. */
export function defineRecipe<Request extends AnyRequest>(definition: Definition<Request>): Recipe<Request> {
  const { id, fields, invocation, sockets = [], listens = () => [] } = definition;
  const strict = (own: z.ZodRawShape): z.ZodObject =>
    z.strictObject({
      recipe: z.literal(id),
      ...own,
      prefix: prefix.optional(),
      existing: someText.optional(),
    });
  const request = isChoice(fields)
    ? z.discriminatedUnion(fields.by, fields.of.map(strict) as [z.ZodObject])
    : strict(fields as z.ZodRawShape);
  // The name comes last: fields that were read from JSON may hold the name of another recipe.
  const make = (input?: object): AnyRequest => ({ ...input, recipe: id });
  return Object.freeze(
    Object.assign(make, { id, request, invocation, sockets, listens }),
  ) as unknown as Recipe<Request>;
}

function isChoice(fields: object): fields is { readonly by: string; readonly of: readonly z.ZodRawShape[] } {
  return 'by' in fields && typeof fields.by === 'string';
}

/** Returns the command of these words behind a prefix. */
export function command(prefix: Prefix | undefined, ...parts: readonly Part[]): Invocation {
  return { prefix: parsePrefix(prefix), argv: words(...parts) };
}

export const port: z.ZodType<number> = z.int().min(1).max(65_535);
/** 32 lowercase hex digits. */
export const token: z.ZodType<string> = z.string().regex(/^[0-9a-f]{32}$/);
