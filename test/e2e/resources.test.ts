// Limits by a control group of this machine, of whichever version has the controllers, and by prlimit.
import { access, mkdir, mkdtemp, readdir, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resources } from '../../src/guards/resources/resources.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { guardrailsAsync, scratch } from '../cli/run-cli.ts';
import { locate } from '../locate.ts';
import { memoryJournal } from '../memory-journal.ts';

const MIB = 1_048_576;
const ROOT = '/sys/fs/cgroup';
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Makes a group with both limits and returns the launcher that puts a process into it; undefined where none can be made. */
async function group(memory: number, processes: number): Promise<readonly string[] | undefined> {
  const name = `guardrails-${process.pid}`;
  const isOld = await exists(`${ROOT}/memory/memory.limit_in_bytes`);
  const places: readonly (readonly [string, Readonly<Record<string, number>>])[] = isOld
    ? [
        [`${ROOT}/memory/${name}`, { 'memory.limit_in_bytes': memory }],
        [`${ROOT}/pids/${name}`, { 'pids.max': processes }],
      ]
    : [[`${ROOT}/${name}`, { 'memory.max': memory, 'memory.swap.max': 0, 'pids.max': processes }]];
  try {
    for (const [place, limits] of places) {
      await mkdir(place);
      onTestFinished(() => rmdir(place));
      for (const [file, value] of Object.entries(limits))
        if (await exists(join(place, file))) await writeFile(join(place, file), String(value));
    }
  } catch {
    return undefined;
  }
  const enter = places.map(([place]) => `echo $$ >${place}/cgroup.procs`).join(' && ');
  return ['/bin/sh', '-c', `${enter} && exec "$@"`, 'sh'];
}

/** Words that make root a user who can write no control group. */
const AS_USER = ['/usr/bin/setpriv', '--reuid=50000', '--regid=50000', '--clear-groups', '--'];

describe('a launcher', () => {
  it('that puts payloads into a control group bounds all their descendants', async ({ skip }) => {
    const entering = await group(32 * MIB, 12);
    if (!entering || process.getuid?.() !== 0 || !(await exists(AS_USER[0] ?? '')))
      return skip('root, a control group with memory and pids, and setpriv of util-linux are needed');
    const launcher = [...entering, ...AS_USER];
    const journal = memoryJournal();
    const limits = { memoryBytes: 32 * MIB, processes: 12 };
    const granted = await enforce(resources, { launcher, limits, bounds: 'tree' }, { journal });
    expect(granted.limits).toEqual([
      { limit: 'memoryBytes', value: 32 * MIB, mechanism: 'cgroup', scope: 'tree' },
      { limit: 'processes', value: 12, mechanism: 'cgroup', scope: 'tree' },
    ]);
    expect(journal.drafts[0]?.subject?.name).toBe('memoryBytes: cgroup, processes: cgroup');
    const tighter = { memoryBytes: 16 * MIB, processes: 8 };
    const { codes } = await judge(resources, { launcher, limits: tighter });
    expect(codes).toEqual(['resources.memory', 'resources.processes']);
    const byRoot = await judge(resources, { launcher: entering, limits, bounds: 'tree' });
    expect(byRoot.codes).toEqual(['resources.memory', 'resources.processes', 'resources.tree-unbounded']);
  });

  it('that gives a control group away bounds nobody', async ({ skip }) => {
    const entering = await group(32 * MIB, 12);
    if (!entering || process.getuid?.() !== 0 || !(await exists(AS_USER[0] ?? '')))
      return skip('root, a control group with memory and pids, and setpriv of util-linux are needed');
    const give = `for d in ${ROOT} ${ROOT}/memory ${ROOT}/pids; do
      [ -d $d/guardrails-${process.pid} ] && chown 50000 $d/guardrails-${process.pid}/*; done 2>/dev/null; exec "$@"`;
    const launcher = ['/bin/sh', '-c', give, 'sh', ...entering, ...AS_USER];
    const limits = { memoryBytes: 32 * MIB, processes: 12 };
    expect((await judge(resources, { launcher, limits })).codes).toEqual(['resources.unexplained']);
  });

  it('of prlimit bounds each process', async ({ skip }) => {
    const prlimit = locate('prlimit');
    if (!prlimit) return skip('install util-linux');
    const scratch = await realpath(await mkdtemp(join(tmpdir(), 'resources-')));
    onTestFinished(() => rm(scratch, { recursive: true }));
    const launcher = [prlimit, '--nofile=40', '--fsize=1000', `--data=${32 * MIB}`, '--'];
    const limits = { memoryBytes: 32 * MIB, openFiles: 40, fileBytes: 1_000 };
    const granted = await enforce(resources, { launcher, limits, scratch }, { journal: memoryJournal() });
    expect(granted.limits.map(({ mechanism }) => mechanism)).toEqual(['prlimit', 'prlimit', 'prlimit']);
    expect(granted.launcher).toEqual(launcher);
    const soft = [prlimit, '--nofile=40:400', '--'];
    expect((await judge(resources, { launcher: soft, limits: { openFiles: 40 } })).codes).toEqual([
      'resources.open-files',
    ]);
    expect(await readdir(scratch)).toEqual([]);
  });
});

it('is drilled by several processes at once, of which none counts the children of another', {
  timeout: 120_000,
}, async () => {
  const runs = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const site = scratch();
      onTestFinished(() => site.remove());
      // Nothing but what counts: so all of them count at the same time.
      const counting = ['processes-of-a-user', 'no-process-limit', 'limit-of-root'];
      return await guardrailsAsync(['drill', 'resources', '--only', ...counting, '--json'], site.directory);
    }),
  );
  for (const { stdout } of runs) {
    const { drills } = JSON.parse(stdout) as { drills: { passed: boolean; unavailable?: string }[] };
    expect(drills).toHaveLength(3);
    expect(drills.filter(({ passed, unavailable }) => !passed && unavailable === undefined)).toEqual([]);
  }
});
