// Hosts that take a connection and never say a word, and hosts behind a jump host that does so, among living ones: they
// hold nobody back, though only one host may be at work at a time.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Target } from '../../src/ssh/transport/connection.ts';
import { type HostWay, runOnHosts } from '../../src/ssh/transport/fleet.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';
import { transports } from './transports.ts';

const journal = { append: async (): Promise<void> => {} };
const LIVING = 3;
const DEAD = 9;
const BEHIND = 4;

describe.each(transports)('over %s, dead hosts', (transport) => {
  let host: TestHost;
  const open = new Set<Socket>();
  const silent = createServer((socket) => {
    open.add(socket.on('error', () => undefined));
  });

  beforeAll(async () => {
    host = await startHost({ shells: ['/bin/sh'] });
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
  });
  afterAll(async () => {
    for (const socket of open) socket.destroy();
    silent.close();
    await host.stop();
  });

  it('hold back no living one', {
    timeout: 60_000,
    ...leftOut(missing('sshd') || withoutLogin()),
  }, async () => {
    const target = host.target(host.userWith('/bin/sh'));
    const dead: Target = { ...target, port: (silent.address() as AddressInfo).port };
    const options = { journal, transport, timeoutMs: 8_000 };
    const behind = new Set(Array.from({ length: BEHIND }, () => ({ ...target })));
    const targets = [
      ...Array.from({ length: DEAD }, () => ({ ...dead })),
      ...behind,
      ...Array.from({ length: LIVING }, () => ({ ...target })),
    ];
    const order: string[] = [];
    const way = async (to: Target): Promise<HostWay> =>
      behind.has(to)
        ? { credentials: host.credentials, via: await connect(dead, host.credentials, options) }
        : { credentials: host.credentials };
    const rows = await runOnHosts(targets, way, argv(['true']), {
      ...options,
      concurrency: 1,
      onRow: ({ outcome }) => order.push(outcome),
    });
    expect(order).toEqual([...Array(LIVING).fill('ran'), ...Array(DEAD + BEHIND).fill('refused')]);
    const codes = rows.map((row) => (row.outcome === 'ran' ? row.result.outcome : row.code));
    expect(new Set(codes.slice(0, DEAD + BEHIND))).toEqual(new Set(['host-key.unreachable']));
    expect(codes.slice(-LIVING)).toEqual(Array(LIVING).fill('exited'));
  });
});
