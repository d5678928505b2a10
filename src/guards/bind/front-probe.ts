// Asks a public front what it lets through, as a stranger would: every declared path and some that nobody declared, each
// method, without credentials and with made-up ones. What fooled single requests: `/` protected and nothing else, open
// streams and health paths, a rule for the name of the client, a wall with nothing behind it.
import { randomBytes, X509Certificate } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import { isIPv6 } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { errnoOf } from '../../evidence/coded-error.ts';
import { sha256Hex } from '../../evidence/sha256.ts';
import { mapAtOnce } from '../../kernel/at-once.ts';
import type { ListeningSocket } from './listening-sockets.ts';

export interface FrontTarget {
  /** The name that the certificate must bear. */
  readonly name: string;
  /** The literal address on which the front listens. */
  readonly address: string;
  readonly port: number;
  /** PEM certificates of the authorities that are believed, and no others. */
  readonly roots: readonly string[];
}

/** Where a front is asked, and whom it must be vouched for by. */
export interface FrontAddress extends Pick<FrontTarget, 'name' | 'address' | 'port'> {
  readonly trust: SecureContext;
}

/** Returns the trust in these roots and no others. Made once for all connections: to read certificates takes longest. */
export function trustIn(roots: FrontTarget['roots']): SecureContext {
  return createSecureContext({ ca: [...roots], minVersion: 'TLSv1.2' });
}

export interface TlsSeen {
  /** Code of what kept the connection from being made; `undefined` when it was made. */
  readonly failure: string | undefined;
  /** SHA-256 of the public key of the leaf (SubjectPublicKeyInfo), and when its certificate ends (ms since 1970). */
  readonly key: string;
  readonly notAfter: number;
}

type Credentials = 'none' | 'random' | 'right';

export interface Asked {
  readonly method: string;
  /** `stream` for an upgrade to WebSocket. */
  readonly what: 'request' | 'stream';
  /** Index among the paths that were asked. */
  readonly path: number;
  readonly credentials: Credentials;
  /** The status after redirections within the origin; a code where there was none. */
  readonly status: number | string;
  readonly verdict: 'refused' | 'sent-to-identity-provider' | 'let-through';
}

/** What is asked beside the declared paths: the root, a second slash, and last a path that no rule can know. */
export const strangePaths = (): readonly string[] => ['/', '//', `/${randomBytes(12).toString('hex')}`];

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'] as const;
/** What changes things is asked where nothing lies: a wall for some methods leaves the others open everywhere. */
const CHANGING = ['PUT', 'PATCH', 'DELETE'] as const;
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const ANSWER_MS = 3_000;
const AT_ONCE = 8;
const MAX_HOPS = 3;
const MAX_BODY_BYTES = 1_048_576;

/** Returns what the front's certificate is, seen over a connection of its own. */
export async function lookAtTls(
  { name, address, port, trust }: FrontAddress,
  signal: AbortSignal,
): Promise<TlsSeen> {
  const none = { key: '', notAfter: 0 };
  return await new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      servername: name,
      secureContext: trust,
      rejectUnauthorized: true,
      timeout: ANSWER_MS,
    });
    const finish = (seen: TlsSeen): void => {
      socket.destroy();
      resolve(seen);
    };
    signal.addEventListener('abort', () => finish({ failure: 'aborted', ...none }), { once: true });
    socket.once('timeout', () => finish({ failure: 'ETIMEDOUT', ...none }));
    socket.once('error', (error) => finish({ failure: errnoOf(error), ...none }));
    socket.once('secureConnect', () => {
      const leaf = new X509Certificate(socket.getPeerCertificate(true).raw);
      // Node takes a common name where there is no other; nobody else does any more (RFC 9525 section 6.3).
      const named = leaf.checkHost(name, { subject: 'never' }) !== undefined;
      const key = sha256Hex(leaf.publicKey.export({ type: 'spki', format: 'der' }));
      finish({
        failure: named ? undefined : 'ERR_TLS_CERT_ALTNAME_INVALID',
        key,
        notAfter: Date.parse(leaf.validTo),
      });
    });
  });
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

/**
 * Sends a request and reads its answer. One that met a kept connection which the front was closing is sent once more, over a
 * new one: where one that was kept is gone, so may the next be.
 */
async function exchangeAgain(
  send: (agent: Agent | false) => ClientRequest,
  agent: Agent | false,
): Promise<Answer> {
  const sent = send(agent);
  try {
    return await exchange(sent);
  } catch (error) {
    if (!sent.reusedSocket) throw error;
    return await exchange(send(false));
  }
}

