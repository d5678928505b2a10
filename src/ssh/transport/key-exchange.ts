// One key exchange with a host that was reached, whichever library or program does it. It is held right before
// authentication: the host has proven its key by then, and nothing of ours has been sent, no user name, no public key.
// Whoever holds the result logs in on it or destroys it.
import type { Duplex } from 'node:stream';
import type { HostKey, KnownHost } from '../host-key/known-hosts.ts';
import type { Link } from './link.ts';
import type { Negotiated } from './negotiated.ts';

/** A socket, or a stream through another host, which holds no process alive by itself. */
export type ReachedStream = Duplex & { ref?(): unknown; unref?(): unknown };

/** A connection whose host key was accepted, waiting before authentication. */
export interface HeldConnection {
  /**
   * Lets authentication begin. Returns the link once the host has let the user in; the caller bounds the wait.
   *
   * @throws CodedError `ssh.authentication-failed`, `ssh.too-many-attempts`, `ssh.password-expired`,
   * `ssh.packet-too-long`, `ssh.link-lost`.
   */
  logIn(): Promise<Link>;
  destroy(): void;
}

/** What one key exchange showed. */
export type Dial =
  | { readonly outcome: 'unreachable'; readonly why: string }
  | { readonly outcome: 'no-strict-kex' | 'unproven' }
  /** `what` the host offers no usable one of, and what it offered. */
  | { readonly outcome: 'no-common-algorithm'; readonly what: string; readonly offered: string }
  /** `held` is absent when the key was not accepted: the connection is gone. */
  | {
      readonly outcome: 'presented';
      readonly key: HostKey;
      readonly negotiated?: Negotiated;
      readonly held?: HeldConnection;
    };

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** The name that the host is looked up by, without a port: what its certificate must be for. */
  readonly name: string;
  /** The lines that name the host. */
  readonly named: readonly KnownHost[];
  /** Whether a host that no line names may go on. */
  readonly acceptsUnknown: boolean;
  /** Must return literally `true` to accept. Called again when the host asks for new keys during the connection. */
  readonly accepts: (key: HostKey) => boolean;
  readonly keepaliveMs: number;
  readonly signal: AbortSignal;
}

/** Rejects when the signal aborts, and for nothing that a host can do. */
export type KeyExchange = (options: DialOptions, socket: ReachedStream) => Promise<Dial>;
