// Runs the command once for each list of arguments in a file, in this one process, and prints what each left behind:
// `{ code, stdout, stderr }`.
import { readFileSync } from 'node:fs';

const [, , file] = process.argv;
const outcomes = [];
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);
for (const [index, args] of JSON.parse(readFileSync(file, 'utf8')).entries()) {
  const said = { stdout: '', stderr: '' };
  const caught = (name) => (text) => {
    said[name] += String(text);
    return true;
  };
  stdout.write = caught('stdout');
  stderr.write = caught('stderr');
  process.argv = [process.execPath, 'guardrails', ...args];
  process.exitCode = undefined;
  await import(`../../dist/node/main.js?run=${index}`);
  outcomes.push({ code: Number(process.exitCode ?? 0), ...said });
}
process.exitCode = 0;
write(JSON.stringify(outcomes));
