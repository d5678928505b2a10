// Asks the system's Python, which has Debian's packages; another may stand first in PATH.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { requiresReal } from '../../left-out.ts';

const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Returns what a script prints as JSON when it is given `input` as JSON; or why it cannot be run here. */
export function askPython<Answer>(
  script: string,
  input: unknown,
  modules: readonly string[],
): Answer | string {
  const has = spawnSync(PYTHON, ['-c', modules.map((name) => `import ${name}`).join('\n')]);
  if (has.status !== 0) {
    const missing = `install ${modules.map((name) => `python3-${name.toLowerCase()}`).join(', ')}`;
    if (requiresReal) throw new Error(missing);
    return missing;
  }
  const stdout = execFileSync(PYTHON, ['-c', script], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return JSON.parse(stdout) as Answer;
}
