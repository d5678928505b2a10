// A Python that stays: it is asked one line at a time, for what takes seconds to import and milliseconds to answer.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';

export class PythonOracle {
  readonly #command: readonly string[];
  readonly #script: URL;
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: Interface | undefined;

  /** The script reads lines and answers each with a line. It is started with the first question. */
  constructor(command: readonly string[], script: URL) {
    this.#command = command;
    this.#script = script;
  }

  async ask(line: string): Promise<string> {
    const [program = '', ...args] = this.#command;
    if (this.#child === undefined) {
      this.#child = spawn(program, [...args, '-c', readFileSync(this.#script, 'utf8')]);
      this.#child.stderr.resume();
      this.#lines = createInterface({ input: this.#child.stdout });
      const { pid } = this.#child;
      process.on('exit', () => pid !== undefined && this.#child?.kill('SIGKILL'));
    }
    const [child, lines] = [this.#child, this.#lines as Interface];
    this.#hold(true);
    try {
      return await new Promise((resolve, reject) => {
        const ended = (): void => reject(new Error('the oracle ended: what was accepted kills it'));
        child.once('exit', ended);
        lines.once('line', (answer) => {
          child.off('exit', ended);
          resolve(answer);
        });
        child.stdin.write(`${line}\n`);
      });
    } finally {
      this.#hold(false);
    }
  }

  /** Whether this process waits for the oracle before it ends. */
  #hold(wait: boolean): void {
    const child = this.#child;
    if (child === undefined) return;
    for (const one of [child, child.stdin, child.stdout, child.stderr] as unknown as {
      ref(): void;
      unref(): void;
    }[])
      one[wait ? 'ref' : 'unref']();
  }
}
