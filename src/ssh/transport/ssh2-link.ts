// The embedded transport: a logged-in client of ssh2 as a link.
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import type { Channel, ChannelEvents, Link } from './link.ts';

export class Ssh2Link implements Link {
  readonly #client: Client;
  readonly software: string;
  readonly closed: Promise<void>;
  #open: boolean;

  constructor(client: Client, software: string) {
    this.#client = client;
    this.software = software;
    this.#open = true;
    this.closed = new Promise((resolve) => {
      client.on('close', () => {
        this.#open = false;
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  close(): void {
    this.#open = false;
    this.#client.end();
  }

  forward(host: string, port: number): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      // The address that the connection is said to come from means nothing to a host (RFC 4254 section 7.2).
      this.#client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) reject(error);
        else resolve(channel.on('error', () => {}));
      });
    });
  }

  exec(line: string, { data, closed }: ChannelEvents): Promise<Channel> {
    return new Promise((resolve, reject) => {
      this.#client.exec(line, (error, channel) => {
        if (error) return reject(error);
        channel.on('error', () => {}); // the close that follows says what there is to say
        channel.on('data', (bytes: Buffer) => data(1, bytes));
        channel.stderr.on('data', (bytes: Buffer) => data(2, bytes));
        channel.on('close', (status: unknown) => closed(typeof status === 'number' ? status : undefined));
        resolve({
          write: (bytes) => void channel.write(bytes),
          terminate: () => channel.signal('TERM'),
          close: () => channel.close(),
        });
      });
    });
  }
}
