// A lock outlives nobody: only a writer that is provably over loses it.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processIdentity, startTickOf } from '../../src/evidence/identity.ts';
import { acquireLock, type Lock } from '../../src/evidence/lock.ts';
import { leftOut } from '../left-out.ts';
import { scratch } from './support.ts';

const self = processIdentity();
const nameOf = (over: Partial<typeof self>): string => {
  const { machine, boot, pidNamespace, pid, startTick } = { ...self, ...over };
  return `lock,${[machine, boot, pidNamespace, pid, startTick].map(encodeURIComponent).join(',')}`;
};
const parent = process.ppid;
const take = (directory: string): Promise<Lock> => acquireLock(join(directory, 'lock'), 0, 'sample.locked');
const otherBoot = { boot: '00000000-0000-0000-0000-000000000000' };

it.each<[string, string]>([
  ['a process that is gone', nameOf({ pid: 2 ** 22 + 1, startTick: 5 })],
  ['a reused pid: alive, but started at another tick', nameOf({ pid: parent, startTick: 1 })],
])(
  'takes over from %s',
  leftOut(self.boot === 'unknown' && 'the boot of this machine is unknown'),
  async (_who, name) => {
    const directory = await scratch();
    writeFileSync(join(directory, name), '');
    const lock = await take(directory);
    expect(readdirSync(directory)).toHaveLength(1);
    await lock.release();
    expect(readdirSync(directory)).toEqual([]);
  },
);

it(
  'takes over from an earlier boot of this machine',
  leftOut(self.machine === 'unknown' && 'the machine is unknown'),
  async () => {
    const directory = await scratch();
    writeFileSync(join(directory, nameOf(otherBoot)), '');
    await (await take(directory)).release();
    expect(readdirSync(directory)).toEqual([]);
  },
);

it.each<[string, string, RegExp]>([
  ['a live process', nameOf({ pid: parent, startTick: startTickOf(parent) ?? 0 }), /on this machine/],
  [
    'another machine of the same name on a shared disk',
    nameOf({ ...otherBoot, machine: 'f'.repeat(32) }),
    /cannot be known/,
  ],
  ['a machine without an id', nameOf({ ...otherBoot, machine: 'unknown' }), /cannot be known/],
  ['another pid namespace', nameOf({ pidNamespace: 'pid:[1]', pid: 1, startTick: 1 }), /cannot be known/],
  ['a process whose start nobody knew', nameOf({ pid: 2 ** 22 + 1, startTick: 0 }), /cannot be known/],
  ['a name that cannot be read', 'lock,%', /cannot be known/],
])('never takes over from %s', async (_who, name, message) => {
  const directory = await scratch();
  writeFileSync(join(directory, name), '');
  await expect(take(directory)).rejects.toThrow(
    expect.objectContaining({ code: 'sample.locked', message: expect.stringMatching(message) }),
  );
  expect(readdirSync(directory)).toEqual([name]);
});

it('is held once in a process, and each lock of a directory on its own', async () => {
  const directory = await scratch();
  const lock = await take(directory);
  await expect(take(directory)).rejects.toThrow(expect.objectContaining({ code: 'sample.locked' }));
  await (await acquireLock(join(directory, 'known_hosts.lock'), 0, 'x')).release();
  await lock.release();
});
