// The system's ssh as a link: one connection to its control socket in proxy mode (OpenSSH's PROTOCOL.mux), which carries
// the SSH connection protocol in clear. A command costs a channel and no process.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Channel, ChannelEvents, Link } from './link.ts';
import { MuxChannel, type MuxEvents, OPEN, RequestRefused } from './mux-channel.ts';
import { Framer, stringOf, uint32, WireReader } from './wire.ts';

const HELLO = 1;
const VERSION = 4;
const PROXY = 0x1000000f;
const PROXY_GRANTED = 0x8000000f;
const MAX_MESSAGE = 256 * 1024;

/** What the link goes through, and ends with. */
interface Carrier {
  readonly ended: Promise<void>;
  stop(): void;
}

export class OpenSshLink implements Link {
  readonly #socket: Socket;
  readonly software: string;
  readonly #carrier: Carrier;
  readonly #channels: Map<number, MuxChannel>;
  #next: number;
  #open: boolean;
  #onProxied: () => void;
  readonly #proxied: Promise<void>;
  readonly closed: Promise<void>;

  private constructor(socket: Socket, carrier: Carrier, software: string) {
    this.#socket = socket;
    this.software = software;
    this.#carrier = carrier;
    this.#channels = new Map();
    this.#next = 0;
    this.#open = true;
    this.#onProxied = () => {};
    this.#proxied = new Promise((resolve) => {
      this.#onProxied = resolve;
    });
    this.closed = carrier.ended.then(() => this.#lose());
    const framer = new Framer(MAX_MESSAGE);
    let isProxied = false;
    socket.on('data', (chunk: Buffer) => {
      try {
        framer.push(chunk, (message) => {
          if (isProxied) return this.#receive(new WireReader(message));
          if (new WireReader(message).uint32() !== PROXY_GRANTED) return; // its hello
          isProxied = true;
          this.#onProxied();
        });
      } catch {
        this.close();
      }
    });
    socket.on('error', () => {}).on('close', () => this.close());
  }

  /** Resolves once ssh has let us in. Rejects when it goes away first. */
  static async open(socket: Socket, carrier: Carrier, software: string): Promise<OpenSshLink> {
    const link = new OpenSshLink(socket, carrier, software);
    socket.write(stringOf(Buffer.concat([uint32(HELLO), uint32(VERSION)])));
    socket.write(stringOf(Buffer.concat([uint32(PROXY), uint32(0)])));
    await Promise.race([link.#proxied, carrier.ended]);
    if (!link.#open) throw new Error('ssh went away');
    return link;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  close(): void {
    this.#lose();
    this.#socket.destroy();
    this.#carrier.stop();
  }

  async exec(line: string, events: ChannelEvents): Promise<Channel> {
    return await this.#session('exec', line, events);
  }

  async subsystem(name: string, events: ChannelEvents): Promise<Channel | undefined> {
    return await this.#session('subsystem', name, events).catch((error: unknown) => {
      if (error instanceof RequestRefused) return undefined;
      throw error;
    });
  }

  async #session(
    kind: 'exec' | 'subsystem',
    what: string,
    { data, closed }: ChannelEvents,
  ): Promise<Channel> {
    const channel = this.#channel({
      data: (stream, bytes) => {
        data(stream, bytes);
        return true;
      },
      ended: () => {},
      closed,
    });
    await channel.open('session');
    try {
      await channel.request(kind, stringOf(what));
    } catch (error) {
      channel.close();
      throw error;
    }
    return {
      write: (bytes) => channel.write(bytes),
      terminate: () => channel.signal('TERM'),
      close: () => channel.close(),
    };
  }

  async forward(host: string, port: number): Promise<Duplex> {
    let unread = 0;
    const channel = this.#channel({
      data: (_, bytes) => {
        if (stream.push(bytes)) return true;
        unread += bytes.length;
        return false;
      },
      ended: () => void stream.push(null),
      closed: () => void stream.destroy(),
    });
    const stream: Duplex = new Duplex({
      read: () => {
        channel.consumed(unread);
        unread = 0;
      },
      write: (bytes: Buffer, _encoding, done) => channel.write(bytes, done),
      final: (done) => {
        channel.end();
        done();
      },
      destroy: (error, done) => {
        channel.close();
        done(error);
      },
    });
    stream.on('error', () => {});
    // The address that the connection is said to come from means nothing to a host (RFC 4254 section 7.2).
    const target = [stringOf(host), uint32(port), stringOf('127.0.0.1'), uint32(0)];
    await channel.open('direct-tcpip', Buffer.concat(target));
    return stream;
  }

  /** Returns a channel that is yet to be opened. */
  #channel(events: MuxEvents): MuxChannel {
    if (!this.#open) throw new Error('the link is closed');
    const id = this.#next++;
    const channel = new MuxChannel(id, (type, body) => this.#send(type, body), {
      ...events,
      closed: (status) => {
        this.#channels.delete(id);
        events.closed(status);
      },
    });
    this.#channels.set(id, channel);
    return channel;
  }

  #send(type: number, body: Buffer): void {
    // In this mode a message is what stands in a packet: its padding, which is none, its number and its content.
    if (this.#socket.writable) this.#socket.write(stringOf(Buffer.concat([Buffer.of(0, type), body])));
  }

  #receive(reader: WireReader): void {
    reader.byte();
    const type = reader.byte();
    if (type > OPEN) this.#channels.get(reader.uint32())?.receive(type, reader);
  }

  #lose(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const channel of this.#channels.values()) channel.lost();
  }
}
