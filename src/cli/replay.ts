// `guardrails scorecard --replay N`: runs again what was drawn, each guard in a process of its own without any option of Node
// and with a journal of its own, and says what came out.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { mapAtOnce } from '../kernel/at-once.ts';
import type { Drawn, Replayed } from '../scorecard/replay-draw.ts';

const results = z.object({
  drills: z.array(z.object({ drill: z.string(), observed: z.string(), fixture: z.string().optional() })),
  mutants: z.array(z.object({ mutant: z.string(), passed: z.boolean() })),
});
type Results = z.infer<typeof results>;

/** What a child may know of its caller: nothing that makes Node load other code. */
const KEPT = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'];

/** Each is a process, which computes more than it waits. */
const AT_ONCE = 2;

/** A guard that hangs must not hang the scorecard, in milliseconds. */
const TIMEOUT_MS = 300_000;

async function runAgain(guard: string, args: readonly string[], state: string): Promise<Results | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-replay-'));
  const main = process.argv[1] ?? '';
  const loader = main.endsWith('.ts') ? process.execArgv : []; // the sources do not run without one
  const own = ['--dir', join(directory, 'state'), 'drill', guard, '--json', '--about', state];
  const argv = [...loader, main, ...own, ...args];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => KEPT.includes(name) || name.startsWith('GUARDRAILS_')),
  );
  const options = { cwd: directory, env, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
  try {
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, argv, options, (_error, text) => resolve(text)); // exit 1: some drill failed
    });
    return results.safeParse(JSON.parse(stdout)).data;
  } catch {
    return undefined;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Runs again what was drawn; of the guards in `whole` every mutant as well. Live probes are asked about the state directory
 * `state`, which the records are from.
 */
export async function replay(
  drawn: readonly Drawn[],
  whole: readonly { readonly guard: string; readonly mutants: readonly string[] }[],
  state: string,
): Promise<readonly Replayed[]> {
  const guards = [...new Set([...drawn, ...whole].map((each) => each.guard))];
  const replayed = await mapAtOnce(guards, AT_ONCE, async (guard): Promise<readonly Replayed[]> => {
    const mutants = whole.find((each) => each.guard === guard)?.mutants;
    const chosen = drawn.filter((each) => each.guard === guard);
    const args = mutants ? ['--mutants'] : ['--only', ...chosen.map(({ drill }) => drill)];
    const seen = await runAgain(guard, args, resolve(state));
    const outcomes = new Map(seen?.drills.map((each) => [each.drill, each]));
    const caught = new Set(seen?.mutants.filter(({ passed }) => passed).map(({ mutant }) => mutant));
    return [
      ...chosen.map((each) => {
        const { observed = 'no answer', fixture: built } = outcomes.get(each.drill) ?? {};
        return { ...each, seen: observed, built };
      }),
      ...(mutants ?? []).map((id) => ({
        guard,
        drill: `mutant ${id}`,
        recorded: 'caught',
        seen: caught.has(id) ? 'caught' : 'alive',
      })),
    ];
  });
  return replayed.flat();
}
