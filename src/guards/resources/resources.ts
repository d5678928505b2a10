// Guards the start of payloads against taking all that a host has: limits count when a child that was started by the very launcher of
// the payloads tried to exceed each of them and was stopped, and the kernel says by what.
import * as z from 'zod';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';
import { type Attempt, attempt, LIMITS, type Limit, type Mechanism } from './limit-attempts.ts';

export interface ResourcesRequest {
  /**
   * The words before a payload's program, the first an absolute path: `prlimit --nofile=64 --`, `systemd-run --scope ...`, or
   * `sh -c 'ulimit -n 64 && exec "$@"' sh`. The guard starts it, with an empty environment.
   */
  readonly launcher: readonly string[];
  /** At least one. No payload may take more than this; the launcher may allow less. */
  readonly limits: {
    /** Bytes of memory, 1 MiB to 2 GB: so much is taken for a moment where the limit is not in force. */
    readonly memoryBytes?: number | undefined;
    /** Processes and threads, to 4,096. A limit of a user counts all that this user has. */
    readonly processes?: number | undefined;
    /** Open file descriptors, 8 to 65,536. */
    readonly openFiles?: number | undefined;
    /** Bytes of one file. Needs `scratch`. */
    readonly fileBytes?: number | undefined;
    /** Seconds of CPU time of one process, 1 to 10: so long it takes to try. */
    readonly cpuSeconds?: number | undefined;
  };
  /** Absolute path of a directory that payloads can write. */
  readonly scratch?: string | undefined;
  /** `tree`: memory and processes must be bounded for all descendants together. Default `process`. */
  readonly bounds?: 'process' | 'tree' | undefined;
}

export interface ResourcesFacts {
  readonly launcher: readonly string[];
  readonly attempts: readonly Attempt[];
  readonly bounds: 'process' | 'tree';
}

const word = z.string().regex(/^[^\0]{1,4096}$/);
const resourcesRequest: z.ZodType<ResourcesRequest> = z
  .strictObject({
    launcher: z
      .array(word)
      .min(1)
      .max(64)
      .refine(([program]) => program?.startsWith('/') === true),
    limits: z
      .strictObject({
        memoryBytes: z.int().min(1_048_576).max(2_000_000_000).optional(),
        processes: z.int().min(1).max(4_096).optional(),
        openFiles: z.int().min(8).max(65_536).optional(),
        fileBytes: z
          .int()
          .min(1)
          .max(2 ** 40)
          .optional(),
        cpuSeconds: z.int().min(1).max(10).optional(),
      })
      .refine((limits) => Object.values(limits).some((value) => value !== undefined)),
    scratch: absolutePath.optional(),
    bounds: z.enum(['process', 'tree']).optional(),
  })
  .refine(({ limits, scratch }) => limits.fileBytes === undefined || scratch !== undefined);

/** Tries each limit, one after the other: together they would stand in each other's way. */
export async function observeResources(
  { launcher, limits, scratch, bounds = 'process' }: ResourcesRequest,
  signal: AbortSignal,
): Promise<ResourcesFacts> {
  const attempts: Attempt[] = [];
  for (const limit of LIMITS) {
    const value = limits[limit];
    if (value !== undefined) attempts.push(await attempt(launcher, { limit, value, scratch }, signal));
  }
  return { launcher, attempts, bounds };
}

const SET =
  'Set the limit, hard and not only soft, in the launcher: ulimit, prlimit, or systemd-run --scope -p (with MemorySwapMax=0 beside MemoryMax). Run payloads as a user who may not lift it: root raises hard limits (setpriv --bounding-set -sys_resource) and leaves control groups.';

const exceeded = (code: string, limit: Limit, took: string, remedy = SET): Rule<ResourcesFacts> => ({
  code: `resources.${code}`,
  remedy,
  refuses: ({ attempts }) =>
    attempts.some((tried) => tried.limit === limit && tried.exceeded) &&
    `a child took more ${took} than the limit`,
});

const rules: readonly Rule<ResourcesFacts>[] = [
  {
    code: 'resources.not-started',
    remedy: 'Name a launcher that starts /bin/sh, and a directory (scratch) that payloads can write.',
    refuses: ({ attempts }) => {
      const dead = attempts.find(({ started }) => !started);
      return dead !== undefined && `the child that was to try ${dead.limit} could not even take a little`;
    },
  },
  exceeded('memory', 'memoryBytes', 'memory'),
  exceeded(
    'processes',
    'processes',
    'processes',
    'Bound processes by a control group (pids.max), or run payloads as a user: root is exempt from the limit of a user.',
  ),
  exceeded('open-files', 'openFiles', 'open files'),
  exceeded('file-size', 'fileBytes', 'bytes in a file'),
  exceeded('cpu-time', 'cpuSeconds', 'CPU time'),
  {
    code: 'resources.unexplained',
    remedy: SET,
    refuses: ({ attempts }) => {
      const odd = attempts.find(({ started, exceeded: took, mechanism }) => started && !took && !mechanism);
      return (
        odd !== undefined &&
        `a child was stopped before ${odd.limit}, but by no limit that the kernel names and that the child may not lift`
      );
    },
  },
  {
    code: 'resources.tree-unbounded',
    remedy:
      'Start payloads in a control group with memory.max and pids.max that they may not write: systemd-run --scope --uid=USER -p MemoryMax= -p TasksMax=.',
    refuses: ({ attempts, bounds }) => {
      const byGroup = attempts.flatMap(({ limit, mechanism }) => (mechanism === 'cgroup' ? [limit] : []));
      return (
        bounds === 'tree' &&
        !(byGroup.includes('memoryBytes') && byGroup.includes('processes')) &&
        'memory or processes are bounded for each process or user, not for all descendants together'
      );
    },
  },
];

/** One limit that was tried and held. */
export interface LimitInForce {
  readonly limit: Limit;
  readonly value: number;
  readonly mechanism: Mechanism;
  /** What it bounds: all descendants together, all that a user runs, or each process or file alone. */
  readonly scope: 'tree' | 'user' | 'process' | 'file';
}

/** A launcher whose limits hold: start payloads with these words before them. */
export interface BoundedLauncher {
  readonly launcher: readonly string[];
  readonly limits: readonly LimitInForce[];
}

function inForce({ limit, value, mechanism }: Attempt): LimitInForce {
  if (!mechanism) throw new TypeError('a limit that no rule refused has a mechanism');
  const each = limit === 'fileBytes' ? 'file' : limit === 'processes' ? 'user' : 'process';
  return { limit, value, mechanism, scope: mechanism === 'cgroup' ? 'tree' : each };
}

/** Grants a {@link BoundedLauncher} when every limit stopped a child that tried to exceed it. */
export const resources: Guard<ResourcesRequest, BoundedLauncher> = defineHouseGuard({
  id: 'resources',
  dimension: 'architecture_runtime_guardrails',
  request: resourcesRequest,
  observe: observeResources,
  rules,
  grant: ({ launcher, attempts }) => deepFreeze({ launcher: [...launcher], limits: attempts.map(inForce) }),
  subject: ({ attempts }) => ({
    kind: 'launcher',
    name: attempts.map(({ limit, mechanism }) => `${limit}: ${mechanism ?? 'none'}`).join(', '),
  }),
});
