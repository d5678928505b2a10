// Fronts that look like walls to one request and are none to another. Each is a real TLS server with certificates of its own.
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { PublicFrontRequest } from '../../../guards/bind/public-front.ts';
import { listenOnLoopback } from '../../loopback-port.ts';
import type { Drill } from '../../proof.ts';
import { PEM, PID, PORT } from '../../random.ts';
import { HOLD, startListening } from '../listeners/listening-program.ts';
import { type Authority, makeAuthority, type Wanted } from './certificates.ts';

const NAME = 'ui.example.test';
const RIGHT = `Basic ${Buffer.from('drill:right').toString('base64')}`;
const MARKER = 'only the back end knows this';
/** Of the back end, to whoever asks it. */
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: ${MARKER.length}\r\nconnection: close\r\n\r\n${MARKER}`;
const LOGIN = 'https://login.example.test';

interface Front {
  /** What a request that bears no right credentials is told; 401 by default. 200 stands for the application. */
  readonly stranger?: (request: IncomingMessage) => number | string;
  /** What one that bears them is told; 200 by default, from the application. */
  readonly known?: number;
  /** What an upgrade without them is told; 401 by default. */
  readonly upgrade?: number;
  readonly certificate?: Wanted;
  /** The name on the certificate. */
  readonly certified?: string;
  /** What plain HTTP is told for a path: 301 to HTTPS by default. */
  readonly plain?: (path: string) => number;
  /** Where the back end listens, and what it answers. */
  readonly backEnd?: string;
  readonly answer?: string;
  readonly ask?: Partial<PublicFrontRequest>;
  /** Nothing listens where the front should. */
  readonly down?: true;
}

let authorities: Promise<readonly [Authority, Authority]> | undefined;
/** Two authorities for all drills of a process: one that is believed, and another. */
const authoritiesOnce = (): Promise<readonly [Authority, Authority]> => {
  authorities ??= Promise.all([makeAuthority(), makeAuthority()]);
  return authorities;
};

function drill(id: string, fault: string, expects: string, front: Front = {}): Drill<PublicFrontRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      site.random('CERTIFICATE', PEM);
      const [believed, other] = await authoritiesOnce();
      const { stranger = () => 401, known = 200, upgrade = 401, certificate, certified = NAME } = front;
      const server = createServer(believed.issue(certified, certificate), (request, response) => {
        const told = request.headers.authorization === RIGHT ? known : stranger(request);
        if (typeof told === 'string') response.writeHead(302, { location: told, 'content-length': 0 }).end();
        else {
          const body = told === 200 ? MARKER : '';
          // Without its length an answer to HEAD would end the connection, and each makes for one handshake more.
          response.writeHead(told, { 'content-length': body.length }).end(body);
        }
      });
      server.on('upgrade', (request, socket) => {
        const status = request.headers.authorization === RIGHT ? 101 : upgrade;
        const accepted =
          status === 101 ? 'upgrade: websocket\r\nconnection: upgrade\r\n' : 'content-length: 0\r\n';
        socket.end(`HTTP/1.1 ${status} told\r\n${accepted}\r\n`);
      });
      const port = await listenOnLoopback(server, site);
      const { plain = () => 301 } = front;
      const plainServer = createPlainServer((request, response) => {
        const status = plain(request.url ?? '');
        response.writeHead(status, status === 301 ? { location: `https://${NAME}${request.url}` } : {}).end();
      });
      const plainPort = await listenOnLoopback(plainServer, site);
      site.random('PORT', PORT);
      site.random('PID', PID);
      const { pid } = await startListening(
        site,
        HOLD,
        [front.backEnd ?? '127.0.0.1'],
        {},
        front.answer ?? ANSWER,
      );
      if (front.down) {
        server.close();
        await once(server, 'close');
        site.onCleanup(() => void server.listen(0, '127.0.0.1')); // for the clean-up that closes it
      }
      return {
        name: NAME,
        address: '127.0.0.1',
        port,
        roots: [(front.ask?.roots ? other : believed).cert],
        plainPort,
        paths: ['/', '/_stcore/health', '/static/app.js'],
        stream: '/_stcore/stream',
        authorization: RIGHT,
        proof: { path: '/', marker: MARKER },
        identityProviders: [LOGIN],
        backEnd: pid,
        ttlSeconds: 3_600,
        ...(front.ask?.roots ? {} : front.ask),
      };
    },
  };
}

const OPEN = 'public-front.let-through';
const CERTIFICATE = 'public-front.certificate';

