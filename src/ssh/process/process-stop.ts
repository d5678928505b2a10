// The process-stop guard: a stop touches a process only when its record proves, fact by fact, that we started it and
// that the pid has not been given to another one since. What is stopped is the set of processes that were started under
// the record, also when the first of them has ended. Names and command lines prove nothing and are not looked at.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import { type Effect, recordEffect } from '../../kernel/effect.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import type { Argument } from '../fragments/program.ts';
import { localShell, type OwnershipShell } from './ownership.ts';
import { type Ownable, type OwnershipLook, parseLook } from './ownership-record.ts';

export interface ProcessStopRequest {
  /** Path of the record on the host, absolute or `~/rest`. */
  readonly record: string;
  /** The token given at the start, or the target that AGILAB's record must name. */
  readonly owner: { readonly token: string } | { readonly target: string };
  /** Whole seconds between TERM and KILL, 1 to 300. Default 35: a real Dask worker took up to 31 to close. */
  readonly graceSeconds?: number | undefined;
}

const GRACE_SECONDS = 35;
/** A stop waits for an answer that comes after them, and a connection waits ten minutes for a command. */
const MAX_GRACE_SECONDS = 300;

export interface ProcessStopFacts {
  readonly request: ProcessStopRequest;
  readonly look: OwnershipLook;
}

/** Leave to stop one process: its whole identity, checked again on the host before each signal. */
export interface StopPermit {
  readonly args: readonly Argument[];
}

function grant({ request, look }: ProcessStopFacts): StopPermit {
  const { record, process } = look;
  const tick = record?.kind === 'own' ? record.tick : process?.tick;
  if (!record || tick === undefined) throw new TypeError('no permit without a process');
  const identity = [look.boot, look.namespace, record.pid, tick, look.uid];
  const set = record.kind === 'own' ? [record.token, record.cgroup ?? ''] : ['', ''];
  const grace = request.graceSeconds ?? GRACE_SECONDS;
  return deepFreeze({ args: [{ path: request.record }, ...identity.map(String), ...set, String(grace)] });
}

const token = z.string().regex(/^[0-9a-f]{32}$/);
const path = z
  .string()
  .max(4_000)
  .regex(/^~?\/[^\0]*$/);
const request: z.ZodType<ProcessStopRequest> = z.strictObject({
  record: path,
  owner: z.union([z.strictObject({ token }), z.strictObject({ target: z.string().min(1).max(4_000) })]),
  graceSeconds: z.number().optional(),
});

/** AGILAB's record holds seconds in which the tick is a fraction: half a tick is more than their rounding. */
const AGILAB_TOLERANCE_TICKS = 0.5;

/**
 * Whether the process is the one that the record names. AGILAB itself accepts a second of difference, and within a
 * second a pid can come round. Where the clock was set since, the host's boot time has moved and the process is refused.
 */
function sameStart({ record, process, hertz, bootTime }: OwnershipLook): boolean {
  if (!record || !process) return true; // for other rules
  if (record.kind === 'own') return record.tick === process.tick;
  return Math.abs((bootTime - record.startTime) * hertz + process.tick) < AGILAB_TOLERANCE_TICKS;
}

function isForeign({ request: { owner }, look: { record } }: ProcessStopFacts): boolean {
  if (record?.kind === 'own') return !('token' in owner) || owner.token !== record.token;
  if (record?.kind === 'agilab') return !('target' in owner) || owner.target !== record.target;
  return false;
}

const isOpen = ({ mode }: Ownable): boolean => mode[5] === 'w' || mode[8] === 'w';

