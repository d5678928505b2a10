// The transport beside bare ssh2, on the same sshd in the same run: a reused connection, and fifty log-ins. Bare ssh2
// checks no host key, keeps no evidence and cannot tell an end from a broken link; the ratio is the price of all that.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'ssh2';
import { generateSigner } from '../dist/evidence/keys.js';
import { openJournal } from '../dist/evidence/open-journal.js';
import type { EvidenceSink } from '../dist/evidence/record.js';
import { enforce } from '../dist/kernel/enforce.js';
import { argv } from '../dist/ssh/recipes/argv.js';
import { remoteCommand } from '../dist/ssh/remote-command.js';
import { connect } from '../dist/ssh/transport/connect.js';
import { type HostRow, runOnHosts } from '../dist/ssh/transport/fleet.js';
import { Semaphore } from '../dist/ssh/transport/semaphore.js';
import { startHost, type TestHost } from '../test/e2e/host.ts';

const ROUNDS = 5;
// Short turns, many of them: what else the machine does is then met by each of the peers alike.
const TURNS = 15;
const COMMANDS = 20;
const HOSTS = 50;
const BYTES = 60;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

function bareConnect(host: TestHost, noDelay: boolean): Promise<Client> {
  const client = new Client();
  const { host: address, port, user } = host.target(host.userWith('/bin/sh'));
  return new Promise((resolve, reject) => {
    client.once('error', reject).once('ready', () => {
      if (noDelay) client.setNoDelay(true);
      resolve(client);
    });
    client.connect({ host: address, port, username: user, privateKey: host.credentials.privateKey ?? '' });
  });
}

/** Output is kept, as ours keeps it. */
function bareExec(client: Client, command: string, stdin?: string): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) return reject(error);
      const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
      channel.on('data', (bytes: Buffer) => stdout.push(bytes));
      channel.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
      channel.on('close', () => resolve([Buffer.concat(stdout), Buffer.concat(stderr)]));
      if (stdin !== undefined) channel.end(stdin);
    });
  });
}

