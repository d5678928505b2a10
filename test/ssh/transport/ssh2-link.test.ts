// What ssh2 leaves to whoever uses it: a host that does not keep to what it was granted.
import type { Connection as Peer, ServerChannel } from 'ssh2';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../src/ssh/transport/connect.ts';
import { memoryJournal } from '../../memory-journal.ts';
import { startEmbedded } from './embedded-host.ts';

/** The parts of ssh2's server by which a host sends whatever it likes. */
interface Raw {
  readonly _protocol: { channelData(recipient: number, bytes: Buffer): void };
  readonly _sock: NodeJS.WritableStream & { readonly destroyed: boolean };
}

/** Sends on as long as the other side takes it from the network, whatever window there is. */
function flood(peer: Peer, channel: ServerChannel): void {
  const { _protocol: protocol, _sock: socket } = peer as unknown as Raw;
  const { id } = (channel as unknown as { outgoing: { id: number } }).outgoing;
  const bytes = Buffer.alloc(30_000);
  const send = (): void => {
    if (socket.destroyed) return;
    protocol.channelData(id, bytes);
    setImmediate(send);
  };
  send();
}

it('ends the connection to a host that sends on through a tunnel although nobody reads', async () => {
  const host = await startEmbedded((peer) => {
    peer.on('tcpip', (accept) => flood(peer, accept()));
  });
  onTestFinished(() => host.stop());
  const connection = await connect(host.target, host.credentials, { journal: memoryJournal() });
  const stream = await connection.link.forward('127.0.0.1', 9);
  await connection.link.closed;
  expect(connection.isOpen).toBe(false);
  expect(stream.readableLength).toBeLessThan(8 * 1024 * 1024);
});