export const publicFrontDrills: readonly Drill<PublicFrontRequest>[] = [
  drill('front', 'none: a wall on everything, and the service behind it', 'allow'),
  drill('login', 'none: strangers are sent to log in elsewhere', 'allow', {
    stranger: () => `${LOGIN}/start`,
  }),
  drill('redirect-inside', 'none: sent within the origin, and refused there', 'allow', {
    stranger: ({ url }) => (url === '/login' ? 403 : '/login'),
  }),

  drill('root-alone', 'a wall on / and on nothing else', OPEN, {
    stranger: ({ url }) => (url === '/' ? 401 : 200),
  }),
  drill('second-slash', 'a wall that a second slash walks around', OPEN, {
    stranger: ({ url }) => (url === '//' ? 200 : 401),
  }),
  drill('health-open', 'an open health path', OPEN, {
    stranger: ({ url }) => (url === '/_stcore/health' ? 200 : 401),
  }),
  drill('stream-open', 'an open WebSocket', OPEN, { upgrade: 101 }),
  drill('post-open', 'a wall for GET alone', OPEN, {
    stranger: ({ method }) => (method === 'POST' ? 200 : 401),
  }),
  drill('options-open', 'an answer to OPTIONS from the application', OPEN, {
    stranger: ({ method }) => (method === 'OPTIONS' ? 204 : 401),
  }),
  drill('delete-open', 'a wall for some methods alone', OPEN, {
    stranger: ({ method }) => (method === 'DELETE' ? 404 : 401),
  }),
  drill('default-server', 'a wall for the name of the front alone', 'public-front.by-other-name', {
    stranger: ({ headers: { host } }) => (host?.startsWith(NAME) === true ? 401 : 200),
  }),
  drill('any-credentials', 'a wall that takes whatever credentials', OPEN, {
    stranger: ({ headers }) => (headers.authorization ? 200 : 401),
  }),
  drill('probe-by-name', 'a wall for browsers alone', OPEN, {
    stranger: ({ headers }) => (headers['user-agent'] ? 401 : 200),
  }),
  drill('not-found', 'an answer from the application: not found', OPEN, {
    stranger: ({ url }) => (url === '/' ? 401 : 404),
  }),
  drill('dead-back-end', 'a dead back end, which refuses nobody', OPEN, { stranger: () => 503 }),
  drill('redirect-open', 'sent within the origin, into the open application', OPEN, {
    stranger: ({ url }) => (url === '/app' ? 200 : '/app'),
  }),
  drill('redirect-elsewhere', 'sent to a host that nobody named', OPEN, {
    stranger: () => 'https://elsewhere.example.test/',
  }),
  drill('redirect-plain', 'sent to log in over plain HTTP', OPEN, {
    stranger: () => LOGIN.replace('https', 'http'),
  }),

  drill('wall-alone', 'a wall with nothing behind it', 'public-front.no-back-end', { known: 401 }),
  drill('other-name', 'a certificate for another name', CERTIFICATE, { certified: 'other.example.test' }),
  drill('common-name', 'the name in the common name alone', CERTIFICATE, { certificate: { names: [] } }),
  drill('ended', 'a certificate that has ended', CERTIFICATE, { certificate: { days: -1 } }),
  drill('for-clients', 'a certificate for clients', CERTIFICATE, { certificate: { forClients: true } }),
  drill('other-root', 'a certificate by an authority that is not believed', CERTIFICATE, {
    ask: { roots: ['another'] },
  }),
  drill('ends-soon', 'a certificate that ends before the answer', 'public-front.expires', {
    certificate: { days: 0.5 },
    ask: { ttlSeconds: 86_400 },
  }),
  drill('down', 'nothing listens', 'public-front.unreachable', { down: true }),
  drill('plain-served', 'plain HTTP that serves', 'public-front.plain-http', { plain: () => 200 }),
  drill(
    'plain-beyond-root',
    'plain HTTP that sends / to HTTPS, and serves the rest',
    'public-front.plain-http',
    {
      plain: (path) => (path === '/' ? 301 : 200),
    },
  ),
  drill('back-end-open', 'a back end on every interface', 'public-front.back-end-exposed', {
    backEnd: '0.0.0.0',
  }),
  drill('other-back-end', 'a process on loopback that is not the back end', 'public-front.other-back-end', {
    answer: 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
  }),
  drill('back-end-gone', 'a back end that there is not', 'public-front.back-end-exposed', {
    ask: { backEnd: 4_194_304 },
  }),
];
