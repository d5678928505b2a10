// `guardrails scorecard --replay N`: runs again what was drawn, in a process of its own without any option of Node and with a
// journal of its own, and says what came out.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import type { Drawn, Replayed } from '../scorecard/replay-draw.ts';

const results = z.object({
  drills: z.array(
    z.object({ guard: z.string(), drill: z.string(), observed: z.string(), fixture: z.string().optional() }),
  ),
  mutants: z.array(z.object({ guard: z.string(), mutant: z.string(), passed: z.boolean() })),
});
type Results = z.infer<typeof results>;

/** What a child may know of its caller: nothing that makes Node load other code. */
const KEPT = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'];

/** A drill has a deadline of its own; all of them together must not hang the scorecard, in milliseconds. */
const TIMEOUT_MS = 1_800_000;

async function runAgain(args: readonly string[], state: string): Promise<Results | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-replay-'));
  const main = process.argv[1] ?? '';
  const loader = main.endsWith('.ts') ? process.execArgv : []; // the sources do not run without one
  const own = ['--dir', join(directory, 'state'), 'drill', '--json', '--about', state];
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

const named = (guard: string, id: string): string => `${guard}/${id}`;

/** Names of all that this package could run again: asked for anything else, the process would run nothing. */
async function knownNames(): Promise<ReadonlySet<string>> {
  const { proofs } = await import('../proof/catalogue.ts');
  const { LIVE } = await import('../proof/proof.ts');
  return new Set(
    proofs.flatMap(({ guard, drills, live }) => [
      guard.id,
      ...[...drills.map(({ id }) => id), ...(live ? [LIVE] : [])].map((id) => named(guard.id, id)),
    ]),
  );
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
  const about = resolve(state);
  const known = await knownNames();
  const guards = whole.map(({ guard }) => guard).filter((guard) => known.has(guard));
  const apart = drawn.filter(({ guard }) => !guards.includes(guard));
  const only = apart.map(({ guard, drill }) => named(guard, drill)).filter((name) => known.has(name));
  const runs = [
    only.length > 0 ? await runAgain(['--only', ...only], about) : undefined,
    guards.length > 0 ? await runAgain(['--mutants', ...guards], about) : undefined,
  ];
  const drills = new Map(
    runs.flatMap((run) => run?.drills ?? []).map((each) => [named(each.guard, each.drill), each]),
  );
  const caught = new Set(
    runs
      .flatMap((run) => run?.mutants ?? [])
      .filter(({ passed }) => passed)
      .map(({ guard, mutant }) => named(guard, mutant)),
  );
  return [
    ...drawn.map((each) => {
      const { observed = 'no answer', fixture: built } = drills.get(named(each.guard, each.drill)) ?? {};
      return { ...each, seen: observed, built };
    }),
    ...whole.flatMap(({ guard, mutants }) =>
      mutants.map((id) => ({
        guard,
        drill: `mutant ${id}`,
        recorded: 'caught',
        seen: caught.has(named(guard, id)) ? 'caught' : 'alive',
      })),
    ),
  ];
}
