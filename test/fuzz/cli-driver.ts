// Runs the command once for each list of arguments in a file, in this one process, and prints what each left behind.
import { readFileSync } from 'node:fs';

export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const [, , file = ''] = process.argv;
const outcomes: CliOutcome[] = [];
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);
for (const [index, args] of (JSON.parse(readFileSync(file, 'utf8')) as string[][]).entries()) {
  const said = { stdout: '', stderr: '' };
  const caught = (name: 'stdout' | 'stderr') => (text: string | Uint8Array) => {
    said[name] += String(text);
    return true;
  };
  stdout.write = caught('stdout');
  stderr.write = caught('stderr');
  process.argv = [process.execPath, 'guardrails', ...args];
  process.exitCode = undefined;
  await import(`../../src/cli/main.ts?run=${index}`);
  outcomes.push({ code: Number(process.exitCode ?? 0), ...said });
}
process.exitCode = 0;
write(JSON.stringify(outcomes));
