// The process-stop guard: a stop touches a process only when its record proves, fact by fact, that we started it and
// that the pid has not been given to another one since. Names and command lines prove nothing and are not looked at.
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
}

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
  if (!record || !process) throw new TypeError('no permit without a process');
  const token = record.kind === 'own' ? record.token : '';
  const identity = [look.boot, look.namespace, record.pid, process.tick, look.uid];
  return deepFreeze({ args: [{ path: request.record }, ...identity.map(String), token] });
}

const token = z.string().regex(/^[0-9a-f]{32}$/);
const path = z
  .string()
  .max(4_000)
  .regex(/^~?\/[^\0]*$/);
const request: z.ZodType<ProcessStopRequest> = z.strictObject({
  record: path,
  owner: z.union([z.strictObject({ token }), z.strictObject({ target: z.string().min(1).max(4_000) })]),
});

/** AGILAB writes the start in seconds and accepts one second of difference (boot time is known to the second only). */
const AGILAB_TOLERANCE_SECONDS = 1;

function sameStart({ record, process, hertz, bootTime }: OwnershipLook): boolean {
  if (!record || !process) return true; // for other rules
  if (record.kind === 'own') return record.tick === process.tick;
  return Math.abs(bootTime + process.tick / hertz - record.startTime) <= AGILAB_TOLERANCE_SECONDS;
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
    remedy: 'Nothing to do: the process has ended.',
    refuses: ({ look }) => look.record !== undefined && !look.process && 'the process has ended',
  },
  {
    code: 'process-stop.reused',
    remedy: 'Nothing to do: the process has ended, and an innocent one has its pid now.',
    refuses: ({ look }) =>
      !sameStart(look) && 'the pid now belongs to a process that started at another time',
  },
  {
    code: 'process-stop.other-user',
    remedy: 'Stop it as the user who started it.',
    refuses: ({ look: { record, process, uid } }) =>
      ((process !== undefined && process.uid !== uid) || (record?.kind === 'own' && record.uid !== uid)) &&
      'the process belongs to another user',
  },
];

/** Returns the guard for the processes that `shell` reaches. */
function processStopOver(shell: OwnershipShell): Guard<ProcessStopRequest, StopPermit> {
  return defineHouseGuard({
    id: 'process-stop',
    dimension: 'architecture_remote_execution_hardening',
    request,
    observe: async (asked: ProcessStopRequest, signal: AbortSignal): Promise<ProcessStopFacts> => {
      const look = parseLook(await shell(['look', { path: asked.record }], signal));
      if (!look) throw new Error('the host did not answer as the script does');
      return { request: asked, look };
    },
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
  /** `gone`: the process ended by itself between the look and the first signal. */
  readonly by: 'TERM' | 'KILL' | 'gone';
  /** Whole seconds from the signal to the end. */
  readonly seconds: number;
  /** Processes of the same session that could not be proven ours any more and were left alone. */
  readonly leftAlone: readonly number[];
}

export interface StopOptions extends EnforceOptions {
  /** Default 35: a real Dask worker was seen to take up to 31 seconds to close. */
  readonly graceSeconds?: number;
}

/**
 * Ends the process that the record proves ours: one TERM, patience, then KILL for what is left of its session.
 *
 * @throws GuardRefusal with a `process-stop.*` code; CodedError `process-stop.survived`, `process-stop.no-answer`.
 */
export async function stopProcess(
  shell: OwnershipShell,
  asked: ProcessStopRequest,
  { graceSeconds = 35, ...options }: StopOptions,
): Promise<StopResult> {
  const permit = await enforce(processStopOver(shell), asked, options);
  const record = (
    outcome: Effect['outcome'],
    reason: string,
    codes: readonly string[] = [],
  ): Promise<string> =>
    recordEffect(options.journal, permit, { kind: 'process-stop', outcome, codes, reason });
  await record('begun', `TERM, and KILL after ${graceSeconds} s`);
  const answer = (await shell(['stop', ...permit.args, `${graceSeconds}`])).trim();
  const [, by, seconds, left = ''] = /^ended (TERM|KILL) ([0-9]+)((?: [0-9]+)*)$/.exec(answer) ?? [];
  if (by === 'TERM' || by === 'KILL') {
    const leftAlone = left.split(' ').filter(Boolean).map(Number);
    await record('done', `ended by ${by} after ${seconds} s, ${leftAlone.length} left alone`);
    return { by, seconds: Number(seconds), leftAlone };
  }
  if (answer === 'ended gone') {
    await record('none', 'the process had ended by itself');
    return { by: 'gone', seconds: 0, leftAlone: [] };
  }
  const survived = answer === 'ended not';
  const code = survived ? 'process-stop.survived' : 'process-stop.no-answer';
  const message = survived
    ? 'the process survived even SIGKILL'
    : 'the host did not say whether the process ended';
  await record(survived ? 'failed' : 'unknown', message, [code]);
  throw new CodedError(code, message, 'Look at the process on the host: it may still run.');
}
