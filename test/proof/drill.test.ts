// Drills prove rules and mutants prove drills, or say that they do not.
import { expect, it } from 'vitest';
import * as z from 'zod';
import type { Drill, Guard, Rule } from '../../src/kernel/guard.ts';
import { DrillUnavailable, drillGuard, drillMutants, mutantsOf } from '../../src/proof/drill.ts';

const journal = { append: async (): Promise<void> => {} };
const rule = (code: string, bad: number): Rule<number> => ({
  code,
  remedy: 'r',
  refuses: (n) => n === bad && `${bad} is bad`,
});
const drill = (id: string, request: number, expects: string): Drill<number> => ({
  id,
  fault: id,
  expects,
  build: async () => request,
});

/** A class with private state, as a real guard may be. */
class Numbers implements Guard<number, number, number> {
  readonly id = 'numbers';
  readonly dimension = 'architecture_runtime_guardrails';
  readonly request: z.ZodType<number> = z.int();
  readonly #offset = 0;
  readonly rules: readonly Rule<number>[];
  readonly drills: readonly Drill<number>[];
  constructor(rules: readonly Rule<number>[], drills: readonly Drill<number>[]) {
    this.rules = rules;
    this.drills = drills;
  }
  async observe(request: number): Promise<number> {
    return request + this.#offset;
  }
  grant(facts: number): number {
    return facts;
  }
}

async function run(guard: Numbers): Promise<[Record<string, string | boolean>, Record<string, boolean>]> {
  const drills = await drillGuard(guard, journal);
  const mutants = await drillMutants(guard, drills, journal);
  return [
    Object.fromEntries(drills.map(({ drill: id, observed, passed }) => [id, passed || observed])),
    Object.fromEntries(mutants.map(({ mutant, passed }, index) => [`${mutant}#${index}`, passed])),
  ];
}

it('kills the mutant of a drilled rule and lets that of an undrilled one survive, in a guard with private state', async () => {
  const guard = new Numbers([rule('one', 1), rule('two', 2)], [drill('a', 1, 'one'), drill('b', 3, 'allow')]);
  expect(await run(guard)).toEqual([
    { a: true, b: true },
    { 'one#0': true, 'two#1': false },
  ]);
  expect(mutantsOf(guard)).toHaveLength(2);
});

it('misses each of two rules with one code on its own', async () => {
  const guard = new Numbers([rule('same', 1), rule('same', 2)], [drill('a', 1, 'same')]);
  expect((await run(guard))[1]).toEqual({ 'same#0': true, 'same#1': false });
});

it('reports a drill that expects the wrong code, and lets it kill nothing', async () => {
  const guard = new Numbers([rule('one', 1)], [drill('a', 1, 'other')]);
  expect(await run(guard)).toEqual([{ a: 'one' }, { 'one#0': false }]);
});

it.each([
  ['drill.unavailable', new DrillUnavailable('install it')],
  ['drill.build-failed', new Error('no')],
])('never passes a drill that ended as %s, whatever it expects', async (code, error) => {
  const build = (): Promise<number> => Promise.reject(error);
  const guard = new Numbers([rule('one', 1)], [{ id: 'a', fault: 'f', expects: code, build }]);
  expect(await run(guard)).toEqual([{ a: code }, { 'one#0': false }]);
});

it('counts no failed look as noticing: a broken observe kills no mutant', async () => {
  const guard = new Numbers([rule('one', 1)], [drill('a', 1, 'one')]);
  const results = await drillGuard(guard, journal);
  guard.observe = () => Promise.reject(new Error('down'));
  expect((await drillMutants(guard, results, journal)).map(({ passed }) => passed)).toEqual([false]);
});

it('drills every look that a guard lists as broken, and says which go unnoticed', async () => {
  const guard = Object.assign(new Numbers([rule('one', 1)], [drill('a', 1, 'one'), drill('b', 3, 'allow')]), {
    mutants: [
      { id: 'sees-nothing', observe: async (): Promise<number> => 0 },
      { id: 'sees-all', observe: async (request: number): Promise<number> => request },
    ],
  });
  expect((await run(guard))[1]).toEqual({ 'one#0': true, 'sees-nothing#1': true, 'sees-all#2': false });
});

it('takes down everything, also after a step that failed', async () => {
  const undone: string[] = [];
  const build: Drill<number>['build'] = async (site) => {
    site.onCleanup(() => void undone.push('first'));
    site.onCleanup(() => Promise.reject(new Error('no')));
    return 1;
  };
  const guard = new Numbers([], [{ id: 'a', fault: 'f', expects: 'allow', build }]);
  await expect(drillGuard(guard, journal)).rejects.toThrow('no');
  expect(undone).toEqual(['first']);
});
