// Why a log-in fails, the same for every transport: each reason has a code of its own.
import { CodedError } from '../../evidence/coded-error.ts';
import { said } from './said.ts';

const quoted = (text: string | undefined): string => (text === undefined ? '' : ` (it said: ${said(text)})`);

/** `takes`: methods that the host would still take (RFC 4252 section 5.1). */
export function authenticationFailed(
  tried: readonly string[],
  takes: readonly string[],
  agentRefused: boolean,
): CodedError {
  const others = takes.length > 0 ? `; it takes ${said(takes.join(', '))}` : '';
  const agent = agentRefused ? '; the agent would not sign' : '';
  return new CodedError(
    'ssh.authentication-failed',
    `the host did not accept ${tried.join(', ') || 'what we have'}${others}${agent}`,
    'Check the user name and authorized_keys on the host; its log says why it refused.',
  );
}

export function tooManyAttempts(text: string): CodedError {
  return new CodedError(
    'ssh.too-many-attempts',
    `the host hung up after too many attempts${quoted(text)}`,
    'Offer fewer credentials: name the key that it takes.',
  );
}

/** `text`: that of its disconnect message (RFC 4253 section 11.1), or what the network said. */
export function linkLost(text: string | undefined): CodedError {
  return new CodedError(
    'ssh.link-lost',
    `the connection ended during the log-in${quoted(text)}`,
    'Try again; the log of the host says why, if the host ended it.',
  );
}
