// Drills prove rules and mutants prove drills, or say that they do not.
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { DecisionDraft } from '../../src/evidence/record.ts';
import { bind } from '../../src/guards/bind/bind.ts';
import { defineGuard } from '../../src/kernel/define.ts';
import type { Guard, GuardDefinition, Rule } from '../../src/kernel/guard.ts';
import { type DrillOptions, type DrillResult, drillGuard } from '../../src/proof/drill.ts';
import { bindProof } from '../../src/proof/drills/bind/bind-proof.ts';
import {
  type BrokenLook,
  type Drill,
  DrillUnavailable,
  defineProof,
  type Live,
  type Proof,
} from '../../src/proof/proof.ts';
import { draft, scratch } from '../evidence/support.ts';
import { memoryJournal } from '../memory-journal.ts';

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

function numbers(
  rules: readonly Rule<number>[],
  drills: readonly Drill<number>[],
  brokenLooks: readonly BrokenLook<number>[] = [],
  over: Partial<GuardDefinition<number, number, object>> = {},
): Proof {
  const guard = defineGuard<number, number, object>({
    id: 'test/numbers',
    dimension: 'architecture_runtime_guardrails',
    request: z.int(),
    observe: async (request) => request,
    rules,
    grant: (facts) => Object.freeze({ facts }),
    ...over,
  });
  return defineProof({ guard, drills, brokenLooks });
}

/** What the drills showed, and which mutants were caught. */
async function run(proof: Proof): Promise<[Record<string, string | boolean>, Record<string, boolean>]> {
  const results = await drillGuard(proof, memoryJournal(), { mutants: true });
  const drills = results.filter(({ mutant }) => mutant === undefined);
  const mutants = results.filter(({ mutant }) => mutant !== undefined && mutant !== 'facts');
  return [
    Object.fromEntries(drills.map(({ drill: id, observed, passed }) => [id, passed || observed])),
    Object.fromEntries(mutants.map(({ mutant, passed }, index) => [`${mutant}#${index}`, passed])),
  ];
}

it('catches the mutant of a drilled rule and lets that of an undrilled one survive', async () => {
  const proof = numbers([rule('one', 1), rule('two', 2)], [drill('a', 1, 'one'), drill('b', 3, 'allow')]);
  expect(await run(proof)).toEqual([
    { a: true, b: true },
    { 'one#0': true, 'two#1': false },
  ]);
});

it('misses each of two rules with one code on its own', async () => {
  const proof = numbers([rule('same', 1), rule('same', 2)], [drill('a', 1, 'same')]);
  expect((await run(proof))[1]).toEqual({ 'same#0': true, 'same#1': false });
});

it('reports a drill that expects the wrong code, and lets it catch nothing', async () => {
  expect(await run(numbers([rule('one', 1)], [drill('a', 1, 'other')]))).toEqual([
    { a: 'one' },
    { 'one#0': false },
  ]);
});

it.each([
  ['drill.unavailable', new DrillUnavailable('install it')],
  ['drill.build-failed', new Error('no')],
])('never passes a drill that ended as %s, whatever it expects', async (code, error) => {
  const build = (): Promise<number> => Promise.reject(error);
  const proof = numbers([rule('one', 1)], [{ id: 'a', fault: 'f', expects: code, build }]);
  expect(await run(proof)).toEqual([{ a: code }, { 'one#0': false }]);
});

it('lets a failed look catch nothing', async () => {
  let down = false;
  const observe = async (request: number): Promise<number> => {
    if (down) throw new Error('down');
    return request;
  };
  const broken = { id: 'down', observe: () => Promise.reject(new Error('down')) };
  const proof = numbers([rule('one', 1)], [drill('a', 1, 'one')], [broken], { observe });
  expect((await run(proof))[1]).toEqual({ 'one#0': true, 'down#1': false });
  down = true;
  expect((await run(proof))[0]).toEqual({ a: 'guard.observe-failed' });
});

it('drills every look that is broken on purpose, and says which go unnoticed', async () => {
  const looks = [
    { id: 'sees-nothing', observe: async (): Promise<number> => 0 },
    { id: 'sees-all', observe: async (request: number): Promise<number> => request },
  ];
  const proof = numbers([rule('one', 1)], [drill('a', 1, 'one'), drill('b', 3, 'allow')], looks);
  expect((await run(proof))[1]).toEqual({ 'one#0': true, 'sees-nothing#1': true, 'sees-all#2': false });
});