const rules: readonly Rule<ProcessStopFacts>[] = [
  {
    code: 'process-stop.record-missing',
    remedy: 'Nothing was started under this record, or it was stopped before.',
    refuses: ({ look }) => look.file === 'missing' && 'there is no record',
  },
  {
    code: 'process-stop.record-untrusted',
    remedy: 'Find out who could write the record; stop the process by hand.',
    refuses: ({ look: { file, folder, uid } }) => {
      if (file === 'special') return 'the record is not a plain readable file';
      if (file === 'missing') return false;
      if (isOpen(file) || file.uid !== uid) return 'another user could have written the record';
      // In a sticky directory such as /tmp nobody else can replace the file. The last letter is then t or T.
      const replaceable =
        folder && (isOpen(folder) || ![0, uid].includes(folder.uid)) && !/t$/i.test(folder.mode.slice(0, 10));
      return replaceable === true && 'another user could have put the record in its place';
    },
  },
  {
    code: 'process-stop.record-malformed',
    remedy: 'The record proves nothing; stop the process by hand.',
    refuses: ({ look }) => typeof look.file === 'object' && !look.record && 'the record is not one we know',
  },
  {
    code: 'process-stop.foreign',
    remedy: 'Another action started this process: only that action stops it.',
    refuses: (facts) => isForeign(facts) && 'the record belongs to another action',
  },
  {
    code: 'process-stop.other-boot',
    remedy:
      'The process ended with that boot, or lives on another host that shares the directory: ask there.',
    refuses: ({ look: { record, boot } }) =>
      record?.kind === 'own' && record.boot !== boot && 'the record is of another boot or another host',
  },
  {
    code: 'process-stop.other-namespace',
    remedy: 'Ask in the container where the process was started.',
    refuses: ({ look: { record, namespace } }) =>
      record?.kind === 'own' && record.namespace !== namespace && 'the pid is of another pid namespace',
  },
  {
    code: 'process-stop.gone',
    remedy: 'Nothing to do: all that was started under the record has ended.',
    refuses: ({ look: { record, process, members, unproven } }) =>
      record !== undefined &&
      !process &&
      members + unproven === 0 &&
      'the process and all of its set have ended',
  },
  {
    code: 'process-stop.unproven',
    remedy: 'Look at the processes of that session on the host, and stop by hand what is yours.',
    refuses: ({ look: { record, process, members, unproven } }) =>
      record !== undefined &&
      !process &&
      members === 0 &&
      unproven > 0 &&
      'the process has ended, and what lives in its session is not proven to be of its set',
  },
  {
    code: 'process-stop.reused',
    remedy: 'Nothing is stopped: the process has ended, or the clock of the host was set since it started.',
    refuses: ({ look }) =>
      !sameStart(look) &&
      (look.record?.kind === 'agilab' || look.members === 0) &&
      'the pid now belongs to a process that started at another time',
  },
  {
    code: 'process-stop.other-user',
    remedy: 'Stop it as the user who started it.',
    refuses: ({ look }) =>
      ((look.process !== undefined && sameStart(look) && look.process.uid !== look.uid) ||
        (look.record?.kind === 'own' && look.record.uid !== look.uid)) &&
      'the process belongs to another user',
  },
  {
    code: 'process-stop.grace',
    remedy: `Give the process whole seconds to clean up, 1 to ${MAX_GRACE_SECONDS}.`,
    refuses: ({ request: { graceSeconds = GRACE_SECONDS } }) =>
      !(Number.isInteger(graceSeconds) && graceSeconds >= 1 && graceSeconds <= MAX_GRACE_SECONDS) &&
      `the time between TERM and KILL is not a whole number of seconds from 1 to ${MAX_GRACE_SECONDS}`,
  },
];

/** The look through a shell. */
export const observeOver =
  (shell: OwnershipShell) =>
  async (request: ProcessStopRequest, signal: AbortSignal): Promise<ProcessStopFacts> => {
    const look = parseLook(await shell(['look', { path: request.record }], signal));
    if (!look) throw new Error('the host did not answer as the script does');
    return { request, look };
  };

/** Returns the guard for the processes that `shell` reaches. */
function processStopOver(shell: OwnershipShell): Guard<ProcessStopRequest, StopPermit> {
  return defineHouseGuard({
    id: 'process-stop',
    dimension: 'architecture_remote_execution_hardening',
    request,
    observe: observeOver(shell),
    rules,
    grant,
    subject: ({ look: { record } }) => ({
      kind: 'process',
      ...(record ? { name: `pid ${record.pid}` } : {}),
    }),
  });
}

