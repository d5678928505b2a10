// The servers of drills: on loopback, on a port that the kernel chooses, gone with the drill.
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { DrillSite } from './proof.ts';

/** Lets a server listen, and returns its port. */
export async function listenOnLoopback(server: Server | TlsServer, site: DrillSite): Promise<number> {
  site.onCleanup(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
