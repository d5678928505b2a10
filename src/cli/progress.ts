// A progress bar on stderr, for terminals only and only once the work has taken a second.
interface Progress {
  step(label: string): void;
  /** Takes the bar away, until the next step: before a line is printed, and at the end. */
  clear(): void;
}

const WIDTH = 24;

/** Starts counting towards `total` steps. */
export function startProgress(total: number): Progress {
  const started = Date.now();
  let done = -1;
  let drawn = false;
  return {
    step: (label) => {
      done++;
      if (!process.stderr.isTTY || Date.now() - started < 1_000) return;
      const filled = Math.round((done / total) * WIDTH);
      process.stderr.write(`\r\u001b[K[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${label}`);
      drawn = true;
    },
    clear: () => {
      if (drawn) process.stderr.write('\r\u001b[K');
      drawn = false;
    },
  };
}
