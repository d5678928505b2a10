// What a recipe is: the shape of its request, and the one command that such a request means.
import * as z from 'zod';
import { type Prefix, parsePrefix, prefix } from '../fragments/prefix.ts';
import { someText } from '../fragments/program.ts';
import { type Invocation, type Part, words } from '../invocation.ts';

/** What every request may carry besides its own fields. */
export interface CommonRequest {
  readonly prefix?: Prefix | undefined;
  /**
   * A line that existing code builds for the same purpose. It is never sent: it is only read back, and the guard
   * refuses when it means anything else than the recipe does.
   */
  readonly existing?: string | undefined;
}

/** The fields of {@link CommonRequest}, for a recipe's own schema. */
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

/** What a caller says of a request; the function that takes it adds the name of the recipe. */
export type Input<Request> = Omit<Request, 'recipe'>;

/** Returns the command of these words behind a prefix. */
export function command(prefix: Prefix | undefined, ...parts: readonly Part[]): Invocation {
  return { prefix: parsePrefix(prefix), argv: words(...parts) };
}

export const port: z.ZodType<number> = z.int().min(1).max(65_535);
/** 32 lowercase hex digits. */
export const token: z.ZodType<string> = z.string().regex(/^[0-9a-f]{32}$/);
export const logLevel: z.ZodType<LogLevel> = z.enum(['debug', 'info', 'warning', 'error', 'critical']);
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';

/** Returns the prefix with the variable by which Dask takes its log level. */
export function withLogLevel(prefix: Prefix | undefined, level: LogLevel | undefined): Prefix | undefined {
  if (level === undefined) return prefix;
  return { ...prefix, env: { DASK_DISTRIBUTED__LOGGING__distributed: level, ...prefix?.env } };
}