/** Sends a request and reads its answer, bounded in time and size. Throws what kept it from being read. */
async function exchange(sent: ClientRequest): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const headersOf = ({ statusCode, headers }: IncomingMessage, body: string): Answer => ({
      status: statusCode ?? 0,
      location: headers.location,
      body,
    });
    sent.once('error', reject);
    sent.once('upgrade', (answer, socket) => {
      socket.destroy();
      resolve(headersOf(answer, ''));
    });
    sent.once('response', (answer) => {
      let body = '';
      answer.setEncoding('latin1');
      answer.on('data', (text: string) => {
        if (body.length < MAX_BODY_BYTES) body += text;
        else answer.destroy();
      });
      answer.once('error', reject);
      answer.once('close', () => resolve(headersOf(answer, body)));
    });
    sent.end();
  });
}

const within = (signal: AbortSignal): AbortSignal =>
  AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);

export interface FrontProbe extends FrontAddress {
  /** The Authorization header that is right. */
  readonly authorization: string;
  /** Origins to which a stranger may be sent to log in. */
  readonly identityProviders: readonly string[];
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': randomBytes(16).toString('base64'),
};

function authorizationOf({ authorization }: FrontProbe, credentials: Credentials): string | undefined {
  if (credentials === 'none') return undefined;
  const made = randomBytes(12).toString('base64');
  return credentials === 'right'
    ? authorization
    : `Basic ${Buffer.from(`${made}:${made}`).toString('base64')}`;
}

/** Sends one request, and follows where it is sent within the origin. */
async function ask(
  probe: FrontProbe,
  { method, what, credentials }: Pick<Asked, 'method' | 'what' | 'credentials'>,
  path: string,
  signal: AbortSignal,
  agent: Agent | false = false,
): Promise<Answer> {
  const { name, address, port, trust } = probe;
  const secure = { secureContext: trust, rejectUnauthorized: true };
  const origin = new URL(`https://${name}:${port}`);
  const authorization = authorizationOf(probe, credentials);
  let at = path;
  for (let hop = 0; ; hop += 1) {
    const target = at;
    const send = (over: Agent | false): ClientRequest =>
      requestTls({
        ...secure,
        agent: over,
        host: address,
        port,
        servername: name,
        method,
        path: target,
        signal: within(signal),
        headers: {
          host: port === 443 ? name : `${name}:${port}`,
          // A front may let its own monitor through by name: one half of the requests bears none, the other a browser's.
          ...(credentials === 'none' ? { 'user-agent': BROWSER } : {}),
          ...(authorization === undefined ? {} : { authorization }),
          ...(what === 'stream' ? UPGRADE : {}),
        },
      });
    const answer = await exchangeAgain(send, agent);
    const moved = answer.status >= 300 && answer.status < 400 && answer.location !== undefined;
    const to =
      moved && URL.canParse(answer.location ?? '', origin.href)
        ? new URL(answer.location ?? '', origin)
        : undefined;
    if (!to || to.origin !== origin.origin || hop >= MAX_HOPS) return answer;
    at = `${to.pathname}${to.search}`;
  }
}

function verdictOf({ status, location }: Answer, identityProviders: readonly string[]): Asked['verdict'] {
  if (status === 401 || status === 403) return 'refused';
  const sent = status >= 300 && status < 400 && location !== undefined && URL.canParse(location);
  return sent && identityProviders.includes(new URL(location).origin)
    ? 'sent-to-identity-provider'
    : 'let-through';
}