it('says of a survivor that a drill that might have noticed could not be built', async () => {
  const build = (): Promise<number> => Promise.reject(new DrillUnavailable('Install it.'));
  const blind = { id: 'sees-nothing', observe: async (): Promise<number> => 3 };
  const proof = numbers([rule('one', 1)], [{ id: 'a', fault: 'f', expects: 'one', build }], [blind]);
  const results = await drillGuard(proof, memoryJournal(), { mutants: true });
  expect(results.map(({ passed, unavailable }) => [passed, unavailable])).toEqual(
    Array(4).fill([false, 'Install it.']),
  );
});

it('takes down everything, also after a step that failed, and goes on with the next drill', async () => {
  const undone: string[] = [];
  const build: Drill<number>['build'] = async (site) => {
    site.onCleanup(() => void undone.push('first'));
    site.onCleanup(() => Promise.reject(new Error('no')));
    return 3;
  };
  const proof = numbers(
    [rule('one', 1)],
    [{ id: 'a', fault: 'f', expects: 'allow', build }, drill('b', 3, 'allow')],
  );
  expect((await run(proof))[0]).toEqual({ a: 'drill.cleanup-failed', b: true });
  expect(undone).toEqual(['first']);
});

it('says when another state was built than the one that the drill is named for', async () => {
  const build: Drill<number>['build'] = async (site) => {
    site.fallBack('a one, for want of a two');
    return 1;
  };
  const proof = numbers([rule('one', 1)], [{ id: 'a', fault: 'a two', expects: 'one', build }]);
  const [result] = await drillGuard(proof, memoryJournal());
  expect(result).toMatchObject({ passed: true, fault: 'a two (built here as a one, for want of a two)' });
});

it('tells each result once its record is kept, and stops between drills when told to', async () => {
  const controller = new AbortController();
  const told: DrillResult[] = [];
  const journal = memoryJournal();
  const onResult = (result: DrillResult): void => {
    told.push(result);
    expect(journal.drafts.at(-1)?.id).toBe(result.evidenceId);
    controller.abort(new Error('stop'));
  };
  const proof = numbers([rule('one', 1)], [drill('a', 1, 'one'), drill('b', 3, 'allow')]);
  const stopped = drillGuard(proof, journal, { onResult, signal: controller.signal });
  await expect(stopped).rejects.toThrow('stop');
  expect(told.map(({ drill: id }) => id)).toEqual(['a']);
});

it('drills a guard of this package by its own proof and no other', async () => {
  expect(() => defineProof({ guard: bind, drills: [] })).toThrow(
    expect.objectContaining({ code: 'drill.house-guard' }),
  );
  const copy = { ...bindProof, drills: [] };
  await expect(drillGuard(copy, memoryJournal())).rejects.toThrow(TypeError);
  const spy = vi.spyOn(WeakSet.prototype, 'has').mockReturnValue(true);
  const accepted = await drillGuard(copy, memoryJournal()).then(
    () => true,
    () => false,
  );
  spy.mockRestore();
  expect(accepted).toBe(false);
});

it.each([-1, 0, Number.NaN, Number.POSITIVE_INFINITY])(
  'records nothing under a timeout of %s',
  async (timeoutMs) => {
    const journal = memoryJournal();
    const appended = vi.spyOn(journal, 'append');
    const proof = numbers([rule('n.two', 2)], [drill('a', 1, 'allow')]);
    await expect(drillGuard(proof, journal, { timeoutMs })).rejects.toMatchObject({ code: 'usage.timeout' });
    expect(appended).not.toHaveBeenCalled();
  },
);

it('runs the drills that are named and no mutant, and knows no others', async () => {
  const proof = numbers([rule('one', 1)], [drill('a', 1, 'one'), drill('b', 3, 'allow')]);
  const results = await drillGuard(proof, memoryJournal(), { only: ['b'], mutants: true });
  expect(results.map(({ drill: id, mutant }) => [id, mutant])).toEqual([['b', undefined]]);
  await expect(drillGuard(proof, memoryJournal(), { only: ['b', 'c'] })).rejects.toMatchObject({
    code: 'drill.unknown',
  });
});

it('names in each record the one drill that leaves it again', async () => {
  const journal = memoryJournal();
  await drillGuard(bindProof, journal, { only: ['star'] });
  expect(journal.drafts.at(-1)?.replay.argv).toEqual(['guardrails', 'drill', 'bind', '--only', 'star']);
});

