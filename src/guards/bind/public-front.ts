// Guards the claim that a front stands before a service: by asking it, never by a flag that says so. The answer holds for a
// time that ends before its certificate does.
import { isIP } from 'node:net';
import * as z from 'zod';
import { sha256Hex } from '../../evidence/sha256.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import {
  type Asked,
  askAsStranger,
  askPlainly,
  type FrontTarget,
  isBackEnd,
  lookAtTls,
  reachesBackEnd,
  showsByOtherName,
  strangePaths,
  type TlsSeen,
  trustIn,
} from './front-probe.ts';
import { listeningSockets, type ProcessSockets } from './listening-sockets.ts';

export interface PublicFrontRequest extends FrontTarget {
  /** The port of plain HTTP, which must be closed or send to HTTPS. */
  readonly plainPort: number;
  /** Every route, health and static path of the service. */
  readonly paths: readonly string[];
  /** The path of its WebSocket. */
  readonly stream?: string | undefined;
  /** A right Authorization header. It goes into no record. */
  readonly authorization: string;
  /** A path, and a text that the back end alone knows and answers there. */
  readonly proof: { readonly path: string; readonly marker: string };
  /** Origins to which a stranger may be sent to log in: `https://login.example.org`. */
  readonly identityProviders?: readonly string[] | undefined;
  /** The process of the back end, on this host. */
  readonly backEnd: number;
  /** How long the answer is to hold, in seconds. */
  readonly ttlSeconds: number;
}

export interface PublicFrontFacts {
  readonly target: Pick<FrontTarget, 'name' | 'address' | 'port'>;
  /** SHA-256 over the roots. */
  readonly roots: string;
  readonly tls: TlsSeen;
  readonly asked: readonly Asked[];
  readonly reached: boolean;
  /** The back end shows itself to who names another host, or none. */
  readonly shownByOtherName: boolean;
  readonly plain: readonly ('closed' | 'sent-to-https' | 'served')[];
  readonly backEnd: ProcessSockets;
  /** It is the process that serves behind the front. */
  readonly isItself: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly until: number;
}

/** A front that stood before its back end when it was asked. */
export interface PublicFront extends Pick<FrontTarget, 'name' | 'address' | 'port'> {
  /** SHA-256 of the public key of its certificate. */
  readonly key: string;
  readonly roots: string;
  readonly asked: readonly Asked[];
  /** RFC 3339. Ask again before. */
  readonly expires: string;
}

const port = z.int().min(1).max(65_535);
const path = z.string().regex(/^\/[!-~]{0,1023}$/);
const publicFrontRequest: z.ZodType<PublicFrontRequest> = z.strictObject({
  name: z
    .string()
    .regex(/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/),
  address: z.string().refine((text) => isIP(text) !== 0),
  port,
  roots: z.array(z.string().max(65_536)).min(1).max(64),
  plainPort: port,
  paths: z.array(path).min(1).max(64),
  stream: path.optional(),
  authorization: z.string().regex(/^[ -~]{1,4096}$/),
  proof: z.strictObject({ path, marker: z.string().min(8).max(1_024) }),
  identityProviders: z
    .array(
      z
        .string()
        .refine((text) => URL.canParse(text) && text === new URL(text).origin && text.startsWith('https:')),
    )
    .max(16)
    .optional(),
  backEnd: z.int().min(1).max(4_194_304),
  ttlSeconds: z.int().min(1).max(86_400),
});

async function observe(request: PublicFrontRequest, signal: AbortSignal): Promise<PublicFrontFacts> {
  const { name, address, port: at, roots, plainPort, paths, stream, proof, identityProviders = [] } = request;
  const { authorization } = request;
  const probe = { name, address, port: at, trust: trustIn(roots), authorization, identityProviders };
  const strange = strangePaths();
  const now = Date.now();
  const tls = await lookAtTls(probe, signal);
  const connected = tls.failure === undefined;
  const backEnd = await listeningSockets(request.backEnd, signal);
  return {
    target: { name, address, port: at },
    roots: sha256Hex(roots.join('\n')),
    tls,
    asked: connected ? await askAsStranger(probe, { strange, declared: paths }, stream, signal) : [],
    reached: connected && (await reachesBackEnd(probe, proof.path, proof.marker, signal)),
    shownByOtherName: connected && (await showsByOtherName(probe, plainPort, proof, signal)),
    plain: await askPlainly(probe, plainPort, strange, signal),
    backEnd,
    isItself: await isBackEnd(backEnd.sockets.filter(isLoopback), probe, proof, signal),
    now,
    until: now + request.ttlSeconds * 1_000,
  };
}

