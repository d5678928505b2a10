// The served guards beside the command that asks once, and many clients beside one: what is shared is the process, the open
// journal and the writing of records together. And what judging costs beside zod reading the same request by the same schema.
import { spawnSync } from 'node:child_process';
import { constants, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openState } from '../dist/evidence/index.js';
import { bind, judge } from '../dist/guards/index.js';
import { definitionOf } from '../dist/kernel/define.js';
import { serveGuards } from '../dist/serve/server.js';
import { buildDiskShim, type DiskFault, hasCompiler } from '../test/disk-shim.ts';
import { Peer } from './peer.ts';

const REQUEST = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

async function timed(work: () => Promise<void> | void): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function judgeBeside(): Promise<void> {
  const schema = definitionOf(bind).request;
  const COUNT = 20_000;
  const ours: number[] = [];
  const zods: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    ours.push(
      await timed(async () => {
        for (let left = COUNT; left > 0; left -= 1) await judge(bind, REQUEST);
      }),
    );
    zods.push(
      await timed(() => {
        for (let left = COUNT; left > 0; left -= 1) schema.safeParse(REQUEST);
      }),
    );
  }
  const rate = (1_000 * COUNT) / median(ours);
  process.stdout.write(
    `judge(bind): ${Math.round(rate)}/s, ${(median(ours) / median(zods)).toFixed(1)} times zod's safeParse\n`,
  );
}

/** Milliseconds of processor time, of all threads of this process, and what the clients measured. */
async function served(
  clients: Peer<object>,
  count: number,
  requests: number,
): Promise<{ readonly cpu: number; readonly wall: number }> {
  const before = process.cpuUsage();
  const wall = await clients.time(`${count} ${requests}`);
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1_000 / (count * requests), wall: wall / requests };
}

/** A file whose writes are durable when they end, as the journal's are. */
const openDurable = (path: string): Promise<FileHandle> =>
  open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC, 0o600);

/** What the disk alone takes to keep as many bytes as a record has, in milliseconds. */
async function syncTime(path: string): Promise<number> {
  const file = await openDurable(path);
  const line = Buffer.alloc(900, 'x');
  const times: number[] = [];
  for (let left = 100; left > 0; left -= 1)
    times.push(
      await timed(async () => {
        await file.write(line);
      }),
    );
  await file.close();
  return median(times);
}

/** As many bytes as a record of the bench has, and as an answer to its request. */
const RECORD = Buffer.alloc(900, 'x');
const ANSWER = `${JSON.stringify({ id: 1, guard: 'bind', decision: 'allow', rest: 'x'.repeat(150) })}\n`;

/** The least that keeps a line before each answer: it reads no request, judges nothing, and writes the lines that wait together. */
async function echo(path: string, file: FileHandle): Promise<Server> {
  let waiting: Socket[] = [];
  let isBusy = false;
  const keep = async (): Promise<void> => {
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await file.write(Buffer.concat(group.map(() => RECORD)));
      for (const socket of group) socket.write(ANSWER);
    }
    isBusy = false;
  };
  const server = createServer((socket) => {
    socket.on('data', () => {
      waiting.push(socket);
      if (isBusy) return;
      isBusy = true;
      void keep();
    });
    socket.on('error', () => {}); // a client that is done
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

const startClients = (path: string): Promise<Peer<object>> =>
  Peer.start([process.execPath, fileURLToPath(new URL('serve-clients.mjs', import.meta.url))], path);

interface Round {
  readonly cpu: number;
  readonly wall: number;
}

/** What one client and 64 got, in the middle of some rounds. */
function summary(
  one: readonly Round[],
  many: readonly Round[],
): { alone: number; together: number; times: number } {
  const [alone, together] = [median(one.map(({ wall }) => wall)), median(many.map(({ wall }) => wall))];
  return { alone, together, times: (64 * alone) / together };
}

/** One client beside 64, of the guards and of the echo, in turns. */
async function clientsBeside(directory: string): Promise<number> {
  const journal = await openState({ dir: join(directory, 'state') });
  const server = await serveGuards({ path: join(directory, 'socket'), journal });
  const file = await openDurable(join(directory, 'echo.jsonl'));
  const least = await echo(join(directory, 'echo'), file);
  const ours = await startClients(server.path);
  const echoed = await startClients(join(directory, 'echo'));
  try {
    for (const clients of [ours, echoed]) await served(clients, 64, 300); // until the compiler is done
    const rounds: Record<'one' | 'many' | 'echoOne' | 'echoMany', Round[]> = {
      one: [],
      many: [],
      echoOne: [],
      echoMany: [],
    };
    for (let round = 0; round < 7; round += 1) {
      rounds.one.push(await served(ours, 1, 100));
      rounds.echoOne.push(await served(echoed, 1, 100));
      rounds.many.push(await served(ours, 64, 20));
      rounds.echoMany.push(await served(echoed, 64, 20));
    }
    const guards = summary(rounds.one, rounds.many);
    const bare = summary(rounds.echoOne, rounds.echoMany);
    const sync = await syncTime(join(directory, 'file.jsonl'));
    process.stdout.write(
      `serve: a durable write takes ${sync.toFixed(2)} ms: 64 clients get ${Math.round(64_000 / guards.together)} answers/s, ${guards.times.toFixed(1)} times one client; ` +
        `an echo that keeps a line of as many bytes first ${bare.times.toFixed(1)} times\n` +
        `serve: a request alone takes ${guards.alone.toFixed(2)} ms, ${(guards.alone / bare.alone).toFixed(1)} times the echo; ` +
        `of one among 64 the server computes ${median(rounds.many.map(({ cpu }) => cpu)).toFixed(3)} ms, the echo ${median(rounds.echoMany.map(({ cpu }) => cpu)).toFixed(3)}\n`,
    );
    return guards.alone;
  } finally {
    ours.stop();
    echoed.stop();
    await server.stop();
    await journal.close();
    least.close();
    await file.close();
  }
}

/** The same on a disk that takes some milliseconds to sync, as those of most hosts do: in a process of its own, which has one. */
function onSlowDisk(directory: string): void {
  if (!hasCompiler) {
    process.stdout.write('serve: a slow disk was left out: no C compiler here\n');
    return;
  }
  const disk: DiskFault = {
    LD_PRELOAD: buildDiskShim(directory),
    FAULT: 'slow',
    FAULT_WHEN: '/',
    FAULT_US: '4000',
  };
  const argv = [...process.execArgv, ...process.argv.slice(1)];
  spawnSync(process.execPath, argv, { stdio: 'inherit', env: { ...process.env, ...disk } });
}

export async function serveBench(): Promise<void> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'bench-serve-')));
  try {
    const alone = await clientsBeside(directory);
    if (process.env['FAULT'] === 'slow') return;
    onSlowDisk(directory);
    const command = [resolve('dist/cli/main.js'), '--dir', join(directory, 'other'), 'check', 'bind'];
    const asked: number[] = [];
    for (let round = 0; round < 6; round += 1)
      asked.push(
        await timed(() => void spawnSync(process.execPath, [...command, '--json', JSON.stringify(REQUEST)])),
      );
    process.stdout.write(
      `serve: check takes ${(median(asked) / alone).toFixed(0)} times as long as a request alone\n`,
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
  await judgeBeside();
}
