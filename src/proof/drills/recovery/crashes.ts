// Writers that die in the middle of it: each a process of its own that has synced half of its work and kills itself. They are
// lines of sh: a Node would take longer to start than to write.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a script of sh with arguments until it kills itself. @throws Error when it ended in another way. */
export async function crash(script: string, ...args: readonly string[]): Promise<void> {
  const child = spawn('/bin/sh', ['-ec', `${script}\nkill -9 $$`, 'sh', ...args], { stdio: 'ignore' });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') throw new Error('the writer was not killed');
}

/** Appends a text to a file, durably, and is killed: a part of a line. */
export const APPENDS = 'printf %s "$2" >>"$1"; sync "$1"';

/** Stages the first file of a bundle, durably, and is killed before the second. */
export const STAGES = 'umask 077; mkdir "$1"; printf %s "$3" >"$1/$2"; sync "$1/$2"';

/** Replaces a state, durably, and is killed before it tells anybody. */
export const REPLACES = 'umask 077; printf %s "$2" >"$1.new"; sync "$1.new"; mv "$1.new" "$1"';
