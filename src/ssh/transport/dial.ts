// Dialling for a guard: until a key exchange says something about the host.
import type { Dial, DialOptions } from './key-exchange.ts';
import { exchangeInTurn, mayDialAgain, pauseBefore, reachInTurn } from './reach.ts';
import { ssh2Exchange } from './ssh2-exchange.ts';

/** Whoever only looks at the key of a host logs in as nobody. */
const lookOnly = ssh2Exchange('', []);

/** Dials with the key exchange of this turn; without a turn ssh2 looks, and nobody can log in. */
export async function dial(options: DialOptions): Promise<Dial> {
  const { host, port, signal } = options;
  const exchange = exchangeInTurn(host, port) ?? lookOnly;
  for (let attempt = 1; ; attempt++) {
    const reached = await reachInTurn(host, port, signal);
    if (reached.outcome === 'unreachable') return reached;
    const result = await exchange(options, reached.socket);
    if (result.outcome !== 'unreachable' || !mayDialAgain(result.why, attempt)) return result;
    await pauseBefore(attempt, signal);
  }
}
