// The embedded transport: a logged-in client of ssh2 as a link.
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
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
        if (error) return reject(error);
        const push = channel.push.bind(channel);
        channel.push = (chunk: unknown): boolean => {
          if (channel.readableLength > MAX_HELD) this.#client.destroy();
          return push(chunk);
        };
        resolve(channel.on('error', () => {}));
      });
    });
  }

  exec(line: string, events: ChannelEvents): Promise<Channel> {
    return new Promise((resolve, reject) => {
      this.#client.exec(line, (error, channel) => {
        if (!error) return resolve(carried(channel, events));
        closeRefused(this.#client);
        reject(error);
      });
    });
  }

  subsystem(name: string, events: ChannelEvents): Promise<Channel | undefined> {
    return new Promise((resolve, reject) => {
      this.#client.subsys(name, (error, channel) => {
        if (!error) return resolve(carried(channel, events));
        closeRefused(this.#client);
        if (error.message === `${NO_SUBSYSTEM}${name}`) resolve(undefined);
        else reject(error);
      });
    });
  }
}

/** Twice the window that ssh2 grants. It does not hold a host to that, and keeps what nobody reads. */
const MAX_HELD = 4 * 1024 * 1024;

/** How ssh2 says that the host refused the request, and not the channel; the version is pinned. */
const NO_SUBSYSTEM = 'Unable to start subsystem: ';

interface Refused {
  readonly type?: string;
  readonly subtype?: string;
  readonly _callbacks?: readonly unknown[];
  close?(): void;
}

/**
 * Closes sessions whose request was refused. ssh2 1.17.0 leaves them open and hands out nothing to close them by, so they
 * would count against MaxSessions to the end of the connection: a session that asks for nothing, and waits for no answer.
 */
function closeRefused(client: Client): void {
  const { _chanMgr } = client as unknown as { _chanMgr?: { _channels?: Record<string, Refused> } };
  for (const channel of Object.values(_chanMgr?._channels ?? {})) {
    if (channel.type === 'session' && channel.subtype === undefined && channel._callbacks?.length === 0)
      channel.close?.();
  }
}

function carried(channel: ClientChannel, { data, closed }: ChannelEvents): Channel {
  channel.on('error', () => {}); // the close that follows says what there is to say
  channel.on('data', (bytes: Buffer) => data(1, bytes));
  channel.stderr.on('data', (bytes: Buffer) => data(2, bytes));
  channel.on('close', (status: unknown) => closed(typeof status === 'number' ? status : undefined));
  return {
    write: (bytes) => void channel.write(bytes),
    terminate: () => channel.signal('TERM'),
    close: () => channel.close(),
  };
}
