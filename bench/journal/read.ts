// Reading: what verification, opening and one check cost, and whether that depends on how long the journal is. LINES sets the
// length; the figures of a million lines are by LINES=1000000.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unrestricted } from '../../dist/evidence/journal.js';
import { loadSigner } from '../../dist/evidence/key-store.js';
import { readLines } from '../../dist/evidence/lines.js';
import { openJournal } from '../../dist/evidence/open-journal.js';
import type { DecisionDraft } from '../../dist/evidence/record.js';
import { openState } from '../../dist/evidence/state.js';
import { load } from './append.ts';
import { type Cost, cost, inTurns, show } from './cost.ts';

const LINES = Number(process.env['LINES'] ?? 100_000);

/** Makes a state directory with a sealed journal of so many decisions. */
async function filled(dir: string, lines: number): Promise<string> {
  const journal = await openState({ dir });
  for (let left = lines; left > 0; left -= 20_000)
    await load((each) => journal.append(each, '{"port":8501}'), Math.min(left, 20_000), 1_024);
  await journal.close();
  return dir;
}

/** So many records a full run of this package's drills leaves. */
const OF_A_RUN = 2_500;

/** Makes a state directory with a sealed journal of so many drills of 25 guards, in one run after the other. */
async function drilled(dir: string, lines: number): Promise<string> {
  for (let left = lines; left > 0; left -= OF_A_RUN) {
    const journal = await openState({ dir });
    const sink = unrestricted(journal);
    let at = 0;
    const drill = (each: DecisionDraft): Promise<unknown> => {
      at += 1;
      const expected = each.codes[0] ?? each.decision;
      const probe = { drill: `d${at}`, fault: 'none', expected, observed: expected, passed: true };
      const guard = { ...each.guard, id: `bench/guard-${at % 25}` };
      return sink.append(
        { ...each, guard, mode: 'drill', probe, replay: { argv: ['drill'] } },
        '{"port":8501}',
      );
    };
    await load(drill, Math.min(left, OF_A_RUN), 1_024);
    await journal.close();
  }
  return dir;
}

interface Verified extends Cost {
  readonly ok: boolean;
  readonly size: number;
  readonly resident: number;
  readonly longest: number;
}

function verifyOnce(dir: string, by = new URL('verify-once.mjs', import.meta.url)): Verified {
  const script = fileURLToPath(by);
  const { stdout } = spawnSync(process.execPath, [script, dir], { encoding: 'utf8' });
  const verified = JSON.parse(stdout) as Verified;
  if (!verified.ok) throw new Error('the journal of the bench does not verify');
  return verified;
}

const perLine = ({ cpu, wall, size }: Verified): Cost => ({ cpu: cpu / size, wall: wall / size });

async function verifyBench(long: string, short: string): Promise<void> {
  const whole = verifyOnce(long);
  const plain = await cost(whole.size, async () => {
    for await (const batch of readLines(join(long, 'journal'))) {
      for (const { bytes } of batch) {
        createHash('sha256').update(bytes).digest();
        JSON.parse(Buffer.from(bytes).toString('utf8'));
      }
    }
  });
  show(`verify ${whole.size} lines`, perLine(whole), plain, 'SHA-256 and JSON.parse', 'at most 2 CPU');
  const part = verifyOnce(short);
  show('verify, a line', perLine(whole), perLine(part), `of ${part.size} lines`, 'about 1: linear');
  console.log(
    `verify ${whole.size} lines: at most ${whole.resident.toFixed(0)} MB resident (goal 200), ` +
      `longest turn of the event loop ${whole.longest.toFixed(1)} ms (goal 20)`,
  );
}

async function openBench(long: string, short: string): Promise<void> {
  const opening = async (dir: string): Promise<() => Promise<Cost>> => {
    const signer = await loadSigner(dir);
    return async () => {
      let closed: Promise<void> | undefined;
      const each = await cost(1_000, async () => {
        closed = (await openJournal({ directory: join(dir, 'journal'), signer })).close();
      });
      await closed;
      return each;
    };
  };
  const { after, early } = await inTurns(7, { after: await opening(long), early: await opening(short) });
  const ms = ({ cpu, wall }: Cost): string => `${cpu.toFixed(1)} ms CPU, ${wall.toFixed(1)} wall`;
  console.log(`open after ${LINES} lines: ${ms(after)}; after ${LINES / 10} ${ms(early)} (goal 50 ms)`);
}

/** Microseconds of CPU of all children that ended (proc_pid_stat(5), cutime and cstime, in ticks of 10 ms). */
function ofChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10_000;
}

async function checkBench(long: string, empty: string): Promise<void> {
  const cli = fileURLToPath(new URL('../../dist/node/main.js', import.meta.url));
  const request = '{"sources":[{"from":"cli","value":"127.0.0.1"}],"port":8501}';
  const checking = (dir: string) => async (): Promise<Cost> => {
    const [before, started] = [ofChildren(), performance.now()];
    spawnSync(process.execPath, [cli, '--dir', dir, 'check', 'bind', '--json', request]);
    return { cpu: ofChildren() - before, wall: (performance.now() - started) * 1_000 };
  };
  const { after, early } = await inTurns(7, { after: checking(long), early: checking(empty) });
  show(`guardrails check after ${LINES} lines`, after, early, 'on an empty journal', 'about 1');
}

/** What it costs to score a journal, verification and all, beside verification alone. */
function scoreBench(long: string, of: string): void {
  const scored = verifyOnce(long, new URL('score-once.mjs', import.meta.url));
  const verified = verifyOnce(long);
  const name = `score ${scored.size} lines, ${of}`;
  show(name, perLine(scored), perLine(verified), 'verification alone', 'at most 1.5');
  console.log(`${name}: at most ${scored.resident.toFixed(0)} MB resident (goal 250)`);
}

/** Measures what reading costs. */
export async function readBench(directory: string): Promise<void> {
  const long = await filled(join(directory, 'long'), LINES);
  const short = await filled(join(directory, 'short'), LINES / 10);
  await verifyBench(long, short);
  scoreBench(long, 'decisions');
  scoreBench(await drilled(join(directory, 'drilled'), LINES), `drills in ${LINES / OF_A_RUN} runs`);
  await openBench(long, short);
  await checkBench(long, await filled(join(directory, 'empty'), 0));
}
