// The log-in on a connection whose host was granted, and why one fails: each reason has a code of its own.
import type { AuthHandlerMiddleware, Client } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import type { Offer } from './credentials.ts';
import type { HeldConnection } from './dial.ts';
import type { Faults } from './faults.ts';
import { said } from './said.ts';

/** What the host showed while we tried. */
interface Course {
  readonly tried: Set<string>;
  /** Methods that it would still take (RFC 4252 section 5.1). */
  left: readonly string[];
}

function refused({ tried, left }: Course, faults: Faults): CodedError {
  const takes = left.length > 0 ? `; it takes ${said(left.join(', '))}` : '';
  const agent = faults.agent ? '; the agent would not sign' : '';
  return new CodedError(
    'ssh.authentication-failed',
    `the host did not accept ${[...tried].join(', ') || 'what we have'}${takes}${agent}`,
    'Check the user name and authorized_keys on the host; its log says why it refused.',
  );
}

function ended({ reason: error }: Faults): CodedError {
  // With the length behind it where ssh2 runs without its native part.
  if (error?.message.startsWith('Bad packet length'))
    return new CodedError(
      'ssh.packet-too-long',
      'the host sent more in one packet than ssh2 takes (35,000 bytes): a banner, most likely',
      'Shorten the Banner of its sshd_config.',
    );
  // The text of its disconnect message (RFC 4253 section 11.1), or what the network said.
  const why = error ? ` (it said: ${said(error.message)})` : '';
  if (error?.message.startsWith('Too many authentication failures'))
    return new CodedError(
      'ssh.too-many-attempts',
      `the host hung up after too many attempts${why}`,
      'Offer fewer credentials: name the key that it takes.',
    );
  return new CodedError(
    'ssh.link-lost',
    `the connection ended during the log-in${why}`,
    'Try again; the log of the host says why, if the host ended it.',
  );
}

/**
 * Returns the client once the host has let the user in. The caller bounds the wait and destroys the connection.
 *
 * @throws CodedError `ssh.authentication-failed`, `ssh.too-many-attempts`, `ssh.password-expired`, `ssh.packet-too-long`,
 * `ssh.link-lost`.
 */
export function logIn(held: HeldConnection, user: string, offers: readonly Offer[]): Promise<Client> {
  const { client, faults, gone } = held;
  const course: Course = { tried: new Set(), left: [] };
  const waiting = [...offers];
  return new Promise((resolve, reject) => {
    client.once('ready', () => resolve(client));
    void gone.then(() => reject(ended(faults)));
    client.once('change password', () =>
      reject(
        new CodedError(
          'ssh.password-expired',
          'the password has expired on the host',
          'Log in by hand once and change it, or use a key.',
        ),
      ),
    );
    const next: AuthHandlerMiddleware = (left, _partial, answer) => {
      course.left = left ?? course.left;
      let offer = waiting.shift();
      // A password is not sent to a host that does not ask for one.
      while (offer?.method(user).type === 'password' && left && !left.includes('password'))
        offer = waiting.shift();
      if (!offer) return reject(refused(course, faults));
      course.tried.add(offer.name);
      if (offer.hash) held.preferRsa(offer.hash);
      answer(offer.method(user) as never);
    };
    held.proceed(next);
  });
}
