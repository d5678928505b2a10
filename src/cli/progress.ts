// What is shown while a command works: one line on stderr, for terminals only and only once the work has taken a second.
interface StatusLine {
  readonly show: (text: string) => void;
  /** Takes the line away, until the next: before anything is printed, and at the end. */
  readonly clear: () => void;
}

export function startStatusLine(): StatusLine {
  const started = Date.now();
  let drawn = false;
  return {
    show: (text) => {
      if (!process.stderr.isTTY || Date.now() - started < 1_000) return;
      process.stderr.write(`\r\u001b[K${text}`);
      drawn = true;
    },
    clear: () => {
      if (drawn) process.stderr.write('\r\u001b[K');
      drawn = false;
    },
  };
}

const WIDTH = 24;

/** Starts a bar that counts towards `total` steps. */
export function startProgress(total: number): {
  readonly step: (label: string) => void;
  readonly clear: () => void;
} {
  const { show, clear } = startStatusLine();
  let done = -1;
  return {
    step: (label) => {
      done++;
      const filled = Math.round((done / total) * WIDTH);
      show(`[${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${label}`);
    },
    clear,
  };
}