// Codes of OpenSSL and Node that say that the certificate is not the one that it should be.
const CERTIFICATE = /^(?:ERR_TLS_CERT_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_|ERR_SSL_)/;
const isLoopback = ({ host, family }: ProcessSockets['sockets'][number]): boolean =>
  family === 'unix' ? host.startsWith('/') : family === 4 ? host.startsWith('127.') : host === '::1';
const WALL =
  'Let the front ask for credentials before anything else, on every path, method and upgrade, whoever asks.';

/** Grants a {@link PublicFront}. */
export const publicFront: Guard<PublicFrontRequest, PublicFront> = defineHouseGuard({
  id: 'public-front',
  dimension: 'architecture_runtime_guardrails',
  request: publicFrontRequest,
  observe,
  rules: [
    {
      code: 'public-front.certificate',
      remedy:
        'Give the front a certificate for its name (subjectAltName) by one of the given roots, for TLS servers.',
      refuses: ({ tls: { failure } }) =>
        failure !== undefined &&
        CERTIFICATE.test(failure) &&
        `the certificate of the front is not to be believed (${failure})`,
    },
    {
      code: 'public-front.unreachable',
      remedy: 'Start the front, with TLS 1.2 or newer on this address and port.',
      refuses: ({ tls: { failure } }) =>
        failure !== undefined &&
        !CERTIFICATE.test(failure) &&
        `the front does not answer over TLS (${failure})`,
    },
    {
      code: 'public-front.let-through',
      remedy: WALL,
      refuses: ({ asked }) => {
        const open = asked.find(({ verdict }) => verdict === 'let-through');
        if (!open) return false;
        const whose = open.credentials === 'none' ? 'without credentials' : 'with made-up credentials';
        const what =
          open.what === 'stream' ? 'an upgrade to WebSocket' : `${open.method} of path ${open.path + 1}`;
        return `${what} ${whose} was not refused (${open.status})`;
      },
    },
    {
      code: 'public-front.by-other-name',
      remedy:
        'Let the default server of the front refuse or close: the wall stands in the server of one name.',
      refuses: ({ shownByOtherName }) =>
        shownByOtherName && 'who names another host, or none, reaches the back end without credentials',
    },
    {
      code: 'public-front.no-back-end',
      remedy:
        'See that the credentials are right and that the front leads to the service: a wall alone is no front.',
      refuses: ({ reached, tls: { failure } }) =>
        !reached && failure === undefined && 'the right credentials do not reach the back end',
    },
    {
      code: 'public-front.plain-http',
      remedy: 'Close plain HTTP, or send every path of it to HTTPS on the same name (301 or 308).',
      refuses: ({ plain }) => plain.includes('served') && 'plain HTTP is served',
    },
    {
      code: 'public-front.back-end-exposed',
      remedy: 'Let the back end listen on loopback alone: what goes around the front meets no wall.',
      refuses: ({ backEnd: { unseen, sockets } }) =>
        (unseen !== undefined && `the sockets of the back end cannot be seen: ${unseen}`) ||
        (!sockets.every(isLoopback) && 'the back end listens beyond loopback') ||
        (unseen === undefined && sockets.length === 0 && 'the back end listens nowhere'),
    },
    {
      code: 'public-front.other-back-end',
      remedy:
        'Name the process that serves behind the front, by plain HTTP on loopback or on a unix socket: of another one, sockets say nothing.',
      refuses: ({ backEnd: { sockets }, isItself }) =>
        sockets.some(isLoopback) && !isItself && 'the process does not show what the back end alone knows',
    },
    {
      code: 'public-front.expires',
      remedy: 'Renew the certificate, or ask for a shorter time.',
      refuses: ({ tls: { failure, notAfter }, until }) =>
        failure === undefined &&
        notAfter <= until &&
        'the certificate ends before the time that is asked for',
    },
  ],
  grant: ({ target, tls, roots, asked, until }) =>
    deepFreeze({ ...target, key: tls.key, roots, asked: [...asked], expires: new Date(until).toISOString() }),
  subject: ({ target, tls }) => ({
    kind: 'public-front',
    name: target.name,
    ...(tls.failure === undefined ? { digest: `sha256:${tls.key}` } : {}),
  }),
});
