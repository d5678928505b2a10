// What is true of a process that a drill has just started, and the record that says so.
import type { ChildProcess } from 'node:child_process';
import { processIdentity, startTickOf } from '../../../evidence/identity.ts';
import { type DrillSite, DrillUnavailable } from '../../proof.ts';
import { TOKEN } from '../../random.ts';

export interface Facts {
  boot: string;
  namespace: string;
  pid: number;
  tick: number;
  uid: number;
  token: string;
}

/** Pid, tick, boot and token of a process that was just started are its own. */
export function itsOwn(site: DrillSite): void {
  site.random('TOKEN', TOKEN);
  site.unread(/^(?:owner|real|dask_worker_0_0\.pid)$/);
}

/** What is true of a process of this user that has just been started. */
export function factsOf(child: ChildProcess, token: string): Facts {
  const { boot, pidNamespace } = processIdentity();
  const pid = child.pid ?? 0;
  const tick = startTickOf(pid);
  const self = process.getuid?.();
  if (boot === 'unknown' || pidNamespace === 'unknown' || tick === undefined || self === undefined) {
    throw new DrillUnavailable('process ownership is proven through /proc: run on Linux');
  }
  return { boot, namespace: pidNamespace, pid, tick, uid: self, token };
}

/** The record, as a start writes it. */
export const lineOf = ({ boot, namespace, pid, tick, uid, token }: Facts): string =>
  `agilab-process-owner-v1 ${boot} ${namespace} ${pid} ${tick} ${uid} ${token}\n`;
