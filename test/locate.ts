// Which programs this machine has. No process is started to find out: this runs whenever a test file is loaded.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Returns where a program is, by our PATH and where daemons live, or undefined. */
export function locate(program: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return directories
    .map((directory) => resolve(directory, program)) // an absolute path stays what it is
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}
