// What a signal does to a command: it stops at the next safe point, takes down what it built, seals the journal, and then
// ends by that very signal, as a shell or a service manager expects.

/** Why the command stops. */
class Stopped extends Error {
  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`);
    this.name = 'Stopped';
  }
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const ENDS = { ...SIGNALS, SIGPIPE: 13 } as const;
type Signal = keyof typeof ENDS;

/** npm hands a signal on that the whole process group got anyway; the second one within this time is the same one. */
const ECHO_MS = 2_000;
/** For work that has no safe point soon; what then remains is taken down without waiting. */
const PATIENCE_MS = 10_000;

const controller = new AbortController();
let received: { readonly signal: Signal; readonly at: number } | undefined;
let isDone = false;

/** Aborts when the command is to stop. Whatever takes long, or writes much, asks it. */
export const interruption: AbortSignal = controller.signal;

/** Ends the process by the signal that it received: 130, 143 or 129 to a shell. */
function endBy(signal: Signal): void {
  process.on(signal, () => {}); // Node ignores SIGPIPE, until somebody listened and does no more
  for (const name of Object.keys(ENDS)) process.removeAllListeners(name);
  process.kill(process.pid, signal);
  // The first process of a container is not ended by a signal that it sends itself.
  setTimeout(() => process.exit(128 + ENDS[signal]), 50);
}

function receive(signal: Signal): void {
  if (received) {
    if (performance.now() - received.at < ECHO_MS) return;
    process.exit(128 + ENDS[signal]);
  }
  received = { signal, at: performance.now() };
  controller.abort(new Stopped(signal));
  process.stdin.destroy(); // nobody types on
  setTimeout(() => process.exit(128 + ENDS[signal]), PATIENCE_MS).unref();
}

/**
 * Ends the command as other tools end when nobody reads on: by SIGPIPE, in order and without a word. The signal itself says
 * nothing: it comes for whatever pipe or socket somebody closed, a client's among them.
 */
export function endUnread(): void {
  receive('SIGPIPE');
  if (isDone) endBy('SIGPIPE'); // what was written last was not yet gone
}

/** Whether nobody reads what the command writes. */
export const isUnread = (): boolean => received?.signal === 'SIGPIPE';

/**
 * Runs a command so that signals stop it in order. `abandon` takes down at once, without waiting, what is left when the
 * process has to end.
 */
export async function underSignals(command: () => Promise<void>, abandon: () => void): Promise<void> {
  for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[])
    process.on(signal, () => receive(signal));
  process.on('exit', abandon);
  await command();
  isDone = true;
  if (!received) return;
  abandon(); // what a build that nobody waits for has made since; a process that ends by a signal has no 'exit'
  endBy(received.signal);
}