it('begins each journal with a drill that must fail', async () => {
  const journal = memoryJournal();
  await drillGuard(bindProof, journal, { only: ['star'] });
  await drillGuard(bindProof, journal, { only: ['octal'] });
  expect(journal.drafts.map(({ guard, decision, probe }) => [guard.id, decision, probe?.passed])).toEqual([
    ['canary', 'refuse', false],
    ['bind', 'refuse', true],
    ['bind', 'refuse', true],
  ]);
});

it('cannot be given other drills for a guard of this package', () => {
  const { guard: own } = numbers([rule('one', 1)], []);
  let asked = 0;
  const shifty = {
    get guard() {
      return asked++ === 0 ? own : bind;
    },
    drills: [],
  };
  expect(defineProof(shifty as never).guard.id).toBe('test/numbers');
  const { drills, brokenLooks } = bindProof;
  expect([drills, brokenLooks, ...drills, ...brokenLooks].every((part) => Object.isFrozen(part))).toBe(true);
});

it('is the only way for a record of a drill into a journal', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory, signer: generateSigner('agilab-guardrails/test') });
  for (const mode of ['drill', 'mutant', 'live', 'run', 'repair'])
    await expect(journal.append({ ...draft(), mode } as never, '')).rejects.toMatchObject({
      code: 'journal.reserved-mode',
    });
  expect(await drillGuard(bindProof, journal)).not.toEqual([]);
  await journal.close();
  expect(readdirSync(directory)).toContain('checkpoint');
});

describe('the real subject', () => {
  const live = (request: number, digest: string | undefined = 'ab'.repeat(32)): Live<number> => ({
    subject: 'deployment',
    digest: async () => digest,
    build: async ({ state }) => (state === '/state' ? request : 1),
  });
  const proofWith = (about: Live<number>): Proof =>
    defineProof({
      guard: numbers([rule('one', 1)], []).guard as Guard<number, object>,
      drills: [drill('a', 1, 'one'), drill('b', 3, 'allow')],
      live: about,
    });
  const lastOf = async (about: Live<number>): Promise<unknown> => {
    const journal = memoryJournal();
    await drillGuard(proofWith(about), journal, { state: '/state' });
    const { mode, decision, subject, probe, replay } = journal.drafts.at(-1) as DecisionDraft;
    return { mode, decision, subject, observed: probe?.observed, passed: probe?.passed, argv: replay.argv };
  };
  const argv = ['guardrails', 'drill', 'test/numbers', '--only', 'live'];
  const subject = { kind: 'deployment', digest: `sha256:${'ab'.repeat(32)}` };

  it('is judged in the same run as the samples, and named by what it was', async () => {
    const base = { mode: 'live', argv };
    expect(await lastOf(live(3))).toEqual({
      ...base,
      decision: 'allow',
      subject,
      observed: 'allow',
      passed: true,
    });
    expect(await lastOf(live(1))).toEqual({
      ...base,
      decision: 'refuse',
      subject,
      observed: 'one',
      passed: false,
    });
    expect(await lastOf({ ...live(3), digest: async () => undefined })).toMatchObject({
      decision: 'error',
      subject: { kind: 'deployment' },
      observed: 'drill.unavailable',
      passed: false,
    });
  });

  it('is judged alone when it is named, and not at all without the state of a host', async () => {
    const ids = async (options: DrillOptions): Promise<readonly string[]> =>
      (await drillGuard(proofWith(live(3)), memoryJournal(), options)).map(({ drill: id }) => id);
    expect(await ids({ state: '/state', only: ['live'] })).toEqual(['live']);
    expect(await ids({})).toEqual(['a', 'b']);
    await expect(ids({ only: ['live'] })).rejects.toMatchObject({ code: 'drill.unknown' });
    expect(() => numbers([rule('one', 1)], [drill('live', 1, 'one')])).toThrow(TypeError);
  });
});

