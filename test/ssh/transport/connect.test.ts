// What a host learns before it is trusted: nothing. The other side is an ssh2 server that notes every question.
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, type ServerChannel, utils } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../../src/evidence/record.ts';
import { argv } from '../../../src/ssh/recipes/argv.ts';
import { connect } from '../../../src/ssh/transport/connect.ts';
import type { Target } from '../../../src/ssh/transport/connection.ts';
import { runOnHosts } from '../../../src/ssh/transport/fleet.ts';

const { private: privateKey, public: publicKey } = utils.generateKeyPairSync('ecdsa', { bits: 256 });
const [type, key] = publicKey.split(' ');
const STRANGER = `ssh-ed25519 ${'AAAAC3NzaC1lZDI1NTE5AAAAI'}BZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu`;

let directory = '';
let knownHosts = '';
let server: Server;
let heard: string[] = [];
let lets = true;
const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };
const target = (): Target => {
  const { port } = server.address() as AddressInfo;
  return { host: '127.0.0.1', port, user: 'operator', knownHosts: [knownHosts] };
};
const name = (): string => `[127.0.0.1]:${target().port}`;

/** Answers as our shell would if every command were `true`. */
function runNothing(channel: ServerChannel, line: string): void {
  const nonce = line.slice(-32);
  channel.write(`\n${nonce} begin 1\n`);
  channel.once('data', () => {
    channel.write(`\n${nonce} go 1\n\n${nonce} go 2\n\n${nonce} end 1 0\n\n${nonce} end 2 0\n`);
    channel.exit(0);
    channel.end();
  });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connection-'));
  knownHosts = join(directory, 'known_hosts');
  writeFileSync(knownHosts, '', { mode: 0o600 });
  heard = [];
  lets = true;
  records.length = 0;
  server = new Server({ hostKeys: [privateKey] }, (client) => {
    client.on('error', () => {});
    client.on('session', (accept) =>
      accept().on('exec', (take, _refuse, info) => runNothing(take(), info.command)),
    );
    client.on('authentication', (context) => {
      heard.push(`${context.method} ${context.username}`);
      if (lets && context.method === 'password' && context.password === 'sesame') context.accept();
      else context.reject(['password']);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

describe('before the host is trusted', () => {
  it.each([
    ['host-key.unknown', () => ''],
    ['host-key.changed', () => `${name()} ${ECDSA}\n`],
    ['host-key.revoked', () => `@revoked * ${type} ${key}\n`],
    ['host-key.other-type', () => `${name()} ${STRANGER}\n`],
  ])('%s: neither user nor password is said, and the refusal is on record', async (code, line) => {
    writeFileSync(knownHosts, line());
    await expect(connect(target(), { password: 'sesame' }, { journal })).rejects.toMatchObject({ code });
    expect(heard).toEqual([]);
    expect(records.map(({ codes }) => codes[0])).toEqual([code]);
  });
});
const ECDSA =
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDo35lrQ9tjwu9ULRbvS7MVcZWYYPkiXgIlte7JRvcOUj4cTKfW6BRAcnTkqy3nSjlfjxNtAHydHdretwyj9dJw=';

it('logs in once the evidence is durable, and not before', async () => {
  writeFileSync(knownHosts, `${name()} ${type} ${key}\n`);
  const order: string[] = [];
  const slow = {
    append: async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      order.push(`recorded after ${heard.length} questions`);
    },
  };
  const connection = await connect(target(), { password: 'sesame' }, { journal: slow });
  connection.close();
  expect(order).toEqual(['recorded after 0 questions']);
  expect(heard).toEqual(['password operator']);
});

describe('accept-new', () => {
  const hello = { hostKeys: 'accept-new' } as const;

  it('pins the key after the log-in, and from then on the host is known', async () => {
    writeFileSync(knownHosts, `other ${STRANGER}`); // the last newline is missing, as after a careless edit
    const strangers = [1, 2, 3].map(() => connect(target(), { password: 'sesame' }, { journal, ...hello }));
    for (const connection of await Promise.all(strangers)) connection.close();
    const lines = readFileSync(knownHosts, 'utf8');
    expect(lines).toBe(`other ${STRANGER}\n${name()} ${type} ${key}\n`);
    (await connect(target(), { password: 'sesame' }, { journal })).close();
    expect(records.map((record) => (record.mode === 'effect' ? record.kind : record.guard.id))).toEqual([
      ...Array(3).fill('host-key-accept-new'),
      'host-key',
    ]);
  });

  it('pins nothing when the log-in fails', async () => {
    lets = false;
    const attempt = connect(target(), { password: 'sesame' }, { journal, ...hello });
    await expect(attempt).rejects.toMatchObject({ code: 'ssh.authentication-failed' });
    expect(readFileSync(knownHosts, 'utf8')).toBe('');
  });

  it('still refuses a key that changed', async () => {
    writeFileSync(knownHosts, `${name()} ${ECDSA}\n`);
    const attempt = connect(target(), { password: 'sesame' }, { journal, ...hello });
    await expect(attempt).rejects.toMatchObject({ code: 'host-key.changed' });
    expect(heard).toEqual([]);
  });
});

it.each([
  ['says nothing', '', 'no answer within 500 ms'],
  ['speaks another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'no answer within 500 ms'],
  ['speaks another protocol at length', 'x'.repeat(100_000), 'another protocol'],
  ['speaks an ancient one', 'SSH-1.5-old\r\n', 'protocol'],
])('gives up on a host that %s', async (_what, greeting, why) => {
  const sockets: Socket[] = [];
  const mute = createServer((socket) => {
    sockets.push(socket.on('error', () => {}).resume());
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => {
    mute.listen(0, '127.0.0.1', resolve);
  });
  const { port } = mute.address() as AddressInfo;
  const attempt = connect({ ...target(), port }, { password: 'sesame' }, { journal, timeoutMs: 500 });
  await expect(attempt).rejects.toMatchObject({ code: 'host-key.unreachable' });
  await expect
    .poll(() => sockets.every(({ readableEnded, destroyed }) => readableEnded || destroyed))
    .toBe(true);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => mute.close(resolve));
  expect(records.at(-1)).toMatchObject({
    codes: ['host-key.unreachable'],
    reason: expect.stringContaining(why),
  });
});

describe('a host that hangs up before anything was asked of it', () => {
  it.each([
    ['closes the connection', (socket: Socket) => void socket.end()],
    ['resets it', (socket: Socket) => void socket.resetAndDestroy()],
    ['says that it has no room', (socket: Socket) => void socket.end('Exceeded MaxStartups\r\n')],
    [
      'resets it behind its version',
      (socket: Socket) => void socket.write('SSH-2.0-x\r\n', () => socket.resetAndDestroy()),
    ],
  ])('is dialled again when it %s', async (_what, hangUp) => {
    writeFileSync(knownHosts, `relay ${type} ${key}\n`);
    let dialled = 0;
    const relay = createServer((socket) => {
      socket.on('error', () => {});
      if (++dialled < 3) return hangUp(socket);
      const onward = connectTcp(target().port, '127.0.0.1').on('error', () => {});
      socket.pipe(onward).pipe(socket);
    });
    await new Promise<void>((resolve) => {
      relay.listen(0, '127.0.0.1', resolve);
    });
    const { port } = relay.address() as AddressInfo;
    const to = { ...target(), port, hostKeyAlias: 'relay' };
    await using connection = await connect(to, { password: 'sesame' }, { journal });
    expect([connection.isOpen, dialled]).toEqual([true, 3]);
    relay.close();
  });
});

it('loses no time of living hosts to dead ones', async () => {
  writeFileSync(knownHosts, `${name()} ${type} ${key}\n`);
  const sockets: Socket[] = [];
  const dead = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => {
    dead.listen(0, '127.0.0.1', resolve);
  });
  const { port } = dead.address() as AddressInfo;
  const targets = [...Array<Target>(12).fill({ ...target(), port }), ...Array<Target>(12).fill(target())];
  const order: number[] = [];
  const request = argv(['true']);
  const rows = await runOnHosts(targets, { password: 'sesame' }, request, {
    journal,
    timeoutMs: 8_000,
    concurrency: 4,
    onRow: (row) => void order.push(row.target.port),
  });
  expect(rows.map((row) => (row.outcome === 'refused' ? row.code : row.outcome))).toEqual([
    ...Array(12).fill('host-key.unreachable'),
    ...Array(12).fill('ran'),
  ]);
  expect(new Set(order.slice(0, 12))).toEqual(new Set([target().port]));
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => dead.close(resolve));
});
