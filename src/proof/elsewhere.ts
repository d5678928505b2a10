// A state that no process can enter and leave again, such as a namespace, is judged by a process that is started in it: the
// same guard, of this package as it is installed. Whether a machine has such a place shows when it is entered.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { Deadline } from '../kernel/deadline.ts';
import type { Outcome } from '../kernel/decide.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import type { Decision } from '../kernel/guard.ts';
import { ownPackage } from './own-package.ts';
import { DrillUnavailable, type Elsewhere } from './proof.ts';

const decision: z.ZodType<Decision> = z.strictObject({
  guard: z.string(),
  decision: z.enum(['allow', 'refuse', 'error']),
  codes: z.array(z.string()),
  reason: z.string(),
  remedy: z.string(),
});

/** Says that it is there before it looks: only who never came there has nothing to say of the guard. */
const JUDGE = `
  const [room, kernel, id] = process.argv.slice(1);
  const guard = Object.values(await import(room)).find((one) => one?.id === id);
  const { judge } = await import(kernel);
  console.log('there');
  let request = '';
  for await (const chunk of process.stdin) request += chunk;
  console.log(JSON.stringify(await judge(guard, JSON.parse(request))));`;

/**
 * Has a request judged by a process in another place. The facts stay there.
 *
 * @throws DrillUnavailable where the place cannot be made; SyntaxError, ZodError for what is no decision.
 */
export async function judgeElsewhere(
  guard: AnyDefinition,
  request: unknown,
  { needs, room }: Pick<Elsewhere, 'needs' | 'room'>,
  [program = '', ...args]: readonly string[],
  deadline: Deadline,
): Promise<Pick<Outcome, 'decision' | 'subject' | 'observed' | 'input'>> {
  const root = await ownPackage();
  const module = (name: string): string => pathToFileURL(join(root, 'dist/node', `${name}.js`)).href;
  const argv = ['--input-type=module', '--eval', JUDGE, module(room), module('kernel'), guard.id];
  const input = JSON.stringify(request);
  const { stdout, stderr } = await deadline.run(
    () =>
      new Promise<{ readonly stdout: string; readonly stderr: string }>((resolve) => {
        const { signal } = deadline;
        const child = execFile(
          program,
          [...args, process.execPath, ...argv],
          { signal, killSignal: 'SIGKILL' },
          (error, stdout, stderr) => resolve({ stdout, stderr: stderr || (error?.message ?? '') }),
        );
        child.stdin?.on('error', () => {}); // it ended before it read
        child.stdin?.end(input);
      }),
  );
  const [there, decided = ''] = stdout.split('\n');
  if (there !== 'there') {
    const lines = stderr.split('\n');
    const why = lines.find((line) => /error|fail|denied|not found/i.test(line)) ?? lines[0] ?? '';
    const shown = why.replaceAll(/\P{ASCII}|\p{Cc}/gu, '?').slice(0, 160);
    throw new DrillUnavailable(`It needs ${needs}; here: ${shown}`);
  }
  return { decision: decision.parse(JSON.parse(decided)), subject: undefined, observed: undefined, input };
}
