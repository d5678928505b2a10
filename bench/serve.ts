// The served guards beside the command that asks once, and many clients beside one: what is shared is the process, the open
// journal and the writing of records together. And what judging costs beside zod reading the same request by the same schema.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openState } from '../dist/evidence/index.js';
import { bind, judge } from '../dist/guards/index.js';
import { definitionOf } from '../dist/kernel/define.js';
import { serveGuards } from '../dist/serve/server.js';

const REQUEST = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };
const LINE = `${JSON.stringify({ id: 1, guard: 'bind', request: REQUEST })}\n`;

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

/** One request after the other, each after the answer to the one before. */
async function roundTrips(socket: Socket, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    socket.write(LINE);
    await once(socket, 'data');
  }
}

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

export async function serveBench(): Promise<void> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'bench-serve-')));
  const journal = await openState({ dir: join(directory, 'state') });
  const server = await serveGuards({ path: join(directory, 'socket'), journal });
  try {
    const one = await open(server.path);
    await roundTrips(one, 20);
    const served = (await timed(() => roundTrips(one, 200))) / 200;
    const command = [resolve('dist/cli/main.js'), '--dir', join(directory, 'other'), 'check', 'bind'];
    const asked: number[] = [];
    for (let round = 0; round < 6; round += 1)
      asked.push(
        await timed(() => void spawnSync(process.execPath, [...command, '--json', JSON.stringify(REQUEST)])),
      );
    const many = await Promise.all(Array.from({ length: 64 }, () => open(server.path)));
    const together = await timed(async () => {
      await Promise.all(many.map((socket) => roundTrips(socket, 50)));
    });
    const rateOfMany = (1_000 * 64 * 50) / together;
    process.stdout.write(
      `serve: a request takes ${served.toFixed(2)} ms; check takes ${(median(asked) / served).toFixed(0)} times as long\n`,
    );
    process.stdout.write(
      `serve: 64 clients get ${Math.round(rateOfMany)} answers/s, ${((rateOfMany * served) / 1_000).toFixed(1)} times one client\n`,
    );
    for (const socket of [one, ...many]) socket.destroy();
  } finally {
    await server.stop();
    await journal.close();
    rmSync(directory, { recursive: true });
  }
  await judgeBeside();
}
