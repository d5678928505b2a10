// Hosts behind other hosts, and tunnels, over real sshd: each hop is judged by its own line and leaves its own record,
// and what goes through a hop ends with it.
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../src/evidence/record.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import type { Connection } from '../../src/ssh/transport/connection.ts';
import { runOnHosts } from '../../src/ssh/transport/fleet.ts';
import { openTunnel } from '../../src/ssh/transport/tunnel.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { startHost, type TestHost } from './host.ts';
import { transports } from './transports.ts';

const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };
const skip = missing('sshd', 'ssh-keygen') || withoutLogin();

describe.each(transports)(
  'a host behind a host, by %s',
  { timeout: 60_000, ...leftOut(skip) },
  (transport) => {
    const enter = (host: TestHost, via?: Connection): Promise<Connection> => {
      const options = { journal, transport, ...(via ? { via } : {}) };
      return connect(host.target(host.userWith('/bin/sh')), host.credentials, options);
    };
    let gate: TestHost;
    let inner: TestHost;
    let closed: TestHost;
    let connections: Connection[] = [];
    beforeAll(async () => {
      gate = await startHost({ shells: ['/bin/sh'] });
      inner = await startHost({ shells: ['/bin/sh'] });
      closed = await startHost({ shells: ['/bin/sh'], config: ['AllowTcpForwarding no'] });
    });
    afterAll(async () => {
      for (const host of [gate, inner, closed]) await host.stop();
    });
    beforeEach(() => {
      records.length = 0;
    });
    afterEach(() => {
      for (const connection of connections) connection.close();
      connections = [];
    });
    const through = async (...hosts: readonly TestHost[]): Promise<Connection> => {
      let via: Connection | undefined;
      for (const host of hosts) {
        via = await enter(host, via);
        connections.push(via);
      }
      if (!via) throw new Error('no host');
      return via;
    };

    it('runs commands, and every hop has a record of its own', async () => {
      const connection = await through(gate, inner, gate);
      const command = await enforce(remoteCommand, argv(['sh', '-c', 'echo "$SSH_CONNECTION"']), { journal });
      const { stdout } = await connection.run(command);
      expect(stdout.toString()).toMatch(new RegExp(` ${gate.port}\n$`));
      expect(connection.hops).toBe(3);
      const names = records.filter((record) => 'guard' in record && record.guard.id === 'host-key');
      expect(names.map((record) => record.subject?.name?.split(' ')[0])).toEqual(
        [gate, inner, gate].map(({ port }) => `127.0.0.1:${port}`),
      );
    });

    it('is refused by its own known_hosts line, whatever the hop before says', async () => {
      const first = await through(gate);
      const file = join(inner.directory, 'other_hosts');
      const stranger = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu';
      writeFileSync(file, `[127.0.0.1]:${inner.port} ${stranger}\n`, { mode: 0o600 });
      const target = { ...inner.target(inner.userWith('/bin/sh')), knownHosts: [file] };
      const attempt = connect(target, inner.credentials, { journal, transport, via: first });
      await expect(attempt).rejects.toMatchObject({ code: 'host-key.changed' });
      expect(first.isOpen).toBe(true);
    });

    it('is never dialled directly where the hop does not lead to it', async () => {
      const first = await through(closed);
      await expect(enter(inner, first)).rejects.toMatchObject({ code: 'host-key.unreachable' });
      first.close();
      await expect(enter(inner, first)).rejects.toMatchObject({ code: 'host-key.unreachable' });
    });

    it('is lost with its hop', async () => {
      const last = await through(gate, inner);
      connections[0]?.close();
      await expect.poll(() => last.isOpen).toBe(false);
    });

    it('is not reached over a way without end', async () => {
      await through(...Array<TestHost>(8).fill(gate));
      const before = records.length;
      await expect(enter(gate, connections.at(-1))).rejects.toMatchObject({ code: 'usage.hops' });
      expect(records).toHaveLength(before);
    });

    it('is one of a fleet', async () => {
      const via = await through(gate);
      const targets = [1, 2, 3].map(() => inner.target(inner.userWith('/bin/sh')));
      const rows = await runOnHosts(targets, inner.credentials, argv(['true']), { journal, transport, via });
      expect(rows.map(({ outcome }) => outcome)).toEqual(['ran', 'ran', 'ran']);
    });

    describe('a tunnel', () => {
      let echo: Server;
      beforeAll(async () => {
        echo = createServer(
          { allowHalfOpen: true },
          (socket) => void socket.on('error', () => {}).pipe(socket),
        );
        await new Promise<void>((resolve) => {
          echo.listen(0, '127.0.0.1', resolve);
        });
      });
      afterAll(() => void echo.close());
      const ask = (port: number, text: string): Promise<string> =>
        new Promise((resolve) => {
          let answer = '';
          const socket = connectTcp(port, '127.0.0.1', () => socket.end(text));
          socket.setEncoding('utf8').on('data', (part: string) => {
            answer += part;
          });
          socket.on('error', () => {}).on('close', () => resolve(answer));
        });

      it('carries what it is given, both ways, and is closed with a record', async () => {
        const connection = await through(gate);
        const { port } = echo.address() as AddressInfo;
        const tunnel = await openTunnel(connection, { host: '127.0.0.1', port }, { journal });
        const text = 'x'.repeat(1_000_000);
        expect(await ask(tunnel.port, text)).toBe(text);
        await tunnel[Symbol.asyncDispose]();
        await tunnel[Symbol.asyncDispose]();
        expect(await ask(tunnel.port, 'late')).toBe('');
        const mine = records.filter((record) => 'kind' in record && record.kind === 'ssh-tunnel');
        expect(mine.map((record) => 'outcome' in record && record.outcome)).toEqual(['begun', 'done']);
      });

      it('ends with its connection', async () => {
        const connection = await through(gate);
        const { port } = echo.address() as AddressInfo;
        const tunnel = await openTunnel(connection, { host: '127.0.0.1', port }, { journal });
        await connection[Symbol.asyncDispose]();
        await expect.poll(() => ask(tunnel.port, 'late')).toBe('');
        const late = openTunnel(connection, { host: '127.0.0.1', port }, { journal });
        await expect(late).rejects.toMatchObject({ code: 'ssh.not-connected' });
      });

      it('hangs up where the host opens nothing', async () => {
        const connection = await through(closed);
        const tunnel = await openTunnel(connection, { host: '127.0.0.1', port: 9 }, { journal });
        expect(await ask(tunnel.port, 'anyone?')).toBe('');
        await tunnel[Symbol.asyncDispose]();
      });

      it.each([
        { host: '-oProxyCommand=x', port: 1 },
        { host: 'a b', port: 1 },
        { host: 'a', port: 0 },
        { host: 'a', port: 1.5 },
      ])('takes no $host:$port, and listens nowhere', async (target) => {
        const connection = await through(gate);
        await expect(openTunnel(connection, target, { journal })).rejects.toMatchObject({
          code: 'usage.tunnel',
        });
      });
    });
  },
);