/** The guard for processes of this machine. */
export const processStop: Guard<ProcessStopRequest, StopPermit> = processStopOver(localShell);

export interface StopResult {
  /** `gone`: all of the set ended by itself between the look and the first signal. */
  readonly by: 'TERM' | 'KILL' | 'gone';
  /** Whole seconds from the signal to the end. */
  readonly seconds: number;
  /**
   * How the set was known. `cgroup`: nothing of it lives. `token`: nothing lives that carries the token or is in the
   * session; a process that did away with both would not have been found. `none` when all had ended before.
   */
  readonly method: 'cgroup' | 'token' | 'none';
  /** Processes of the same session that could not be proven ours any more and were left alone. */
  readonly leftAlone: readonly number[];
}

export interface StopOptions extends EnforceOptions {
  /** As in {@link ProcessStopRequest}. */
  readonly graceSeconds?: number;
}

interface Ending {
  readonly code: string;
  readonly message: string;
  readonly outcome: Effect['outcome'];
}
const NO_ANSWER: Ending = {
  code: 'process-stop.no-answer',
  message: 'the host did not say whether the processes ended',
  outcome: 'unknown',
};
const ENDINGS: Readonly<Record<string, Ending>> = {
  'ended not': {
    code: 'process-stop.survived',
    message: 'something of the set survived even SIGKILL',
    outcome: 'failed',
  },
  'ended unmarked': {
    code: 'process-stop.unmarked',
    message: 'nothing was sent: no mark can be left beside the record',
    outcome: 'none',
  },
};

/**
 * Ends the set of processes that the record proves ours: one TERM to its leader, patience, then KILL for what is left.
 * Two stops at the same time send one TERM between them, by a mark beside the record.
 *
 * @throws GuardRefusal with a `process-stop.*` code; CodedError `process-stop.survived`, `process-stop.unmarked`,
 * `process-stop.no-answer`.
 */
export async function stopProcess(
  shell: OwnershipShell,
  asked: ProcessStopRequest,
  { graceSeconds = asked.graceSeconds, ...options }: StopOptions,
): Promise<StopResult> {
  const permit = await enforce(processStopOver(shell), { ...asked, graceSeconds }, options);
  const record = (
    outcome: Effect['outcome'],
    reason: string,
    codes: readonly string[] = [],
  ): Promise<string> =>
    recordEffect(options.journal, permit, { kind: 'process-stop', outcome, codes, reason });
  await record('begun', `TERM, and KILL after ${graceSeconds ?? GRACE_SECONDS} s`);
  const answer = await shell(['stop', ...permit.args]).catch(async (error: unknown) => {
    await record('unknown', 'the connection to the host failed', ['process-stop.no-answer']);
    throw error;
  });
  const [, by, seconds, method, left = ''] =
    /^ended (TERM|KILL) ([0-9]+) (cgroup|token)((?: [0-9]+:[0-9]+)*)$/.exec(answer.trim()) ?? [];
  if ((by === 'TERM' || by === 'KILL') && (method === 'cgroup' || method === 'token')) {
    const leftAlone = left
      .split(' ')
      .filter(Boolean)
      .map((one) => Number.parseInt(one, 10));
    await record(
      'done',
      `ended by ${by} after ${seconds} s, method ${method}, ${leftAlone.length} left alone`,
    );
    return { by, seconds: Number(seconds), method, leftAlone };
  }
  if (answer.trim() === 'ended gone') {
    await record('none', 'the processes had ended by themselves');
    return { by: 'gone', seconds: 0, method: 'none', leftAlone: [] };
  }
  const { code, message, outcome } = ENDINGS[answer.trim()] ?? NO_ANSWER;
  await record(outcome, message, [code]);
  throw new CodedError(code, message, 'Look at the processes on the host: they may still run.');
}
