// data/planes.json: the rooms of a code tree, what each may import and which modules it may use. The linter's rules and the
// README are written from the same file.
import * as z from 'zod';

export interface Room {
  /** A folder at the top of the code, or the one file of that name there. */
  readonly room: string;
  readonly holds: string;
  /** The rooms below it. */
  readonly imports: readonly string[];
  /** Packages, and modules of Node that start programs, talk to a network or run text as code. */
  readonly uses: readonly string[];
  /** The folders inside do not import one another. */
  readonly apart?: boolean | undefined;
  /**
   * A package that the build merged into the code: it stands alone, so no room of ours can pass for one. How a package loads
   * what it runs is not asked, here as elsewhere; that it is the package which was released, `release-proof` is asked.
   */
  readonly merged?: boolean | undefined;
}

export interface PlanesTable {
  readonly schema: 'agilab.planes.v1';
  readonly rooms: readonly Room[];
}

const name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
const moduleName = z.string().regex(/^[a-z@][\w@./-]{0,199}$/);

export const planesTable: z.ZodType<PlanesTable> = z.strictObject({
  schema: z.literal('agilab.planes.v1'),
  rooms: z
    .array(
      z
        .strictObject({
          room: name,
          holds: z.string().max(1_000),
          imports: z.array(name).max(64),
          uses: z.array(moduleName).max(256),
          apart: z.boolean().optional(),
          merged: z.boolean().optional(),
        })
        .refine(({ merged, imports, uses }) => !merged || imports.length + uses.length === 0),
    )
    .min(1)
    .max(64),
});

/** Modules of Node that a room may use without leave: they reach files and memory, no other program, host or code. */
export const PLAIN_MODULES: ReadonlySet<string> = new Set(
  `assert async_hooks buffer console constants crypto diagnostics_channel events fs fs/promises os path path/posix
   perf_hooks process punycode querystring readline stream stream/consumers stream/promises string_decoder
   timers timers/promises tty url util util/types zlib`.split(/\s+/),
);
