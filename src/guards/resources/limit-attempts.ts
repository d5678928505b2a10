// Children that try to take more than a limit allows, started by the very launcher of the payloads. Each is a line of POSIX sh and
// utilities that every host has: a Node would not even start below some of the limits. A child first takes a little, so that
// one that fails for another reason is not taken for one that was stopped.
import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** What can be limited, each in its unit: bytes, or a number, or seconds of CPU time. */
export const LIMITS = ['memoryBytes', 'processes', 'openFiles', 'fileBytes', 'cpuSeconds'] as const;
export type Limit = (typeof LIMITS)[number];

/** What the kernel calls a limit: in /proc/PID/limits (proc(5)), and in a control group of either version. */
const KERNEL: Readonly<
  Record<
    Limit,
    {
      readonly limits: readonly string[];
      readonly group?: readonly [v1: string, v1File: string, v2File: string];
    }
  >
> = {
  memoryBytes: {
    limits: ['Max address space', 'Max data size'],
    group: ['memory', 'memory.limit_in_bytes', 'memory.max'],
  },
  processes: { limits: ['Max processes'], group: ['pids', 'pids.max', 'pids.max'] },
  openFiles: { limits: ['Max open files'] },
  fileBytes: { limits: ['Max file size'] },
  cpuSeconds: { limits: ['Max cpu time'] },
};

// What a payload may take away binds nobody, so each child tries that first: hard limits too, which root may raise with
// CAP_SYS_RESOURCE; its control groups, which it leaves where it may; and it says which of their files it may write. The signals of two
// limits can be ignored as well.
const PRELUDE = `
ulimit -n "$(cat /proc/sys/fs/nr_open)" 2>/dev/null
for o in n f v d t u p; do
  ulimit -$o unlimited 2>/dev/null || ulimit -S -$o "$(ulimit -H -$o 2>/dev/null)" 2>/dev/null
done
trap '' XCPU XFSZ
while IFS=: read -r _ names path; do
  for at in "/sys/fs/cgroup/$names" /sys/fs/cgroup/unified /sys/fs/cgroup; do
    echo $$ >"$at/cgroup.procs"
    while :; do
      for f in memory.limit_in_bytes memory.max pids.max; do [ -w "$at$path/$f" ] && echo "writable $path/$f"; done
      [ "\${path%/}" ] || break
      path=\${path%/*}
    done
  done
done </proc/self/cgroup 2>/dev/null
cat /proc/self/limits /proc/self/cgroup
`;
// $1 is a mark that nobody else writes, $2 the limit. A shell that cannot fork ends, and takes its children along: where nobody reaps
// orphans they would count on.
const ATTEMPTS: Readonly<Record<Limit, string>> = {
  memoryBytes: `
dd if=/dev/zero of=/dev/null bs=4096 count=1 && echo "$1 ready" &&
dd if=/dev/zero of=/dev/null bs=$(($2+4096)) count=1 && echo "$1 exceeded"`,
  processes: `
sleep 0 & wait $! && echo "$1 ready"
children=; trap 'kill -9 $children; wait' EXIT
i=0; while [ $i -lt $2 ]; do sleep 20 & children="$children $!"; i=$((i+1)); done
echo "$1 exceeded"`,
  openFiles: `
tee /dev/null </dev/null && echo "$1 ready" || exit
mark=$1; shift 3; tee "$@" </dev/null && echo "$mark exceeded"`,
  fileBytes: `
dd if=/dev/zero of="$3" bs=1 count=1 && echo "$1 ready" &&
dd if=/dev/zero of="$3" bs=1 seek=$2 count=1 && echo "$1 exceeded"`,
  // Ticks of 1/100 s: fields 14 and 15 of proc(5), here the 12th and 13th after the name.
  cpuSeconds: `
mark=$1; most=$(($2*100+50)); echo "$mark ready"
while :; do
  i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done
  read -r line </proc/$$/stat; set -- \${line##*\\) }
  [ $((\${12}+\${13})) -gt $most ] && echo "$mark exceeded" && exit
done`,
};

/** By what a limit is in force: a control group, or a limit of processes that `prlimit`, sh or another program set. */
export type Mechanism = 'cgroup' | 'prlimit' | 'ulimit' | 'rlimit';

export interface Attempt {
  readonly limit: Limit;
  readonly value: number;
  /** The child ran, and could take a little. */
  readonly started: boolean;
  /** It took more than the limit. */
  readonly exceeded: boolean;
  /** By what the kernel says that it holds the child to the limit. `undefined`: nothing that was found. */
  readonly mechanism: Mechanism | undefined;
}

