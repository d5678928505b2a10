// Tables of names with one entry otherwise: a drill must miss it, and nobody else may ever see it.
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineGuard } from '../../src/kernel/define.ts';
import { judge } from '../../src/kernel/enforce.ts';
import type { Guard, GuardDefinition } from '../../src/kernel/guard.ts';
import { proofs } from '../../src/proof/catalogue.ts';
import { type NameTable, withChangedTable } from '../../src/proof/changed-table.ts';
import { type DrillResult, drillGuard } from '../../src/proof/drill.ts';
import { claimsOf } from '../../src/proof/lock.ts';
import { type Drill, DrillUnavailable, defineProof, type Proof, tablesOf } from '../../src/proof/proof.ts';
import type { ProofTable } from '../../src/proof/tables.ts';
import { memoryJournal } from '../memory-journal.ts';

interface Facts {
  readonly name: string;
  readonly isKnown: boolean;
}

/** A guard that lets no name through which a table has, or none but those. The look asks it, or a rule does. */
function guardBy(
  asks: 'look' | 'rule',
  refuses: (name: string) => boolean,
  over: Partial<GuardDefinition<string, Facts, object>> = {},
): Guard<string, object> {
  return defineGuard<string, Facts, object>({
    id: 'test/names',
    dimension: 'architecture_runtime_guardrails',
    request: z.string(),
    observe: async (name) => {
      await setImmediate(); // as a look that reads a file
      return { name, isKnown: asks === 'look' && refuses(name) };
    },
    rules: [
      {
        code: 'name',
        remedy: 'r',
        refuses: ({ name, isKnown }) => (isKnown || (asks === 'rule' && refuses(name))) && 'it is known',
      },
    ],
    grant: () => Object.freeze({}),
    ...over,
  });
}

const drill = (name: string, expects = 'name', build = async (): Promise<string> => name): Drill<string> => ({
  id: name,
  fault: name,
  expects,
  build,
});
const GOOD = drill('good', 'allow');

async function tableOf(
  guard: Guard<string, object>,
  drills: readonly Drill<string>[],
  table: ProofTable<string>,
): Promise<DrillResult | undefined> {
  const proof = defineProof({ guard, drills, tables: [table] });
  return (await drillGuard(proof, memoryJournal(), { mutants: true })).at(-1);
}

const deny = (denies: NameTable, excused = {}): ProofTable<string> => ({
  id: 'bad',
  what: 'bad names',
  denies,
  drillOf: (entry) => entry,
  excused,
});

describe.each(['look', 'rule'] as const)('a table that a %s asks', (asks) => {
  it('is missed entry by entry, as one finding', async () => {
    const denied = new Map([
      ['eval', 1],
      ['exec', 2],
    ]);
    const guard = guardBy(asks, (name) => denied.get(name) !== undefined);
    expect(await tableOf(guard, [drill('eval'), drill('exec'), GOOD], deny(denied))).toMatchObject({
      mutant: 'table.bad',
      fault: 'each of 2 bad names, taken out of its table',
      drill: 'eval',
      expected: 'name',
      observed: 'allow',
      passed: true,
    });
  });

  it('has an entry without a drill, or with one that does not miss it: it is named', async () => {
    const denied = new Set(['eval', 'exec', 'twice']);
    const guard = guardBy(asks, (name) => denied.has(name) || name === 'twice');
    const drills = [drill('eval'), drill('twice'), GOOD];
    expect(await tableOf(guard, drills, deny(denied))).toMatchObject({
      drill: 'every drill',
      observed: 'drill.unnoticed',
      passed: false,
      fault: 'each of 3 bad names, taken out of its table; nobody missed exec twice',
    });
    const excused = { exec: 'a reason', twice: 'another' };
    expect(await tableOf(guard, drills, deny(denied, excused))).toMatchObject({
      passed: true,
      fault: 'each of 1 bad names, taken out of its table',
    });
  });

  it('is one of names that are let through: a foreign one is missed, or nobody asks the table', async () => {
    const allowed = new Set(['good']);
    const foreign = { entry: 'eval', drill: 'eval' };
    const table = { id: 'good', what: 'good names', allows: allowed, foreign };
    const drills = [drill('eval'), GOOD];
    const asked = guardBy(asks, (name) => !allowed.has(name));
    const unasked = guardBy(asks, (name) => name !== 'good');
    expect(await tableOf(asked, drills, table)).toMatchObject({
      mutant: 'table.good',
      fault: 'a foreign entry in the good names: eval',
      passed: true,
    });
    expect(await tableOf(unasked, drills, table)).toMatchObject({
      fault: 'a foreign entry in the good names: eval; nobody missed eval',
      passed: false,
    });
  });
});

