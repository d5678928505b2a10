// States that are judged in a process of another place: what it says counts, and where it could not be made is told.
import { expect, it } from 'vitest';
import { definitionOf } from '../../src/kernel/define.ts';
import { drillGuard } from '../../src/proof/drill.ts';
import { capacityModelProof } from '../../src/proof/drills/capacity-model/capacity-model-proof.ts';
import { type Run, runDrill } from '../../src/proof/run.ts';
import { leftOut } from '../left-out.ts';
import { memoryJournal } from '../memory-journal.ts';

const sealed = capacityModelProof.drills.find(({ id }) => id === 'sealed');
const TIMEOUT = { timeout: 60_000 };

/** Judges the sealed model in the place that a command makes. */
async function judgedWithin(...within: string[]): Promise<Run> {
  if (!sealed) throw new TypeError('the drill is gone');
  const elsewhere = { needs: 'a place', room: 'capacity', within: () => within };
  const guard = definitionOf(capacityModelProof.guard);
  return await runDrill(guard, { ...sealed, elsewhere }, { timeoutMs: 50_000 });
}

it('is the guard’s own decision, and its state has a digest that holds the place', TIMEOUT, async () => {
  const here = await judgedWithin('env');
  const there = await judgedWithin('env', 'PLACE=other');
  expect([here.observed, there.observed]).toEqual(['allow', 'allow']);
  expect(here.fixture).toMatch(/^[0-9a-f]{64}$/);
  expect(there.fixture).not.toBe(here.fixture);
});

it.each([
  ['the program is not there', ['no-such-program'], /^It needs a place; here: .*no-such-program/],
  [
    'it is forbidden',
    ['sh', '-c', 'echo operation denied >&2; exit 1'],
    /^It needs a place; here: operation denied$/,
  ],
])('says that a place cannot be made: %s', TIMEOUT, async (_why, within, unavailable) => {
  const run = await judgedWithin(...within);
  expect(run).toMatchObject({
    observed: 'drill.unavailable',
    unavailable: expect.stringMatching(unavailable),
  });
  expect(run.fixture).toBeUndefined();
});

it.each([
  ['dies', 'echo there; exit 1'],
  ['answers something else', 'echo there; echo "{}"'],
])('is no excuse for a guard that %s in it', TIMEOUT, async (_how, script) => {
  const run = await judgedWithin('sh', '-c', script);
  expect(run.observed).toBe('drill.build-failed');
  expect(run.unavailable).toBeUndefined();
});

it('shows owners that lie, or says what this machine lacks', {
  ...TIMEOUT,
  ...leftOut(process.platform !== 'linux' && 'not Linux'),
}, async () => {
  const only = ['user-namespace', 'overlay', 'fuse-owner'];
  const results = await drillGuard(capacityModelProof, memoryJournal(), { only });
  expect(results.map(({ drill }) => drill)).toEqual(only);
  for (const { passed, unavailable } of results)
    expect(passed || unavailable?.startsWith('It needs ')).toBe(true);
});
