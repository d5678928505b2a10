// Writers that die in the middle of it: each a process of its own that has synced half of its work and kills itself.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a script of Node's with arguments until it kills itself. @throws Error when it ended in another way. */
export async function crash(script: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(
    process.execPath,
    ['-e', `${script}\nprocess.kill(process.pid, 'SIGKILL');`, '--', ...args],
    {
      stdio: 'ignore',
    },
  );
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') throw new Error('the writer was not killed');
}

/** Appends a text to a file, durably, and is killed: a part of a line. */
export const APPENDS = `
  const fs = require('node:fs');
  const [path, text] = process.argv.slice(1);
  const file = fs.openSync(path, 'a');
  fs.writeSync(file, text);
  fs.fsyncSync(file);`;

/** Stages the first file of a bundle, durably, and is killed before the second. */
export const STAGES = `
  const fs = require('node:fs');
  const [staging, name, text] = process.argv.slice(1);
  fs.mkdirSync(staging, { mode: 0o700 });
  const file = fs.openSync(staging + '/' + name, 'wx', 0o600);
  fs.writeSync(file, text);
  fs.fsyncSync(file);`;

/** Replaces a state, durably, and is killed before it tells anybody. */
export const REPLACES = `
  const fs = require('node:fs');
  const [path, text] = process.argv.slice(1);
  const file = fs.openSync(path + '.new', 'wx', 0o600);
  fs.writeSync(file, text);
  fs.fsyncSync(file);
  fs.renameSync(path + '.new', path);`;
