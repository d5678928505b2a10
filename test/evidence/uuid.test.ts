// Our ids against the uuid package: valid, of version 7, and in the order in which they were made.
import { validate, version } from 'uuid';
import { afterEach, expect, it, vi } from 'vitest';
import { uuidv7 } from '../../src/evidence/uuid.ts';

afterEach(() => void vi.useRealTimers());
const many = (count: number): string[] => Array.from({ length: count }, uuidv7);
const millisOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

it('makes valid ids of version 7 that rise strictly and never repeat', () => {
  const ids = many(50_000);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? ''))).toBe(true);
});

it('carries the time in milliseconds', () => {
  vi.useFakeTimers({ now: 4_000_000_000_000 });
  expect(millisOf(uuidv7())).toBe(4_000_000_000_000);
});

it('goes on rising in a millisecond with more ids than it can count, and when the clock runs back', () => {
  vi.useFakeTimers({ now: 5_000_000_000_000 });
  const before = many(10_000);
  vi.setSystemTime(4_999_999_000_000);
  const ids = [...before, ...many(10)];
  expect(ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? ''))).toBe(true);
  expect(millisOf(ids.at(-1) ?? '') - 5_000_000_000_000).toBeLessThan(10);
});

it('sets the version and the variant and leaves 62 bits of the tail to chance', () => {
  const seen = [0n, 0n];
  for (const id of many(2_000)) {
    const tail = BigInt(`0x${id.replaceAll('-', '').slice(16)}`);
    seen[0] = (seen[0] ?? 0n) | tail;
    seen[1] = (seen[1] ?? 0n) | (~tail & 0xffff_ffff_ffff_ffffn);
  }
  expect(seen).toEqual([0xbfff_ffff_ffff_ffffn, 0x7fff_ffff_ffff_ffffn]);
});
