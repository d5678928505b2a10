// Reaching a host: a TCP connection on which the host has said its version line. That costs the host next to nothing and
// us no place in any queue, so a host that is dead holds back no other.
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../evidence/coded-error.ts';
import type { KeyExchange, ReachedStream } from './key-exchange.ts';
import type { Link } from './link.ts';
import { said } from './said.ts';
import { Semaphore } from './semaphore.ts';

export type Reached =
  | { readonly outcome: 'reached'; readonly socket: ReachedStream }
  | { readonly outcome: 'unreachable'; readonly why: string };

/** Sockets that wait for a host at the same time, for the sake of our own table of descriptors. */
const waiting = new Semaphore(512);

const ATTEMPTS = 6;
export const DROPPED = 'the host closed the connection before the key exchange';
/** What a host does that has no room for one more connection (sshd_config(5), MaxStartups). Nothing has been said yet. */
const NO_ROOM: ReadonlySet<string> = new Set([DROPPED, 'ECONNRESET', 'EPIPE']);

/** Whether dialling again may help, and can do no harm: the host hung up before anything was asked of it. */
export function mayDialAgain(why: string, attempt: number): boolean {
  return attempt < ATTEMPTS && NO_ROOM.has(why);
}

/** Waits before another attempt. With jitter, or all connections that were dropped together come back together. */
export async function pauseBefore(attempt: number, signal: AbortSignal): Promise<void> {
  await sleep((0.5 + Math.random()) * 100 * 2 ** attempt, undefined, { signal });
}

/** Bytes in which the version line must come; other lines may stand before it (RFC 4253 section 4.2). */
const MAX_GREETING = 64 * 1024;
const VERSION_LINE = /(?:^|\n)SSH-[^-\n]*-?([^\r\n]*)\r?\n/;

const software = new WeakMap<ReachedStream, string>();

/** Returns what the host at the other end calls its software. */
export const softwareOf = (socket: ReachedStream): string => software.get(socket) ?? '';

/** What sshd says in place of its version line, before it closes. */
const NO_PLACE = 'Exceeded MaxStartups';
const PENALTY = 'Not allowed at this time';

function whyClosed(greeting: string): string {
  if (greeting === '' || greeting.startsWith(NO_PLACE)) return DROPPED;
  if (greeting.startsWith(PENALTY))
    return 'the host takes no connection from here for a while, after log-ins that failed (PerSourcePenalties)';
  return `the host speaks another protocol than SSH: ${said(greeting)}`;
}

/** Waits until the other side has said its version line. */
function awaitVersion(socket: ReachedStream, signal: AbortSignal): Promise<Reached> {
  return new Promise<Reached>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let line = ''; // the last one, from its beginning: a line is looked at once it ends, however many packets it comes in
    const leave = (): void => {
      socket.off('readable', onReadable).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    const settle = (why?: string): void => {
      leave();
      if (why === undefined) {
        socket.on('error', () => {}); // whoever takes the socket sees it closed
        socket.unshift(Buffer.concat(chunks)); // the key exchange begins with this line
        resolve({ outcome: 'reached', socket });
        return;
      }
      socket.on('error', () => {}).destroy();
      resolve({ outcome: 'unreachable', why });
    };
    const onReadable = (): void => {
      for (let bytes: Buffer | null = socket.read(); bytes !== null; bytes = socket.read()) {
        chunks.push(bytes);
        length += bytes.length;
        line += bytes.toString('latin1');
        if (bytes.includes('\n')) {
          const version = VERSION_LINE.exec(line);
          if (version) {
            software.set(socket, version[1] ?? '');
            settle();
            return;
          }
          line = line.slice(line.lastIndexOf('\n') + 1);
        }
        if (length > MAX_GREETING) {
          settle('the host speaks another protocol than SSH');
          return;
        }
      }
    };
    const onError = (error: Error): void => settle(errnoOf(error, 'network error'));
    const onClose = (): void => {
      settle(whyClosed(Buffer.concat(chunks).toString('latin1')));
    };
    const onAbort = (): void => {
      leave();
      socket.on('error', () => {}).destroy();
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('readable', onReadable).once('error', onError).once('close', onClose);
  });
}

/** Dials until the host has said its version line, or why it did not. Rejects when the signal aborts. */
export async function reach(host: string, port: number, signal: AbortSignal): Promise<Reached> {
  const release = await waiting.acquire(signal);
  try {
    for (let attempt = 1; ; attempt++) {
      const reached = await awaitVersion(connectTcp({ host, port, noDelay: true }), signal);
      if (reached.outcome === 'reached' || !mayDialAgain(reached.why, attempt)) return reached;
      await pauseBefore(attempt, signal);
    }
  } finally {
    release();
  }
}

/** As {@link reach}, through a host on which somebody is logged in. */
export async function reachThrough(
  link: Link,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<Reached> {
  let stream: Duplex;
  try {
    stream = await link.forward(host, port);
  } catch {
    return { outcome: 'unreachable', why: 'the jump host opened no connection to it' };
  }
  if (!signal.aborted) return await awaitVersion(stream, signal);
  stream.destroy();
  throw signal.reason;
}

/** How to reach the host of this turn and exchange keys with it, and what was reached before it began. */
interface Turn {
  readonly host: string;
  readonly port: number;
  readonly again: (signal: AbortSignal) => Promise<Reached>;
  readonly exchange: KeyExchange;
  reached: Reached | undefined;
}

// A guard looks for itself, so neither what was reached before nor the way to the host can be part of its request.
const turns = new AsyncLocalStorage<Turn>();

/** Runs `work`, in which a dial to this address finds what was reached. What it does not use is closed. */
export async function withReached<T>(
  way: Omit<Turn, 'reached'>,
  reached: Reached,
  work: () => Promise<T>,
): Promise<T> {
  const turn: Turn = { ...way, reached };
  try {
    return await turns.run(turn, work);
  } finally {
    if (turn.reached?.outcome === 'reached') turn.reached.socket.destroy();
  }
}

function turnOf(host: string, port: number): Turn | undefined {
  const turn = turns.getStore();
  return turn?.host === host && turn.port === port ? turn : undefined;
}

export function exchangeInTurn(host: string, port: number): KeyExchange | undefined {
  return turnOf(host, port)?.exchange;
}

/** Returns what was reached for this turn, once, and after that what is reached in the same way; without a turn, directly. */
export async function reachInTurn(host: string, port: number, signal: AbortSignal): Promise<Reached> {
  const turn = turnOf(host, port);
  if (!turn) return await reach(host, port, signal);
  const { reached, again } = turn;
  turn.reached = undefined;
  const isGone = reached?.outcome === 'reached' && reached.socket.destroyed;
  return reached === undefined || isGone ? await again(signal) : reached;
}
