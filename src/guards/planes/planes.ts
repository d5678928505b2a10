// Guards the separation of planes: the directories of control, payload and evidence, what a payload process can write, and
// the imports of the code, whose rooms may only reach down.
import { lstat } from 'node:fs/promises';
import * as z from 'zod';
import { observeDirectory } from '../../files/directory.ts';
import type { OwnerPolicy } from '../../files/walk.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { observeCode } from './code.ts';
import { attemptWrites } from './payload-process.ts';
import { layoutRules, type Plane, type PlanesFacts, planesRules, type RootFacts } from './planes-rules.ts';

export interface PlanesRequest {
  readonly roots: {
    /** Code and settings: absolute real paths. */
    readonly control: readonly string[];
    /** Where payloads work. */
    readonly payload: readonly string[];
    /** Journals, and the keys that sign them. */
    readonly evidence: readonly string[];
  };
  /** Absolute paths of the signing keys: no payload may read them. */
  readonly keys: readonly string[];
  /**
   * The words before a payload's program, the first an absolute path, the last a Node: `setpriv --reuid=... node`, or what
   * confinedNode returns. The guard starts it, with an empty environment, to see what a payload can write.
   */
  readonly launcher: readonly string[];
  /** Whose directories control and evidence may be: root's and this process's own, the default, or root's alone. */
  readonly owners?: OwnerPolicy | undefined;
  readonly code: {
    /** Absolute path of the built modules. */
    readonly directory: string;
    /** Absolute path of the table of rooms, `agilab.planes.v1`. */
    readonly table: string;
  };
}

const paths = z.array(absolutePath).min(1).max(16);
const word = z.string().regex(/^[^\0]{1,4096}$/);

const planesRequest: z.ZodType<PlanesRequest> = z.strictObject({
  roots: z.strictObject({ control: paths, payload: paths, evidence: paths }),
  keys: paths,
  launcher: z
    .array(word)
    .min(1)
    .max(64)
    .refine(([program]) => program?.startsWith('/') === true),
  owners: z.enum(['self-or-root', 'root']).optional(),
  code: z.strictObject({ directory: absolutePath, table: absolutePath }),
});

const isPlainFile = (file: string): Promise<boolean> =>
  lstat(file).then(
    (stat) => stat.isFile(),
    () => false,
  );

const PLANES: readonly Plane[] = ['control', 'payload', 'evidence'];

/** Looks at the roots and the code, and where nothing is refused yet, at what a payload can write. */
export async function observePlanes(
  { roots, keys, launcher, owners = 'self-or-root', code }: PlanesRequest,
  signal: AbortSignal,
): Promise<PlanesFacts> {
  const look = async (plane: Plane, root: string): Promise<RootFacts> => ({
    plane,
    directory: await observeDirectory(root, owners),
  });
  const found = await Promise.all(PLANES.flatMap((plane) => roots[plane].map((root) => look(plane, root))));
  const looked: PlanesFacts = {
    roots: found,
    keysThere: (await Promise.all(keys.map(isPlainFile))).every(Boolean),
    code: await observeCode(code, signal),
    attempt: undefined,
  };
  if (layoutRules.some((rule) => rule.refuses(looked) !== false)) return looked;
  const guarded = [...roots.control, ...roots.evidence];
  return { ...looked, attempt: await attemptWrites(launcher, { own: roots.payload, guarded, keys }, signal) };
}

/** Planes that were apart when they were looked at. */
export interface SeparatePlanes {
  /** How many modules were read. */
  readonly modules: number;
  /** The rooms of the table, lowest names as in the file. */
  readonly rooms: readonly string[];
}

/** Grants {@link SeparatePlanes} when neither directories nor processes nor imports cross planes. */
export const planes: Guard<PlanesRequest, SeparatePlanes> = defineHouseGuard({
  id: 'planes',
  dimension: 'architecture_plane_boundaries',
  request: planesRequest,
  observe: observePlanes,
  rules: planesRules,
  grant: ({ code: { modules, table } }) =>
    deepFreeze({ modules: modules.length, rooms: table?.rooms.map(({ room }) => room) ?? [] }),
  method: ({ roots }) => roots[0]?.directory.method ?? 'none',
});