/** Returns what each request of a stranger came to. */
export async function askAsStranger(
  probe: FrontProbe,
  { strange, declared }: { readonly strange: readonly string[]; readonly declared: readonly string[] },
  stream: string | undefined,
  signal: AbortSignal,
): Promise<readonly Asked[]> {
  const paths = [...strange, ...declared];
  const plans = paths.flatMap((path, index) =>
    (index === strange.length - 1 ? [...METHODS, ...CHANGING] : METHODS).flatMap((method) =>
      (['none', 'random'] as const).map((credentials) => ({
        method,
        what: 'request' as const,
        credentials,
        index,
        path,
      })),
    ),
  );
  const upgrades = (stream === undefined ? [] : (['none', 'random'] as const)).map((credentials) => ({
    method: 'GET' as const,
    what: 'stream' as const,
    credentials,
    index: paths.length,
    path: stream ?? '',
  }));
  // Connections are kept, a few for each kind of stranger: a handshake costs more than all that is asked over it.
  const options = { keepAlive: true, maxSockets: AT_ONCE / 2 };
  const agents = { none: new Agent(options), random: new Agent(options) };
  const askOne = async ({
    path,
    index,
    ...how
  }: (typeof plans | typeof upgrades)[number]): Promise<Asked> => {
    const asked = { ...how, path: index };
    try {
      const agent = how.what === 'stream' ? false : agents[how.credentials];
      const answer = await ask(probe, how, path, signal, agent);
      return { ...asked, status: answer.status, verdict: verdictOf(answer, probe.identityProviders) };
    } catch (error) {
      signal.throwIfAborted();
      return { ...asked, status: errnoOf(error), verdict: 'let-through' }; // silence is no refusal
    }
  };
  try {
    return await mapAtOnce([...plans, ...upgrades], AT_ONCE, askOne, signal);
  } finally {
    for (const agent of Object.values(agents)) agent.destroy();
  }
}

/** Whether an answer holds what the back end alone knows. */
async function shows(request: () => ClientRequest, marker: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await exchange(request())).body.includes(Buffer.from(marker).toString('latin1'));
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Whether a process that listens on these sockets of this host is the back end: one of them shows what it alone knows. */
export async function isBackEnd(
  sockets: readonly ListeningSocket[],
  { name, authorization }: Pick<FrontProbe, 'name' | 'authorization'>,
  { path, marker }: { readonly path: string; readonly marker: string },
  signal: AbortSignal,
): Promise<boolean> {
  const headers = { host: name, authorization };
  const look = async ({ host, family, port }: ListeningSocket): Promise<boolean> => {
    const place = family === 'unix' ? { socketPath: host } : { host, port };
    const request = { ...place, path, headers, agent: false, signal: within(signal) };
    return await shows(() => requestPlain(request), marker, signal);
  };
  return (await mapAtOnce(sockets, AT_ONCE, look, signal)).includes(true);
}

/** Whether the right credentials reach the back end: its answer holds what it alone knows. */
export async function reachesBackEnd(
  probe: FrontProbe,
  path: string,
  marker: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const answer = await ask(probe, { method: 'GET', what: 'request', credentials: 'right' }, path, signal);
    return answer.status === 200 && answer.body.includes(Buffer.from(marker).toString('latin1'));
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/**
 * Whether a stranger who names another host, or none, is shown what the back end alone knows. A front has a server for what no
 * name of its fits, and the wall may stand in another.
 */
export async function showsByOtherName(
  { name, address, port, trust }: FrontAddress,
  plainPort: number,
  { path, marker }: { readonly path: string; readonly marker: string },
  signal: AbortSignal,
): Promise<boolean> {
  const hosts = [`${randomBytes(8).toString('hex')}.example`, isIPv6(address) ? `[${address}]` : address];
  const looks = hosts.flatMap((host) => {
    const plain = {
      host: address,
      path,
      agent: false,
      signal: within(signal),
      headers: { host, 'user-agent': BROWSER },
    };
    // Nobody is believed here and nothing secret is sent, so no certificate can be wrong.
    const secure = { ...plain, port, secureContext: trust, rejectUnauthorized: false };
    return [
      shows(() => requestTls({ ...secure, servername: name }), marker, signal),
      shows(() => requestTls({ ...secure, servername: '' }), marker, signal),
      shows(() => requestPlain({ ...plain, port: plainPort }), marker, signal),
    ];
  });
  return (await Promise.all(looks)).includes(true);
}

/** What plain HTTP does: nothing, or sends to HTTPS; anything else serves. */
export async function askPlainly(
  { name, address }: FrontAddress,
  port: number,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly ('closed' | 'sent-to-https' | 'served')[]> {
  const look = async (path: string): Promise<'closed' | 'sent-to-https' | 'served'> => {
    try {
      const sent = requestPlain({
        host: address,
        port,
        path,
        agent: false,
        signal: within(signal),
        headers: { host: name },
      });
      const { status, location = '' } = await exchange(sent);
      const to = URL.canParse(location) ? new URL(location) : undefined;
      const https = (status === 301 || status === 308) && to?.protocol === 'https:' && to.hostname === name;
      return https ? 'sent-to-https' : 'served';
    } catch (error) {
      signal.throwIfAborted();
      return errnoOf(error) === 'ECONNREFUSED' ? 'closed' : 'served';
    }
  };
  return await Promise.all(paths.map(look));
}
