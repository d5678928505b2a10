// Which process a record names, and by whose action it was started: our own line, written by the process before it
// becomes the program, and AGILAB's `agilab-dask-pid-owner-v1` JSON. Anything that is not exactly one of them is no
// record.

import * as z from 'zod';
import { parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';

/** The identity of one process of one boot, in one pid namespace. */
export interface OwnRecord {
  readonly kind: 'own';
  readonly boot: string;
  /** `pid:[4026531836]`. */
  readonly namespace: string;
  readonly pid: number;
  /** Start time in clock ticks since boot (proc_pid_stat(5), field 22). */
  readonly tick: number;
  readonly uid: number;
  /** 32 lowercase hex digits that name the action which started it. */
  readonly token: string;
  /** Directory of the cgroup that was made for it and all that it starts; absent where none could be made. */
  readonly cgroup?: string;
}

/** AGILAB's record. It names no boot and no namespace; its start time is in seconds since the epoch. */
export interface AgilabRecord {
  readonly kind: 'agilab';
  readonly pid: number;
  readonly startTime: number;
  readonly target: string;
}

const OWN =
  /^agilab-process-owner-v1 ([0-9a-f-]{36}) (pid:\[[0-9]{1,10}\]) ([1-9][0-9]{0,8}) (0|[1-9][0-9]{0,14}) (0|[1-9][0-9]{0,9}) ([0-9a-f]{32})(?: (\/sys\/fs\/cgroup\/[\w/.@:-]{1,3000}))?$/;

/** Returns the record in `text`, without its last newline, or `undefined` for anything that is not exactly one. */
export function parseOwnerRecord(text: string): OwnRecord | AgilabRecord | undefined {
  const [, boot, namespace, pid, tick, uid, token, cgroup] = OWN.exec(text) ?? [];
  if (boot === undefined || namespace === undefined || token === undefined) return parseAgilab(text);
  const identity = { boot, namespace, pid: Number(pid), tick: Number(tick), uid: Number(uid), token };
  if (cgroup === undefined) return { kind: 'own', ...identity };
  // Only one of our own making: its name is the token, also where systemd made it as a scope.
  const name = cgroup.split('/').at(-1);
  const isOurs = name === `guardrails-${token}` || name === `guardrails-${token}.scope`;
  return isOurs && !cgroup.includes('..') ? { kind: 'own', ...identity, cgroup } : undefined;
}

const agilab = z.strictObject({
  schema: z.literal('agilab-dask-pid-owner-v1'),
  pid: z.int().min(1).max(999_999_999),
  process_start_time: z.number().positive(),
  target: z.string().min(1),
});

function parseAgilab(text: string): AgilabRecord | undefined {
  let value: unknown;
  try {
    value = parseStrictJson(text, { maxBytes: 8_192, fractionAt: ([key]) => key === 'process_start_time' });
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
  const { data } = agilab.safeParse(value);
  return data && { kind: 'agilab', pid: data.pid, startTime: data.process_start_time, target: data.target };
}

/** Mode as ls(1) prints it, and owner. */
export interface Ownable {
  readonly mode: string;
  readonly uid: number;
}

/** What `look` of the ownership script saw on the host. */
export interface OwnershipLook {
  readonly boot: string;
  readonly namespace: string;
  /** The user who would stop the process. */
  readonly uid: number;
  /** Clock ticks per second, and the boot time in seconds since the epoch. */
  readonly hertz: number;
  readonly bootTime: number;
  readonly file: 'missing' | 'special' | Ownable;
  /** The directory that holds the record; absent when there is no record to hold. */
  readonly folder?: Ownable;
  readonly record: OwnRecord | AgilabRecord | undefined;
  /** The live process under the pid in the record; absent when there is none. */
  readonly process?: { readonly tick: number; readonly uid: number };
  /** How many processes that were started under the record live, the named one included. */
  readonly members: number;
  /** How many are in the session of a named process that has ended, without any other proof that they are ours. */
  readonly unproven: number;
}

const HOST = /^host ([0-9a-f-]{36}) (pid:\[[0-9]{1,10}\]) ([0-9]{1,10}) ([1-9][0-9]{0,5}) ([0-9]{1,12})$/;
const FILE = /^(?:file|folder) ([-a-zA-Z+.@]{10,12}) ([0-9]{1,10})$/;
const SET = /^set ([0-9]{1,7}) ([0-9]{1,7})$/;
const PROCESS = /^process ([1-9][0-9]{0,8}) ([0-9]{1,15}) ([0-9]{1,10})$/;

/** Parses what `look` printed; `undefined` when it is not what the script prints. */
export function parseLook(output: string): OwnershipLook | undefined {
  const [hostLine = '', fileLine = '', folderLine = '', processLine = '', setLine = '', , ...rest] =
    output.split('\n');
  const [, boot, namespace, uid, hertz, bootTime] = HOST.exec(hostLine) ?? [];
  if (boot === undefined || namespace === undefined) return undefined;
  const host = { boot, namespace, uid: Number(uid), hertz: Number(hertz), bootTime: Number(bootTime) };
  const none = { record: undefined, members: 0, unproven: 0 };
  if (fileLine === 'file missing') return { ...host, file: 'missing', ...none };
  if (fileLine === 'file special') return { ...host, file: 'special', ...none };
  const [file, folder] = [fileLine, folderLine].map((line): Ownable | undefined => {
    const [, mode, uid] = FILE.exec(line) ?? [];
    return mode === undefined ? undefined : { mode, uid: Number(uid) };
  });
  const [, members, unproven] = SET.exec(setLine) ?? [];
  if (!file || !folder || members === undefined) return undefined;
  const record = parseOwnerRecord(rest.join('\n').replace(/\n$/, ''));
  const [, pid, tick, owner] = PROCESS.exec(processLine) ?? [];
  // The host picked the pid with sed; only the strict parser says whether it is the one in the record.
  const seen = { file, folder, record, members: Number(members), unproven: Number(unproven) };
  if (pid === undefined || record?.pid !== Number(pid)) return { ...host, ...seen };
  return { ...host, ...seen, process: { tick: Number(tick), uid: Number(owner) } };
}