/** What a command takes, in milliseconds, and how much of it is CPU time of this process. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  for (let i = 0; i < COMMANDS; i++) await work();
  const [wall, { user, system }] = [performance.now() - start, process.cpuUsage(before)];
  return { wall: wall / COMMANDS, cpu: (user + system) / 1_000 / COMMANDS };
}

async function reused(host: TestHost, durable: EvidenceSink): Promise<void> {
  const memory: EvidenceSink = { append: async () => {} };
  const target = host.target(host.userWith('/bin/sh'));
  const [ours, journalled] = [
    await connect(target, host.credentials, { journal: memory }),
    await connect(target, host.credentials, { journal: durable }),
  ];
  const system = await connect(target, host.credentials, { journal: memory, transport: 'openssh' });
  const [quick, slow] = [await bareConnect(host, true), await bareConnect(host, false)];
  const command = await enforce(remoteCommand, argv(['uname']), { journal: memory });
  const contenders: readonly [string, () => Promise<unknown>][] = [
    ['ours', () => ours.run(command)],
    ['ours, two durable records a run', () => journalled.run(command)],
    ["ours, by the system's ssh", () => system.run(command)],
    ['bare ssh2, noDelay', () => bareExec(quick, 'uname')],
    ['bare ssh2, noDelay, script on stdin', () => bareExec(quick, 'exec /bin/sh -s', 'uname\n')],
    ['bare ssh2, defaults', () => bareExec(slow, 'uname')],
  ];
  const costs = new Map<string, Cost[]>(contenders.map(([name]) => [name, []]));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, work] of contenders) costs.get(name)?.push(await costOf(work));
  }
  for (const client of [quick, slow]) client.end();
  for (const connection of [ours, journalled, system]) connection.close();
  const rate = (name: string): number => 1_000 / median((costs.get(name) ?? []).map(({ wall }) => wall));
  const cpu = (name: string): number => median((costs.get(name) ?? []).map((cost) => cost.cpu));
  console.log(`ssh: one reused connection, ${COMMANDS} commands back to back, median of ${TURNS}`);
  for (const [name] of contenders) {
    const ratio = rate('ours') / rate(name);
    console.log(
      `  ${name.padEnd(34)} ${rate(name).toFixed(0).padStart(5)}/s ${cpu(name).toFixed(1).padStart(5)} ms of CPU here   ours is ${ratio.toFixed(2)} times that`,
    );
  }
}

async function fleet(host: TestHost, journal: EvidenceSink): Promise<void> {
  const target = host.target(host.userWith('/bin/sh'));
  const targets = Array.from({ length: HOSTS }, () => target);
  const ours = async (): Promise<void> => {
    const rows = await runOnHosts(targets, host.credentials, argv(['uname']), { journal });
    const failed = rows.filter((row) => row.outcome !== 'ran' || row.result.outcome !== 'exited');
    if (failed.length > 0) throw new Error(`${failed.length} hosts failed`);
  };
  const bare = async (): Promise<void> => {
    const handshakes = new Semaphore(8);
    const one = async (): Promise<void> => {
      const release = await handshakes.acquire();
      const client = await bareConnect(host, true).finally(release);
      await bareExec(client, 'uname');
      client.end();
    };
    await Promise.all(targets.map(one));
  };
  const times = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, work] of [
      ['ours', ours],
      ['bare', bare],
    ] as const) {
      const start = performance.now();
      await work();
      times[name].push(performance.now() - start);
    }
  }
  const ratio = median(times.ours) / median(times.bare);
  console.log(`ssh: ${HOSTS} log-ins with one command each, at most 8 handshakes at once, durable journal`);
  console.log(`  ours takes ${ratio.toFixed(2)} times as long as bare ssh2`);
}

async function firstByte(host: TestHost, journal: EvidenceSink): Promise<void> {
  const connection = await connect(host.target(host.userWith('/bin/sh')), host.credentials, { journal });
  const client = await bareConnect(host, true);
  const command = await enforce(remoteCommand, argv(['sh', '-c', 'echo x; exec sleep 0.05']), { journal });
  const ours = async (): Promise<number> => {
    const start = performance.now();
    const run = connection.stream(command);
    for await (const _ of run.stdout) break;
    const took = performance.now() - start;
    await run.result;
    return took;
  };
  const bare = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const start = performance.now();
      client.exec('echo x; exec sleep 0.05', (error, channel) => {
        if (error) return reject(error);
        let took = 0;
        channel.once('data', () => {
          took = performance.now() - start;
        });
        channel.on('close', () => resolve(took)).resume();
      });
    });
  const times = { ours: [] as number[], bare: [] as number[] };
  for (let round = 0; round < BYTES; round++) {
    times.ours.push(await ours());
    times.bare.push(await bare());
  }
  connection.close();
  client.end();
  const ratio = median(times.ours) / median(times.bare);
  console.log(
    `ssh: first byte of streamed output, records in memory: ${ratio.toFixed(2)} times as late as bare ssh2`,
  );
}

/** Living hosts beside dead ones, which take the connection and never speak, against the living alone. */
async function withDead(host: TestHost, journal: EvidenceSink): Promise<void> {
  const sockets: Socket[] = [];
  const dead = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => {
    dead.listen(0, '127.0.0.1', resolve);
  });
  const { port } = dead.address() as AddressInfo;
  const target = host.target(host.userWith('/bin/sh'));
  const living = Array.from({ length: 180 }, () => target);
  const mixed = Array.from({ length: 200 }, (_, index) => (index % 10 === 0 ? { ...target, port } : target));
  const lastLiving = async (targets: readonly (typeof target)[]): Promise<number> => {
    const start = performance.now();
    const over = new AbortController(); // the dead would be waited for
    let [last, done] = [0, 0];
    const onRow = (row: HostRow): void => {
      if (row.target.port !== target.port) return;
      last = performance.now() - start;
      if (++done === living.length) over.abort();
    };
    const options = { journal, timeoutMs: 60_000, signal: over.signal, onRow };
    await runOnHosts(targets, host.credentials, argv(['uname']), options);
    return last;
  };
  const times = { alone: [] as number[], beside: [] as number[] };
  for (let round = 0; round < 3; round++) {
    times.alone.push(await lastLiving(living));
    times.beside.push(await lastLiving(mixed));
  }
  const [alone, beside] = [median(times.alone), median(times.beside)];
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => dead.close(resolve));
  console.log(
    `ssh: 200 hosts, one in ten dead: the last living one is done ${(beside / alone).toFixed(2)} times as late as without the dead`,
  );
}

/** Prints the comparisons. Needs sshd; the absolute numbers are this machine's, the ratios are the claim. */
export async function sshBench(): Promise<void> {
  if (!existsSync('/usr/sbin/sshd')) return console.log('ssh: left out, install openssh-server');
  const host = await startHost({ shells: ['/bin/sh'], config: ['MaxStartups 200'] });
  const directory = await mkdtemp(join(tmpdir(), 'bench-ssh-'));
  const journal = await openJournal({ directory, signer: generateSigner('bench/ssh') });
  try {
    await reused(host, journal);
    await fleet(host, journal);
    await firstByte(host, { append: async () => {} });
    await withDead(host, { append: async () => {} });
  } finally {
    await journal.close();
    await rm(directory, { recursive: true, force: true });
    await host.stop();
  }
}
