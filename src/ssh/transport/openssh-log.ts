// What the log of ssh says about a key exchange, and about why a log-in failed. Only whole lines count, and of the key
// exchange only those up to the first that shows the key: behind it stands text that a stranger may have written.
import type { CodedError } from '../../evidence/coded-error.ts';
import type { Dial } from './key-exchange.ts';
import { authenticationFailed, linkLost, tooManyAttempts } from './log-in-failures.ts';
import type { Negotiated, NegotiatedDirection } from './negotiated.ts';
import { DROPPED } from './reach.ts';
import { said } from './said.ts';

/** Functions of ssh whose lines are wanted at every level (ssh_config(5), LogVerbose). */
export const LOG_VERBOSE = 'kex.c:kex_choose_conf():*,kex.c:choose_*():*,sshconnect.c:verify_host_key():*';

/** The key that a host showed; `authority`: the fingerprint of who signed its certificate. */
export interface LoggedKey {
  readonly type: string;
  readonly fingerprint: string;
  readonly authority: string | undefined;
}

export interface LoggedExchange {
  readonly strict: boolean;
  readonly negotiated: Negotiated | undefined;
  readonly presented: LoggedKey | undefined;
}

const SHOWN = /^Server host (?:key|certificate): (\S+) (SHA256:[A-Za-z0-9+/]+)(?:,|$)/;
const AUTHORITY = /" CA \S+ (SHA256:[A-Za-z0-9+/]+) valid [^"]*$/;
const VERBOSE = /^debug[123]: [a-z]+\.c:[a-z_]+\(\):[0-9]+ \((?:bin=[^,()]*, )?pid=[0-9]+\): (.*)$/; // bin since OpenSSH 10.0

const linesOf = (log: string): readonly string[] =>
  log.split(/\r?\n/).map((line) => VERBOSE.exec(line)?.[1] ?? line);

export function readExchange(log: string): LoggedExchange {
  const lines = linesOf(log);
  const shown = lines.findIndex((line) => SHOWN.test(line));
  const before = shown < 0 ? lines : lines.slice(0, shown);
  const find = (pattern: RegExp): RegExpExecArray | undefined => {
    for (const line of before) {
      const found = pattern.exec(line);
      if (found) return found;
    }
    return undefined;
  };
  const direction = (name: string): NegotiatedDirection | undefined => {
    const [, cipher, mac, compression] =
      find(new RegExp(`^kex: ${name} cipher: (\\S+) MAC: (\\S+) compression: (\\S+)$`)) ?? [];
    if (cipher === undefined || mac === undefined || compression === undefined) return undefined;
    return { cipher, mac: mac === '<implicit>' ? '' : mac, compression };
  };
  const kex = find(/^kex: algorithm: (\S+)$/)?.[1];
  const serverHostKey = find(/^kex: host key algorithm: (\S+)$/)?.[1];
  const [clientToServer, serverToClient] = [direction('client->server'), direction('server->client')];
  const line = lines[shown] ?? '';
  const [, type, fingerprint] = SHOWN.exec(line) ?? [];
  const [, authority] = AUTHORITY.exec(line) ?? [];
  return {
    strict: find(/^will use strict KEX ordering$/) !== undefined,
    negotiated:
      kex && serverHostKey && clientToServer && serverToClient
        ? { kex, serverHostKey, clientToServer, serverToClient }
        : undefined,
    presented: type && fingerprint ? { type, fingerprint, authority } : undefined,
  };
}

/** The last line that is no detail: why ssh ended. */
const lastWord = (log: string): string =>
  linesOf(log).findLast((line) => line !== '' && !line.startsWith('debug')) ?? '';

/** Returns why no key was shown, or none that its host could prove. */
export function exchangeFailure(log: string): Dial {
  const word = lastWord(log);
  const [, what, offered] = /: no matching (.+?) found\. Their offer: (.*)$/.exec(word) ?? [];
  if (what !== undefined && offered !== undefined)
    return { outcome: 'no-common-algorithm', what: said(what), offered: said(offered) };
  if (/^(?:kex_exchange_identification: )?(?:Connection (?:closed|reset)|read: Connection reset)/.test(word))
    return { outcome: 'unreachable', why: DROPPED };
  if (/incorrect signature|Host key verification failed|invalid format/.test(log))
    return { outcome: 'unproven' };
  return { outcome: 'unreachable', why: `ssh gave up: ${said(word)}` };
}

/** Returns why a log-in failed in which `names` were offered. */
export function logInFailure(log: string, names: readonly string[]): CodedError {
  const [, takes] = /: Permission denied \(([^()]*)\)\.$/m.exec(log.replaceAll('\r', '')) ?? [];
  if (takes !== undefined)
    return authenticationFailed(names, takes.split(','), log.includes('agent refused operation'));
  if (log.includes('Too many authentication failures'))
    return tooManyAttempts('Too many authentication failures');
  return linkLost(lastWord(log) || undefined);
}
