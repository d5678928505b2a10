import { expect, it } from 'vitest';
import { Semaphore } from '../../../src/ssh/transport/semaphore.ts';

it('never lets more in than its limit, lets all in, and in order', async () => {
  const semaphore = new Semaphore(3);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const visit = async (index: number): Promise<void> => {
    const release = await semaphore.acquire();
    order.push(index);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside--;
    release();
    release(); // a second release must not make room
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => visit(index)));
  expect([most, order]).toEqual([3, Array.from({ length: 20 }, (_, index) => index)]);
});

it('lets go of whoever gives up waiting', async () => {
  const semaphore = new Semaphore(1);
  const release = await semaphore.acquire();
  const controller = new AbortController();
  const impatient = semaphore.acquire(controller.signal);
  const patient = semaphore.acquire();
  controller.abort();
  await expect(impatient).rejects.toThrow();
  release();
  expect(await patient).toBeTypeOf('function');
});
