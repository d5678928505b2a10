// What a connection needs of a transport: channels with a command on each, whichever library or program carries them.

import type { Duplex } from 'node:stream';

/** 1 is standard output, 2 standard error. */
export type StreamNumber = 1 | 2;

export interface ChannelEvents {
  readonly data: (stream: StreamNumber, bytes: Buffer) => void;
  /** Called once, when the channel is gone. `status` is undefined when the host told no exit status. */
  readonly closed: (status: number | undefined) => void;
}

export interface Channel {
  write(bytes: Buffer): void;
  /** Asks the host to send TERM to the whole process group of the command (RFC 4254 section 6.9). */
  terminate(): void;
  close(): void;
}

export interface Link {
  readonly isOpen: boolean;
  /** What the host calls its software in its version line (RFC 4253 section 4.2): `OpenSSH_9.2p1 Debian-2`. */
  readonly software: string;
  /** Resolves when the link is gone. */
  readonly closed: Promise<void>;
  /**
   * Returns a channel on which the login shell of the user was given `line`.
   *
   * @throws whatever the transport reports; the line was not run then.
   */
  exec(line: string, events: ChannelEvents): Promise<Channel>;
  /** Returns a channel to a subsystem of the host (RFC 4254 section 6.5), or `undefined` where it has none. Throws as `exec`. */
  subsystem(name: string, events: ChannelEvents): Promise<Channel | undefined>;
  /** Returns a connection that the host opened to an address of its own network. Throws what the host says. */
  forward(host: string, port: number): Promise<Duplex>;
  close(): void;
}
