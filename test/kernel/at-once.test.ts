// A list is worked off by no more than were asked for, and its order is kept.
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mapAtOnce } from '../../src/kernel/at-once.ts';

it('does all of them, never more at once, and returns them in order', async () => {
  const list = fc.array(fc.nat(3), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(list, fc.integer({ min: 1, max: 5 }), async (items, limit) => {
      let running = 0;
      let most = 0;
      const done = await mapAtOnce(items, limit, async (item, n) => {
        most = Math.max(most, ++running);
        await sleep(item);
        running--;
        return [n, item];
      });
      expect(done).toEqual(items.map((item, n) => [n, item]));
      expect(most).toBe(Math.min(limit, items.length));
    }),
    { numRuns: 30 },
  );
});

it('throws what failed first, when all that ran has ended, and begins nothing after it', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (item: number, _n: number, signal: AbortSignal): Promise<void> => {
    begun.push(item);
    if (item === 1) throw new Error('one');
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    ended.push(item);
    throw new Error('after it');
  };
  await expect(mapAtOnce([0, 1, 2, 3], 2, work)).rejects.toThrow('one');
  expect({ begun, ended }).toEqual({ begun: [0, 1], ended: [0] });
});

it('ends for its caller', async () => {
  const gone = AbortSignal.abort(new Error('gone'));
  await expect(mapAtOnce([1], 1, async () => expect.fail('begun'), gone)).rejects.toThrow('gone');
});
