// One key exchange, held right before authentication. The host has proven its key by then, and nothing of ours has
// been sent: no user name, no password, no public key. Whoever holds the result lets it proceed or destroys it.
import type { Algorithms, AuthHandlerMiddleware, Client, NegotiatedAlgorithms } from 'ssh2';
import { errnoOf } from '../../evidence/coded-error.ts';
import { type HostKey, hostKeyOf } from '../host-key/known-hosts.ts';
import { Faults } from './faults.ts';
import type { Negotiated } from './negotiated.ts';
import { DROPPED, mayDialAgain, pauseBefore, type ReachedStream, reachInTurn } from './reach.ts';
import type { RsaHash } from './rsa-hash.ts';
import { rsaPreference } from './rsa-signatures.ts';
import { said } from './said.ts';
import { loadSsh2 } from './ssh2.ts';

/** A connection whose host key was accepted, waiting before authentication. */
export interface HeldConnection {
  readonly client: Client;
  /** What went wrong so far; it may have been while nobody waited for it. */
  readonly faults: Faults;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  /** Lets authentication begin; `methods` answers each further request of ssh2 for a method to try. */
  proceed(methods: AuthHandlerMiddleware): void;
  /** With which hash an RSA user key signs from here on. */
  preferRsa(hash: RsaHash): void;
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
  readonly offer: Algorithms;
  /** Must return literally `true` to accept. Called again when the host asks for new keys during the connection. */
  readonly accepts: (key: HostKey) => boolean;
  readonly keepaliveMs: number;
  readonly signal: AbortSignal;
}

/** Dials until a key exchange says something about the host. */
export async function dial(options: DialOptions): Promise<Dial> {
  const { host, port, signal } = options;
  for (let attempt = 1; ; attempt++) {
    const reached = await reachInTurn(host, port, signal);
    if (reached.outcome === 'unreachable') return reached;
    const result = await dialOnce(options, reached.socket);
    if (result.outcome !== 'unreachable' || !mayDialAgain(result.why, attempt)) return result;
    await pauseBefore(attempt, signal);
  }
}

// ssh2 tells these two only in its debug text and its messages. The version is pinned, and when the words change the
// drills of the host-key guard turn red: without the first nothing is accepted.
const STRICT_ON = 'Handshake: strict KEX mode enabled';
const KEX_CHOSEN = 'Handshake: KEX algorithm: ';
const NO_MATCH = /^Handshake failed: no matching /;
const REMOTE_LIST = /^Handshake: \(remote\) ([A-Za-z >-]+): (.*)$/;

function negotiatedOf({ kex, serverHostKey, cs, sc }: NegotiatedAlgorithms): Negotiated {
  const direction = ({ cipher, mac, compress }: typeof cs): Negotiated['clientToServer'] => ({
    cipher,
    mac,
    compression: compress,
  });
  return { kex, serverHostKey, clientToServer: direction(cs), serverToClient: direction(sc) };
}

async function dialOnce(
  { offer, accepts, keepaliveMs, signal }: DialOptions,
  socket: ReachedStream,
): Promise<Dial> {
  const { Client } = await loadSsh2();
  const client = new Client();
  const faults = new Faults();
  const gone = new Promise<void>((resolve) => {
    client.once('close', resolve);
  });
  const destroy = (): void => {
    client.destroy();
    socket.destroy();
  };
  return await new Promise<Dial>((resolve, reject) => {
    let settled = false;
    const settle = (result: Dial): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', onAbort);
      if (result.outcome !== 'presented' || !result.held) destroy();
      resolve(result);
    };
    const onAbort = (): void => {
      destroy();
      settled = true;
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });

    let preferRsa: (hash: RsaHash) => void = () => {};
    let strict = false;
    let list = { what: 'algorithm', offered: '' };
    let accepted: HostKey | undefined;
    let negotiated: Negotiated | undefined;
    let methods: AuthHandlerMiddleware | undefined;
    let waiting: Parameters<AuthHandlerMiddleware> | undefined;

    client.on('error', (error: Error & { level?: string }) => {
      faults.add(error);
      if (error.message === 'Connection lost before handshake')
        settle({ outcome: 'unreachable', why: DROPPED });
      else if (error.level !== 'handshake')
        settle({ outcome: 'unreachable', why: errnoOf(error, 'protocol error') });
      else if (NO_MATCH.test(error.message)) settle({ outcome: 'no-common-algorithm', ...list });
      else settle({ outcome: 'unproven' });
    });
    client.on('close', () => settle({ outcome: 'unreachable', why: DROPPED }));
    client.on('handshake', (algorithms) => {
      negotiated ??= negotiatedOf(algorithms);
    });

    const verify = (blob: Buffer): boolean => {
      const key = hostKeyOf(blob);
      // New keys during a connection must come from the same host: an equal key, or none.
      if (accepted) return key?.blob.equals(accepted.blob) === true;
      if (key && accepts(key) === true) {
        accepted = key;
        return true;
      }
      settle(key ? { outcome: 'presented', key } : { outcome: 'unproven' });
      return false;
    };
    const authHandler: AuthHandlerMiddleware = (left, partial, next) => {
      if (methods) return methods(left, partial, next);
      waiting = [left, partial, next];
      const proceed = (chosen: AuthHandlerMiddleware): void => {
        methods = chosen;
        socket.ref?.();
        if (waiting) chosen(...waiting);
      };
      socket.unref?.(); // a grant that nobody uses keeps no process alive
      if (!accepted || !negotiated) settle({ outcome: 'unproven' });
      else
        settle({
          outcome: 'presented',
          key: accepted,
          negotiated,
          held: { client, faults, gone, proceed, preferRsa: (hash) => preferRsa(hash), destroy },
        });
      return undefined;
    };
    client.connect({
      sock: socket,
      username: '', // each method names its user itself, when it is its turn
      readyTimeout: 0, // the signal is the deadline
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: 3,
      algorithms: offer,
      // Synchronous and strictly boolean: ssh2 takes everything but a literal false, a promise too, for a yes.
      hostVerifier: (blob: Buffer): boolean => verify(blob),
      authHandler,
      debug: (text) => {
        const [, what, offered] = REMOTE_LIST.exec(text) ?? [];
        if (what !== undefined && offered !== undefined) list = { what: said(what), offered: said(offered) };
        if (text === STRICT_ON) strict = true;
        // Without strict key exchange a man in the middle can drop messages (CVE-2023-48795), so it stops here.
        else if (!strict && text.startsWith(KEX_CHOSEN)) settle({ outcome: 'no-strict-kex' });
      },
    });
    preferRsa = rsaPreference(client);
  });
}
