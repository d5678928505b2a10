// One clock for a call: what the caller can end, what time alone ends, and that nothing is left on the caller's signal.
import { getEventListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { Deadline, type DeadlineOptions } from '../../src/kernel/deadline.ts';

const never = (): Promise<never> => new Promise(() => {});

function deadlineOf(options: DeadlineOptions): Deadline {
  const deadline = new Deadline(options);
  onTestFinished(() => deadline.end());
  return deadline;
}

it('ends a wait when the caller gives up, and goes on with one that only time may end', async () => {
  const caller = new AbortController();
  const deadline = deadlineOf({ signal: caller.signal, timeoutMs: 10_000 });
  const ended = deadline.run(never);
  let answer: (value: string) => void = () => {};
  const kept = deadline.runDespiteAbort(() => new Promise<string>((resolve) => (answer = resolve)));
  const { signal, timeSignal } = deadline;
  caller.abort('enough');
  await expect(ended).rejects.toMatchObject({ code: 'guard.aborted', cause: 'enough' });
  expect([signal.aborted, timeSignal.aborted]).toEqual([true, false]);
  await expect(deadline.run(async () => 'begun')).rejects.toMatchObject({ code: 'guard.aborted' });
  answer('kept');
  expect(await kept).toBe('kept');
  expect(await deadline.runDespiteAbort(async () => 'and more')).toBe('and more');
});

it('ends both when time is up, also after the caller gave up', async () => {
  const caller = new AbortController();
  const deadline = deadlineOf({ signal: caller.signal, timeoutMs: 20 });
  const [ended, kept] = [deadline.run(never), deadline.runDespiteAbort(never)];
  const { timeSignal } = deadline;
  caller.abort();
  await expect(ended).rejects.toMatchObject({ code: 'guard.aborted' });
  await expect(kept).rejects.toMatchObject({ code: 'guard.timeout' });
  expect(timeSignal.aborted).toBe(true);
  expect(timeSignal.reason).toMatchObject({ code: 'guard.timeout' });
  expect(deadline.interrupted?.code).toBe('guard.aborted');
});

it('sees that the caller gave up without having been told', () => {
  const caller = new AbortController();
  const deadline = deadlineOf({ signal: caller.signal });
  expect(deadline.interrupted).toBeUndefined();
  caller.abort();
  expect(deadline.interrupted?.code).toBe('guard.aborted');
  expect(() => deadline.requireTime()).toThrow(expect.objectContaining({ code: 'guard.aborted' }));
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
});

it('is over at once for a caller who gave up before', async () => {
  const deadline = deadlineOf({ signal: AbortSignal.abort('before') });
  let looked = false;
  const look = async (): Promise<void> => {
    looked = true;
  };
  await expect(deadline.run(look)).rejects.toMatchObject({ code: 'guard.aborted', cause: 'before' });
  expect([looked, deadline.signal.aborted]).toEqual([false, true]);
});

it('leaves what it gave alone once it has ended, and nothing on the signal of the caller', async () => {
  const caller = new AbortController();
  const deadline = new Deadline({ signal: caller.signal });
  const { signal, timeSignal } = deadline;
  await Promise.all([1, 2, 3].map((value) => deadline.run(async () => value)));
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
  deadline.end();
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  caller.abort();
  await deadline.run(async () => {}); // a wait that begins now does not listen either
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
  expect([signal.aborted, timeSignal.aborted, deadline.interrupted]).toEqual([false, false, undefined]);
});