it('gives up on a state that is never built or never goes away, and takes down what there was', async () => {
  const undone: string[] = [];
  const never = new Promise<never>(() => {});
  let whenStuck = (): void => {};
  const stuck: Drill<number> = {
    id: 'stuck',
    fault: 'f',
    expects: 'one',
    build: async (site) => {
      const { directory } = site;
      site.onCleanup(() => void undone.push(directory));
      whenStuck();
      return await never;
    },
  };
  const stays: Drill<number> = {
    id: 'stays',
    fault: 'f',
    expects: 'one',
    build: async (site) => {
      const { directory } = site;
      site.onCleanup(() => void undone.push(directory));
      site.onCleanup(() => never);
      return 1;
    },
  };
  const proof = numbers([rule('one', 1)], [stuck, stays, drill('b', 3, 'allow')]);
  const results = await drillGuard(proof, memoryJournal(), { timeoutMs: 200 });
  expect(results.map(({ observed }) => observed)).toEqual([
    'drill.build-timeout',
    'drill.cleanup-failed',
    'allow',
  ]);
  expect(undone).toHaveLength(2);
  expect(undone.filter((directory) => existsSync(directory))).toEqual([]);
  const controller = new AbortController();
  whenStuck = () => controller.abort(new Error('stop'));
  const stopped = drillGuard(proof, memoryJournal(), { signal: controller.signal });
  await expect(stopped).rejects.toThrow('stop');
  expect(undone).toHaveLength(3);
});

it('lets facts that were closed meanwhile notice nothing', async () => {
  type Facts = { open: boolean };
  const guard = defineGuard<number, Facts, object>({
    id: 'test/closing',
    dimension: 'architecture_runtime_guardrails',
    request: z.int(),
    observe: async () => ({ open: true }),
    rules: [
      { code: 'open', remedy: 'r', refuses: ({ open }) => open && 'it is open' },
      { code: 'never', remedy: 'r', refuses: () => false },
    ],
    grant: () => Object.freeze({}),
    release: async (facts) => {
      facts.open = false;
    },
  });
  const proof = defineProof({ guard, drills: [drill('a', 1, 'open')] });
  const results = await drillGuard(proof, memoryJournal(), { mutants: true });
  expect(results.map(({ mutant, passed }) => [mutant, passed])).toEqual([
    [undefined, true],
    ['open', false],
    ['never', false],
    ['facts', false],
  ]);
});

describe('a fact that is always good', () => {
  interface Facts {
    readonly mode: number;
    readonly owners: readonly { readonly uid: number }[];
    readonly stopped?: { readonly at: string };
  }
  const sound: Facts = { mode: 0o600, owners: [{ uid: 0 }] };
  const rules: readonly Rule<Facts>[] = [
    {
      code: 'stopped',
      remedy: 'r',
      refuses: ({ stopped }) => stopped !== undefined && `stopped at ${stopped.at}`,
    },
    { code: 'mode', remedy: 'r', refuses: ({ mode }) => (mode & 0o022) !== 0 && 'open' },
    {
      code: 'owner',
      remedy: 'r',
      refuses: ({ owners }) => owners.some(({ uid }) => uid !== 0) && 'foreign',
    },
  ];
  const guard = defineGuard<Facts, Facts, object>({
    id: 'test/facts',
    dimension: 'architecture_runtime_guardrails',
    request: z.custom<Facts>(),
    observe: async (facts) => Object.freeze(facts),
    rules,
    grant: () => Object.freeze({}),
  });
  const stateOf = (id: string, expects: string, change: Partial<Facts>): Drill<Facts> => ({
    id,
    fault: id,
    expects,
    build: async () => ({ ...sound, ...change }),
  });
  const good = stateOf('good', 'allow', {});
  const open = stateOf('open', 'mode', { mode: 0o666 });
  const stopped = stateOf('stopped', 'stopped', { stopped: { at: 'the root' } });
  const foreign = stateOf('foreign', 'owner', { owners: [...sound.owners, { uid: 7 }] });
  const factsOf = async (
    drills: readonly Drill<Facts>[],
    excused: Readonly<Record<string, string>> = {},
  ): Promise<DrillResult | undefined> =>
    (await drillGuard(defineProof({ guard, drills, excused }), memoryJournal(), { mutants: true })).at(-1);

  it('is missed by the drill that made it bad, absence and lists included', async () => {
    expect(await factsOf([good, open, stopped, foreign])).toMatchObject({
      mutant: 'facts',
      passed: true,
      fault: 'each of 4 facts that its rules read, always good',
    });
  });

  it('is named where no drill makes it bad, unless the proof says why none need', async () => {
    const unnoticed = await factsOf([good, stopped, foreign]);
    expect(unnoticed).toMatchObject({ passed: false, observed: 'drill.unnoticed' });
    expect(unnoticed?.fault).toMatch(/nobody missed mode$/);
    expect(await factsOf([good, stopped, foreign], { mode: 'asked for' })).toMatchObject({ passed: true });
  });
});
