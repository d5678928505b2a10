// Guards drilled by two processes, where the machine has a processor for the second: what a drill builds and what guards look at
// costs more than waiting does. There is one journal, which the first process keeps.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { CodedError } from '../evidence/coded-error.ts';
import { codeIdentity } from '../evidence/identity.ts';
import { unrestricted } from '../evidence/journal.ts';
import type { EvidenceDraft, EvidenceSink } from '../evidence/record.ts';
import { vouchFor } from '../evidence/vouched.ts';
import { deepFreeze } from '../kernel/deep-freeze.ts';
import { type DrillOptions, type DrillResult, drillGuard, liesApart } from './drill.ts';
import {
  type DrillGuardsOptions,
  type DrillOne,
  drillBy,
  drillGuards,
  GUARDS_AT_ONCE,
} from './drill-guards.ts';
import type { Proof } from './proof.ts';
import type { News, Order } from './second-process.ts';

const lost = (why: string): CodedError =>
  new CodedError('drill.second-process', why, 'Build the package anew, then run it again.');

interface Asked {
  readonly onResult: DrillOptions['onResult'];
  readonly resolve: (results: readonly DrillResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What the second process says of a guard is the word of this package only where its code is the code here. */
function requireOurs(draft: EvidenceDraft): void {
  const ours = 'guard' in draft && draft.guard.codeDigest === codeIdentity().codeDigest;
  if (!ours || !['drill', 'mutant', 'live'].includes(draft.mode))
    throw lost('the second process runs other code');
}

/** Returns what drills a guard in `child`, leaving its records in `journal`. */
function drillIn(child: ChildProcess, journal: EvidenceSink): DrillOne {
  const asked = new Map<string, Asked>();
  const sink = unrestricted(journal);
  const tell = (order: Order): void => {
    if (child.connected) child.send(order);
  };
  const stop = (): void => tell({ stop: true });
  const fail = (error: unknown): void => {
    for (const { reject } of asked.values()) reject(error);
    asked.clear();
    stop();
  };
  const hear = async (news: News): Promise<void> => {
    if ('record' in news) {
      requireOurs(news.draft);
      await sink.append(deepFreeze(vouchFor(news.draft)), news.input);
      return tell({ recorded: news.record });
    }
    const one = asked.get(news.guard);
    if ('result' in news) return one?.onResult?.(news.result);
    asked.delete(news.guard);
    if ('results' in news) return one?.resolve(news.results);
    const { code, message, remedy } = news.failed;
    one?.reject(new CodedError(code, message, remedy));
  };
  child.on('message', (news: News) => void hear(news).catch(fail));
  child.on('error', () => fail(lost('the second process could not be started')));
  child.on('exit', () => fail(lost('the second process ended before its drills did')));
  return async ({ guard }, { signal, onResult, mutants, state, timeoutMs }) => {
    if (!child.connected) throw lost('the second process ended before its drills did');
    signal?.addEventListener('abort', stop);
    try {
      return await new Promise((resolve, reject) => {
        asked.set(guard.id, { onResult, resolve, reject });
        tell({ drill: guard.id, options: { mutants, state, apart: liesApart(journal, state), timeoutMs } });
      });
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
}

/**
 * Does a work beside a process that `command` starts (a module and its arguments, which call `drillForParent`), with the
 * options of Node and the variables of this one; it is there from the start, for it takes as long to load as this one, and it is
 * gone before this returns. Few guards (`count`), or one processor, are not worth it: there is no second process then.
 */
export async function withSecond<T>(
  [module = '', ...args]: readonly string[],
  count: number,
  work: (second: ChildProcess | undefined) => Promise<T>,
): Promise<T> {
  if (count <= GUARDS_AT_ONCE || availableParallelism() < 2) return await work(undefined);
  const child = fork(module, args, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise((resolve) => void child.once('exit', resolve).once('error', resolve));
  try {
    return await work(child);
  } finally {
    if (child.connected) child.disconnect();
    await ended;
  }
}

/**
 * Drills guards of this package as {@link drillGuards} does, half of them in the second process where there is one.
 *
 * @throws what `drillGuards` throws; CodedError `drill.second-process`.
 */
export async function drillInTwo(
  second: ChildProcess | undefined,
  proofs: readonly Proof[],
  journal: EvidenceSink,
  options: DrillGuardsOptions,
): Promise<readonly DrillResult[]> {
  if (!second) return await drillGuards(proofs, journal, options);
  const here: DrillOne = (proof, each) => drillGuard(proof, journal, each);
  return await drillBy(here, drillIn(second, journal), proofs, options);
}