const numberOf = (text: string | undefined): number =>
  text === undefined || text === 'unlimited' || text === 'max' ? Number.POSITIVE_INFINITY : Number(text);

/** The least of what the control groups of a process allow, ancestors included. What the process may write itself bounds it not. */
async function groupLimit(output: string, limit: Limit): Promise<number> {
  const { group } = KERNEL[limit];
  if (!group) return Number.POSITIVE_INFINITY;
  const [controller, v1File, v2File] = group;
  const files: string[] = [];
  const writable = new Set(Array.from(output.matchAll(/^writable (.+)$/gm), ([, file = '']) => join(file)));
  for (const [, names = '', path = ''] of output.matchAll(/^\d+:([^:]*):(\/.*)$/gm)) {
    if (path.split('/').includes('..')) continue; // outside what this namespace shows
    const isOld = names.split(',').includes(controller);
    if (names !== '' && !isOld) continue;
    for (let at = path; ; at = join(at, '..')) {
      const places = isOld ? [names, controller] : ['', 'unified'];
      const file = join(at, isOld ? v1File : v2File);
      if (!writable.has(file)) files.push(...places.map((place) => join('/sys/fs/cgroup', place, file)));
      if (at === '/') break;
    }
  }
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => undefined)));
  return Math.min(...texts.map((text) => numberOf(text?.trim())), Number.POSITIVE_INFINITY);
}

async function mechanismOf(
  output: string,
  limit: Limit,
  value: number,
  program: string,
): Promise<Mechanism | undefined> {
  if ((await groupLimit(output, limit)) <= value) return 'cgroup';
  const hard = KERNEL[limit].limits.map(
    (name) => new RegExp(`^${name} +\\S+ +(\\S+)`, 'm').exec(output)?.[1],
  );
  if (!(Math.min(...hard.map(numberOf)) <= value)) return undefined;
  const name = basename(program);
  if (name === 'prlimit') return name;
  return /^(?:ba|da|k|z|)sh$/.test(name) ? 'ulimit' : 'rlimit';
}

const MAX_OUTPUT = 1 << 20;
const LINGER_MS = 1_000;

/** Ends a process group and waits until its last process is gone: dead ones that nobody has reaped still count. */
async function endGroup(leader: number): Promise<void> {
  for (let left = LINGER_MS; left > 0; left -= 5) {
    try {
      process.kill(-leader, 'SIGKILL');
    } catch {
      return; // there is none any more
    }
    await setTimeout(5);
  }
}

/** Runs the words to their end and returns what they wrote. What they leave behind in their process group is ended. */
async function outputOf(words: readonly string[], signal: AbortSignal): Promise<string> {
  const { spawn } = await import('node:child_process'); // who imports the guards starts nothing
  const [program = '', ...rest] = words;
  // Nothing of our environment: it must be the launcher that is named, whoever asks.
  const child = spawn(program, rest, {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const { pid } = child;
  let text = '';
  const cut = (): void => void (pid !== undefined && endGroup(pid));
  child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
    if (text.length > MAX_OUTPUT) cut();
  });
  signal.addEventListener('abort', cut, { once: true });
  const closed = new Promise<void>((resolve) => void child.on('close', () => resolve()));
  await new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', () => resolve());
  });
  signal.removeEventListener('abort', cut);
  if (pid === undefined) return text;
  await endGroup(pid);
  // The pipe closes with the last that holds it, and one that left the group may hold it on.
  await Promise.race([closed, setTimeout(LINGER_MS, undefined, { ref: false })]);
  return text;
}

/** Starts `launcher` with one program more, which tries to take more than `value`. */
export async function attempt(
  launcher: readonly string[],
  {
    limit,
    value,
    scratch,
  }: { readonly limit: Limit; readonly value: number; readonly scratch: string | undefined },
  signal: AbortSignal,
): Promise<Attempt> {
  const mark = randomBytes(12).toString('hex');
  const file = join(scratch ?? '/', `.resources-${mark}`);
  // Three descriptors are open before the first of them.
  const operands = limit === 'openFiles' ? Array<string>(Math.max(1, value - 2)).fill('/dev/null') : [];
  const script = `${PRELUDE}${ATTEMPTS[limit]}`;
  const output = await outputOf(
    [...launcher, '/bin/sh', '-c', script, 'sh', mark, String(value), file, ...operands],
    signal,
  );
  if (limit === 'fileBytes') await rm(file, { force: true });
  signal.throwIfAborted();
  const said = (what: string): boolean => output.split('\n').includes(`${mark} ${what}`);
  return {
    limit,
    value,
    started: said('ready'),
    exceeded: said('exceeded'),
    mechanism: await mechanismOf(output, limit, value, launcher[0] ?? ''),
  };
}
