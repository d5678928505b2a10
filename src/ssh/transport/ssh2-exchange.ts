// The key exchange of the embedded transport, by ssh2.
import type { AuthHandlerMiddleware, NegotiatedAlgorithms } from 'ssh2';
import { errnoOf } from '../../evidence/coded-error.ts';
import { type HostKey, hostKeyOf } from '../host-key/known-hosts.ts';
import { offerFor } from './algorithms.ts';
import { Faults } from './faults.ts';
import type { Dial, DialOptions, KeyExchange, ReachedStream } from './key-exchange.ts';
import { logIn } from './log-in.ts';
import type { Negotiated } from './negotiated.ts';
import type { Offer } from './offers.ts';
import { DROPPED, softwareOf } from './reach.ts';
import type { RsaHash } from './rsa-hash.ts';
import { rsaPreference } from './rsa-signatures.ts';
import { said } from './said.ts';
import { loadSsh2 } from './ssh2.ts';
import { Ssh2Link } from './ssh2-link.ts';

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

async function exchangeOn(
  { named, accepts, keepaliveMs, signal }: DialOptions,
  socket: ReachedStream,
  user: string,
  offers: readonly Offer[],
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
      const paused = { client, faults, gone, proceed, preferRsa: (hash: RsaHash) => preferRsa(hash) };
      if (!accepted || !negotiated) settle({ outcome: 'unproven' });
      else
        settle({
          outcome: 'presented',
          key: accepted,
          negotiated,
          held: {
            logIn: async () => new Ssh2Link(await logIn(paused, user, offers), softwareOf(socket)),
            destroy,
          },
        });
      return undefined;
    };
    client.connect({
      sock: socket,
      username: '', // each method names its user itself, when it is its turn
      readyTimeout: 0, // the signal is the deadline
      keepaliveInterval: keepaliveMs,
      keepaliveCountMax: 3,
      algorithms: offerFor(named),
      // Synchronous and strictly boolean: ssh2 takes everything but a literal false, a promise too, for a yes.
      hostVerifier: (blob: Buffer): boolean => verify(blob),
      authHandler,
      debug: (text) => {
        if (negotiated) return; // from here on ssh2 tells of every packet
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

/** Returns the key exchange after which `user` logs in with one of `offers`. */
export const ssh2Exchange =
  (user: string, offers: readonly Offer[]): KeyExchange =>
  (options, socket) =>
    exchangeOn(options, socket, user, offers);
