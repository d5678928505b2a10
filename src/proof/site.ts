// Where a drill builds its state, and how the state goes away again, whatever ends the drill.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Deadline } from '../kernel/deadline.ts';
import type { Fixture } from './fixture.ts';
import type { DrillSite } from './proof.ts';

type Undo = () => Promise<void> | void;

export interface OpenSite extends DrillSite {
  /**
   * Undoes, last step first. Every step runs, whatever another did, and each for at most `timeoutMs`; returns what the
   * first failure was. What is registered later, by a drill that was no longer waited for, is undone at once.
   */
  takeDown(timeoutMs: number): Promise<unknown>;
  /** What of the state is another each time. */
  readonly fixture: Fixture;
  /** What was built instead, when the drill said so. */
  readonly fellBackTo: string | undefined;
}

/** Every directory that was made: a build that nobody waited for may fill one again behind the take-down. */
const made: string[] = [];
const open = new Set<{ readonly undo: readonly Undo[] }>();

/** Waits for one step. @throws Interrupted; what the step throws. */
async function undone(step: Undo, timeoutMs: number): Promise<void> {
  const deadline = new Deadline({ timeoutMs });
  try {
    await deadline.run(async () => step());
  } finally {
    deadline.end();
  }
}

/** Makes a site. Its directory is made when a drill asks for it: many build nothing but a request. */
export function openSite(): OpenSite {
  let directory: string | undefined;
  const undo: Undo[] = [];
  let isOpen = true;
  const makeDirectory = (): string => {
    if (!isOpen) throw new Error('the drill has ended'); // nobody would take it down
    const fresh = mkdtempSync(join(realpathSync(tmpdir()), 'guardrails-drill-'));
    made.push(fresh);
    undo.unshift(() => rm(fresh, { recursive: true, force: true })); // others drill meanwhile: a disk takes its time
    return fresh;
  };
  const site = { undo };
  open.add(site);
  const takeDown = async (timeoutMs: number): Promise<unknown> => {
    isOpen = false;
    let failure: unknown;
    for (const step of undo.toReversed())
      await undone(step, timeoutMs).catch((error: unknown) => {
        failure ??= error;
      });
    open.delete(site);
    return failure;
  };
  let fellBackTo: string | undefined;
  const random: [string, string | RegExp][] = [];
  const unread: (string | RegExp)[] = [];
  const fixture: Fixture = {
    get directory() {
      return directory;
    },
    random,
    unread,
  };
  return {
    get directory() {
      directory ??= makeDirectory();
      return directory;
    },
    onCleanup: (step) => {
      if (isOpen) undo.push(step);
      else (async () => step())().catch(() => {});
    },
    fallBack: (built) => {
      fellBackTo = built;
    },
    random: (name, what) => void random.push([name, what]),
    unread: (path) => void unread.push(path),
    fixture,
    get fellBackTo() {
      return fellBackTo;
    },
    takeDown,
  };
}

/**
 * Takes down what drills have built, without waiting: for a process that ends now. Of each step only what it does before
 * it first waits is done, which is to kill a process or to close a server.
 */
export function abandonDrills(): void {
  for (const { undo } of open) {
    for (const step of undo.toReversed()) {
      try {
        const undone = step();
        if (undone instanceof Promise) undone.catch(() => {});
      } catch {}
    }
  }
  // Twice: what another thread, or a child that is just being ended, had begun may make one again behind the first time.
  for (const directory of [...made, ...made]) {
    try {
      rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    } catch {} // the others go all the same
  }
}
