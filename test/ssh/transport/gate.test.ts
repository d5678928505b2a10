import { expect, it } from 'vitest';
import { Gate } from '../../../src/ssh/transport/gate.ts';

it('never lets more in than its limit, lets all in, and in order', async () => {
  const gate = new Gate(3);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  const visit = async (index: number): Promise<void> => {
    const leave = await gate.enter();
    order.push(index);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside--;
    leave();
    leave(); // giving a place back twice must not make one
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => visit(index)));
  expect([most, order]).toEqual([3, Array.from({ length: 20 }, (_, index) => index)]);
});

it('lets go of whoever gives up waiting', async () => {
  const gate = new Gate(1);
  const leave = await gate.enter();
  const controller = new AbortController();
  const impatient = gate.enter(controller.signal);
  const patient = gate.enter();
  controller.abort();
  await expect(impatient).rejects.toThrow();
  leave();
  expect(await patient).toBeTypeOf('function');
});