it('is looked at again by a part of the look where the proof names one', async () => {
  const denied = new Set(['eval']);
  let looks = 0;
  const guard = guardBy('look', (name) => ++looks > 0 && denied.has(name));
  const look = async (name: string, facts: unknown): Promise<unknown> => ({
    ...(facts as Facts),
    isKnown: denied.has(name),
  });
  expect(await tableOf(guard, [drill('eval'), GOOD], { ...deny(denied), look })).toMatchObject({
    passed: true,
  });
  expect(looks).toBe(2); // once for each drill
});

it('says nothing of an entry whose drill cannot be built here, or whose look fails', async () => {
  const denied = new Set(['eval']);
  const by = guardBy('look', (name) => denied.has(name));
  const nowhere = drill('eval', 'name', async () => {
    throw new DrillUnavailable('Install it.');
  });
  expect(await tableOf(by, [nowhere, GOOD], deny(denied))).toMatchObject({
    passed: false,
    unavailable: 'Install it.',
  });
  const failing = guardBy('look', (name) => {
    if (name === 'eval' && !denied.has(name)) throw new Error('the table has a hole');
    return denied.has(name);
  });
  expect(await tableOf(failing, [drill('eval'), GOOD], deny(denied))).toMatchObject({ passed: false });
  expect([...denied]).toEqual(['eval']);
});

it('is whole for whoever asks meanwhile, and for all when the work failed', async () => {
  const denied = new Map([['eval', 'a reason']]);
  const guard = guardBy('look', (name) => denied.has(name));
  let meanwhile: (() => void) | undefined;
  const started = new Promise<void>((resolve) => {
    meanwhile = resolve;
  });
  const within = withChangedTable(denied, 'eval', undefined, async () => {
    meanwhile?.();
    const { decision } = await judge(guard, 'eval');
    return { decision, has: denied.has('eval'), all: [...denied], size: denied.size };
  });
  await started;
  const [{ decision }, inside] = await Promise.all([judge(guard, 'eval'), within]);
  expect(decision).toBe('refuse');
  expect(inside).toEqual({ decision: 'allow', has: false, all: [], size: 0 });
  const failed = withChangedTable(denied, 'new', 'value', async () => {
    throw new Error(denied.get('new'));
  });
  await expect(failed).rejects.toThrow('value');
  expect([denied.get('eval'), denied.size, Object.getOwnPropertyNames(denied)]).toEqual(['a reason', 1, []]);
});

it('is claimed as a mutant, so that a declaration which is gone is one mutant less', () => {
  const guard = guardBy('rule', () => false);
  const denied = new Set(['eval']);
  const mutantsOf = (proof: Proof): readonly string[] | undefined => claimsOf([proof], []).claims[0]?.mutants;
  const drills = [GOOD];
  expect(mutantsOf(defineProof({ guard, drills, tables: [deny(denied)] }))).toEqual([
    'name',
    'facts',
    'table.bad',
  ]);
  expect(mutantsOf(defineProof({ guard, drills }))).toEqual(['name', 'facts']);
  const twice = { guard, drills, tables: [deny(denied), deny(denied)] };
  expect(() => defineProof(twice)).toThrow('two tables');
  expect(() => defineProof({ guard, drills, tables: [deny(Object.freeze(new Set(['x'])))] })).toThrow(
    'frozen',
  );
  expect(() => defineProof({ guard, drills, tables: [deny(['x'] as never)] })).toThrow('a set or a map');
});

it('cannot be reached from what is public: neither by a proof nor by a room', async () => {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  const files = Object.values(exports).flatMap((each) => (typeof each === 'string' ? [] : [each.types]));
  expect(files).toContain('./dist/proof/index.d.ts');
  const sources = files.map((file) => file.replace('./dist', '../../src').replace('.d.ts', '.ts'));
  const rooms = await Promise.all(sources.map((source) => import(source) as Promise<object>));
  const pending: unknown[] = rooms.flatMap((room) => Object.values(room));
  const tables = new Set<unknown>(proofs.flatMap(tablesOf).map(({ table }) => table));
  expect(tables.size).toBeGreaterThan(20);
  const seen = new Set<unknown>();
  while (pending.length > 0) {
    const value = pending.pop();
    const hasParts = (typeof value === 'object' && value !== null) || typeof value === 'function';
    if (!hasParts || seen.has(value)) continue;
    seen.add(value);
    for (const key of Reflect.ownKeys(value))
      pending.push(Reflect.getOwnPropertyDescriptor(value, key)?.value);
    if (value instanceof Map || value instanceof Set) pending.push(...value.values(), ...value.keys());
  }
  expect(seen).toContain(proofs);
  expect([...tables].filter((table) => seen.has(table))).toEqual([]);
});
