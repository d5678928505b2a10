// The log-in on a connection whose host was granted, and why one fails: each reason has a code of its own.
import type { AuthHandlerMiddleware, Client } from 'ssh2';
import { CodedError } from '../../evidence/coded-error.ts';
import type { Faults } from './faults.ts';
import { authenticationFailed, linkLost, tooManyAttempts } from './log-in-failures.ts';
import type { Offer } from './offers.ts';
import type { RsaHash } from './rsa-hash.ts';

/** A client that ssh2 holds right before authentication. */
export interface PausedClient {
  readonly client: Client;
  /** What went wrong so far; it may have been while nobody waited for it. */
  readonly faults: Faults;
  /** Resolves when the connection is gone. */
  readonly gone: Promise<void>;
  /** Lets authentication begin; `methods` answers each further request of ssh2 for a method to try. */
  proceed(methods: AuthHandlerMiddleware): void;
  /** With which hash an RSA user key signs from here on. */
  preferRsa(hash: RsaHash): void;
}

/** What the host showed while we tried. */
interface Course {
  readonly tried: Set<string>;
  /** Methods that it would still take (RFC 4252 section 5.1). */
  left: readonly string[];
}

function ended({ reason }: Faults): CodedError {
  // With the length behind it where ssh2 runs without its native part.
  if (reason?.message.startsWith('Bad packet length'))
    return new CodedError(
      'ssh.packet-too-long',
      'the host sent more in one packet than ssh2 takes (35,000 bytes): a banner, most likely',
      "Shorten the Banner of its sshd_config, or use transport: 'openssh'.",
    );
  return reason?.message.startsWith('Too many authentication failures')
    ? tooManyAttempts(reason.message)
    : linkLost(reason?.message);
}

/**
 * Returns the client once the host has let the user in. The caller bounds the wait and destroys the connection.
 *
 * @throws CodedError `ssh.authentication-failed`, `ssh.too-many-attempts`, `ssh.password-expired`, `ssh.packet-too-long`,
 * `ssh.link-lost`.
 */
export function logIn(paused: PausedClient, user: string, offers: readonly Offer[]): Promise<Client> {
  const { client, faults, gone } = paused;
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
      if (!offer) return reject(authenticationFailed([...course.tried], course.left, faults.agent));
      course.tried.add(offer.name);
      if (offer.hash) paused.preferRsa(offer.hash);
      answer(offer.method(user) as never);
    };
    paused.proceed(next);
  });
}
