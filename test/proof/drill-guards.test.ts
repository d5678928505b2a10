// Several guards drilled at once tell what one after another would, and none is left behind by another's failure.
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { defineGuard } from '../../src/kernel/define.ts';
import { drillGuards } from '../../src/proof/drill-guards.ts';
import { type Drill, type DrillSite, defineProof, type Proof } from '../../src/proof/proof.ts';
import { memoryJournal } from '../memory-journal.ts';

/** A promise that somebody else resolves; Node 20 has no `Promise.withResolvers`. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((given) => {
    resolve = given;
  });
  return { promise, resolve };
}

function proofOf(id: string, build: (site: DrillSite) => Promise<number>): Proof {
  const guard = defineGuard<number, number, object>({
    id: `test/${id}`,
    dimension: 'architecture_runtime_guardrails',
    request: z.int(),
    observe: async (request) => request,
    rules: [{ code: 'bad', remedy: 'r', refuses: (n) => n === 1 && 'it is bad' }],
    grant: (facts) => Object.freeze({ facts }),
  });
  const drill = (name: string, over: Partial<Drill<number>>): Drill<number> => ({
    id: name,
    fault: name,
    expects: 'allow',
    build: async () => 2,
    ...over,
  });
  return defineProof({ guard, drills: [drill('bad', { build, expects: 'bad' }), drill('good', {})] });
}

it('tells of the guards in their order, whichever is done first, and runs the drill that must fail once', async () => {
  const last = deferred();
  const proofs = [
    proofOf('first', async () => {
      await last.promise; // nobody comes here but beside the others
      return 1;
    }),
    proofOf('second', async () => 1),
    proofOf('third', async () => {
      last.resolve();
      return 1;
    }),
  ];
  const journal = memoryJournal();
  const told: string[] = [];
  const results = await drillGuards(proofs, journal, {
    onResult: ({ guard, drill }) => void told.push(`${guard} ${drill}`),
  });
  const expected = ['first', 'second', 'third'].flatMap((id) => [`test/${id} bad`, `test/${id} good`]);
  expect(told).toEqual(expected);
  expect(results.map(({ guard, drill }) => `${guard} ${drill}`)).toEqual(expected);
  expect(results.every(({ passed }) => passed)).toBe(true);
  expect(journal.drafts.filter(({ guard }) => guard.id === 'canary')).toHaveLength(1);
});

it('drills more guards than run at once', async () => {
  const proofs = Array.from({ length: 11 }, (_, n) => proofOf(`n${n}`, async () => 1));
  const results = await drillGuards(proofs, memoryJournal());
  expect(results.map(({ guard }) => guard)).toEqual(proofs.flatMap(({ guard }) => [guard.id, guard.id]));
});

it('ends the others when one cannot go on, and takes down what they had built', async () => {
  let directory = '';
  const begun = deferred();
  const waits = proofOf('waits', (site) => {
    directory = site.directory;
    begun.resolve();
    return new Promise(() => {});
  });
  const breaks = proofOf('breaks', async () => {
    await begun.promise;
    return 1;
  });
  const onResult = (): void => {
    throw new Error('nobody listens');
  };
  await expect(drillGuards([breaks, waits], memoryJournal(), { onResult })).rejects.toThrow('nobody listens');
  expect(directory).not.toBe('');
  expect(existsSync(directory)).toBe(false);
});

it('ends for a caller who gave up, and begins nothing more', async () => {
  const caller = new AbortController();
  let begun = 0;
  const proofs = Array.from({ length: 9 }, (_, n) =>
    proofOf(`n${n}`, () => {
      begun++;
      caller.abort(new Error('enough'));
      return new Promise(() => {});
    }),
  );
  await expect(drillGuards(proofs, memoryJournal(), { signal: caller.signal })).rejects.toThrow('enough');
  expect(begun).toBeLessThan(9);
});
