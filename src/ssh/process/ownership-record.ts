// Who started that process? Two records answer: our own line, written by the process before it becomes the program,
// and AGILAB's `agilab-dask-pid-owner-v1` JSON. Both are parsed strictly: half a proof is none.

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
}

/** AGILAB's record. It names no boot and no namespace; its start time is in seconds since the epoch. */
export interface AgilabRecord {
  readonly kind: 'agilab';
  readonly pid: number;
  readonly startTime: number;
  readonly target: string;
}

const OWN =
  /^agilab-process-owner-v1 ([0-9a-f-]{36}) (pid:\[[0-9]{1,10}\]) ([1-9][0-9]{0,8}) ([0-9]{1,15}) ([0-9]{1,10}) ([0-9a-f]{32})$/;

/** Returns the record in `text`, without its last newline, or `undefined` for anything that is not exactly one. */
export function parseOwnerRecord(text: string): OwnRecord | AgilabRecord | undefined {
  const [, boot, namespace, pid, tick, uid, token] = OWN.exec(text) ?? [];
  if (boot === undefined || namespace === undefined || token === undefined) return parseAgilab(text);
  return { kind: 'own', boot, namespace, pid: Number(pid), tick: Number(tick), uid: Number(uid), token };
}

const AGILAB_SCHEMA = 'agilab-dask-pid-owner-v1';
const AGILAB_KEYS = /"(?:pid|process_start_time|schema|target)"\s*:/g;

function parseAgilab(text: string): AgilabRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 4) return undefined;
  // JSON.parse keeps the last of two equal keys without a word; a reader that keeps the first would see another pid.
  if ([...text.matchAll(AGILAB_KEYS)].length !== 4) return undefined;
  const { pid, process_start_time: startTime, schema, target } = value as Record<string, unknown>;
  if (schema !== AGILAB_SCHEMA || typeof target !== 'string' || !target) return undefined;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 1 || pid > 999_999_999) return undefined;
  if (typeof startTime !== 'number' || !(startTime > 0)) return undefined;
  return { kind: 'agilab', pid, startTime, target };
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
}

const HOST = /^host ([0-9a-f-]{36}) (pid:\[[0-9]{1,10}\]) ([0-9]{1,10}) ([1-9][0-9]{0,5}) ([0-9]{1,12})$/;
const FILE = /^(?:file|folder) ([-a-zA-Z+.@]{10,12}) ([0-9]{1,10})$/;
const PROCESS = /^process ([1-9][0-9]{0,8}) ([0-9]{1,15}) ([0-9]{1,10})$/;

/** Parses what `look` printed; `undefined` when it is not what the script prints. */
export function parseLook(output: string): OwnershipLook | undefined {
  const [hostLine = '', fileLine = '', folderLine = '', processLine = '', , ...rest] = output.split('\n');
  const [, boot, namespace, uid, hertz, bootTime] = HOST.exec(hostLine) ?? [];
  if (boot === undefined || namespace === undefined) return undefined;
  const host = { boot, namespace, uid: Number(uid), hertz: Number(hertz), bootTime: Number(bootTime) };
  if (fileLine === 'file missing') return { ...host, file: 'missing', record: undefined };
  if (fileLine === 'file special') return { ...host, file: 'special', record: undefined };
  const [file, folder] = [fileLine, folderLine].map((line): Ownable | undefined => {
    const [, mode, uid] = FILE.exec(line) ?? [];
    return mode === undefined ? undefined : { mode, uid: Number(uid) };
  });
  if (!file || !folder) return undefined;
  const record = parseOwnerRecord(rest.join('\n').replace(/\n$/, ''));
  const [, pid, tick, owner] = PROCESS.exec(processLine) ?? [];
  // The host picked the pid with sed; only the strict parser says whether it is the one in the record.
  if (pid === undefined || record?.pid !== Number(pid)) return { ...host, file, folder, record };
  return { ...host, file, folder, record, process: { tick: Number(tick), uid: Number(owner) } };
}
