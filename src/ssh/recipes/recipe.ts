// What a recipe is: the shape of its request, and the one command that such a request means.
import type { z } from 'zod';
import { type Prefix, prefix } from '../fragments/prefix.ts';
import { someText } from '../fragments/program.ts';
import type { Invocation } from '../invocation.ts';

/** What every request may carry besides its own fields. */
export interface CommonRequest {
  readonly prefix?: Prefix | undefined;
  /**
   * A line that existing code builds for the same purpose. It is never sent: it is only read back, and the guard
   * refuses when it means anything else than the recipe does.
   */
  readonly existing?: string | undefined;
}

export const common: {
  readonly prefix: z.ZodOptional<z.ZodType<Prefix>>;
  readonly existing: z.ZodOptional<z.ZodType<string>>;
} = { prefix: prefix.optional(), existing: someText.optional() };

export interface Recipe<Request extends CommonRequest & { readonly recipe: string }> {
  readonly id: Request['recipe'];
  /** Strict: an unknown key is refused. */
  readonly request: z.ZodType<Request>;
  /** @throws FragmentFault when a value does not fit its slot. */
  invocation(request: Request): Invocation;
}
