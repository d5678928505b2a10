// A lock outlives nobody: only a writer that is provably over loses it.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processIdentity, startTickOf } from '../../src/evidence/identity.ts';
import { acquireLock } from '../../src/evidence/lock.ts';
import { scratch } from './support.ts';

const self = processIdentity();
const nameOf = (over: Partial<typeof self>): string => {
  const { host, boot, pidNamespace, pid, startTick } = { ...self, ...over };
  return `lock,${[host, boot, pidNamespace, pid, startTick].map(encodeURIComponent).join(',')}`;
};
const parent = process.ppid;

it.skipIf(self.boot === 'unknown').each<[string, string]>([
  ['a process that is gone', nameOf({ pid: 2 ** 22 + 1, startTick: 5 })],
  ['a reused pid: alive, but started at another tick', nameOf({ pid: parent, startTick: 1 })],
  ['an earlier boot of this host', nameOf({ boot: '00000000-0000-0000-0000-000000000000' })],
])('takes over from %s', async (_who, name) => {
  const directory = await scratch();
  writeFileSync(join(directory, name), '');
  const unlock = await acquireLock(directory, 0);
  expect(readdirSync(directory)).toHaveLength(1);
  await unlock();
  expect(readdirSync(directory)).toEqual([]);
});

it.each<[string, string]>([
  ['a live process', nameOf({ pid: parent, startTick: startTickOf(parent) ?? 0 })],
  ['another machine on a shared disk', nameOf({ host: 'elsewhere', boot: 'x' })],
  ['another pid namespace', nameOf({ pidNamespace: 'pid:[1]', pid: 1, startTick: 1 })],
  ['a process whose start nobody knew', nameOf({ pid: 2 ** 22 + 1, startTick: 0 })],
  ['a name that cannot be read', 'lock,%'],
])('never takes over from %s', async (_who, name) => {
  const directory = await scratch();
  writeFileSync(join(directory, name), '');
  await expect(acquireLock(directory, 0)).rejects.toThrow(
    expect.objectContaining({ code: 'journal.locked' }),
  );
  expect(readdirSync(directory)).toEqual([name]);
});
