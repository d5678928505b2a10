// The served guards beside the command that asks once, and many clients beside one: what is shared is the process, the open
// journal and the writing of records together. And what judging costs beside zod reading the same request by the same schema.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openState } from '../dist/evidence/index.js';
import { bind, judge } from '../dist/guards/index.js';
import { definitionOf } from '../dist/kernel/define.js';
import { serveGuards } from '../dist/serve/server.js';
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

/** What the disk alone takes to keep as many bytes as a record has, in milliseconds. */
async function syncTime(path: string): Promise<number> {
  const file = await open(path, 'a');
  const line = Buffer.alloc(900, 'x');
  const times: number[] = [];
  for (let left = 100; left > 0; left -= 1)
    times.push(
      await timed(async () => {
        await file.write(line);
        await file.datasync();
      }),
    );
  await file.close();
  return median(times);
}

export async function serveBench(): Promise<void> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'bench-serve-')));
  const journal = await openState({ dir: join(directory, 'state') });
  const server = await serveGuards({ path: join(directory, 'socket'), journal });
  const clients = await Peer.start<object>(
    [process.execPath, fileURLToPath(new URL('serve-clients.mjs', import.meta.url))],
    server.path,
  );
  try {
    await served(clients, 64, 20); // until the compiler is done
    const one: { cpu: number; wall: number }[] = [];
    const many: { cpu: number; wall: number }[] = [];
    for (let round = 0; round < 7; round += 1) {
      one.push(await served(clients, 1, 100));
      many.push(await served(clients, 64, 20));
    }
    const command = [resolve('dist/node/main.js'), '--dir', join(directory, 'other'), 'check', 'bind'];
    const asked: number[] = [];
    for (let round = 0; round < 6; round += 1)
      asked.push(
        await timed(() => void spawnSync(process.execPath, [...command, '--json', JSON.stringify(REQUEST)])),
      );
    const alone = median(one.map(({ wall }) => wall));
    const together = median(many.map(({ wall }) => wall));
    const cost = median(many.map(({ cpu }) => cpu));
    process.stdout.write(
      `serve: a request takes ${alone.toFixed(2)} ms, write and fdatasync of as many bytes ${(await syncTime(join(directory, 'file'))).toFixed(2)}; check takes ${(median(asked) / alone).toFixed(0)} times as long\n` +
        `serve: 64 clients get ${Math.round(64_000 / together)} answers/s, ${((64 * alone) / together).toFixed(1)} times one client\n` +
        `serve: of one request with 64 clients the server computes ${cost.toFixed(3)} ms, of one alone ${median(one.map(({ cpu }) => cpu)).toFixed(3)}: ` +
        `with a processor to itself at most ${(alone / cost).toFixed(1)} times one client\n`,
    );
  } finally {
    clients.stop();
    await server.stop();
    await journal.close();
    rmSync(directory, { recursive: true });
  }
  await judgeBeside();
}
