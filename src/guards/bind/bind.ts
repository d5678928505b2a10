// Guards the address that a service is about to listen on. Every source that may set it is read and every address
// that a name stands for is resolved, because the program binds by whichever it happens to obey: the most exposed wins.
import { lookup } from 'node:dns/promises';
import { Server } from 'node:net';
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import { isGranted } from '../../kernel/grants.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { type HostReading, readHost } from './listen-host.ts';

export interface BindRequest {
  /** Every setting that may decide the address, the one that the program obeys first. */
  readonly sources: readonly {
    /** Where the value comes from: `cli`, `STREAMLIT_SERVER_ADDRESS`. */
    readonly from: string;
    /** The value as found; `null` when nothing is set there and the program uses its own default. */
    readonly value: string | null;
  }[];
  /** 1 to 65535. Port 0 would let the kernel choose, and the grant could not say where. */
  readonly port: number;
}

/** What one source stands for. */
interface BindSource {
  readonly from: string;
  /** One reading for a literal; for a name one per address, all of them. Empty when the name does not resolve. */
  readonly readings: readonly HostReading[];
}

export interface BindFacts {
  readonly sources: readonly BindSource[];
  readonly port: number;
}

const bindRequest: z.ZodType<BindRequest> = z.strictObject({
  sources: z
    .array(
      z.strictObject({
        // Repeated in reasons, so it can hold nothing but an identifier.
        from: z.string().regex(/^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/),
        value: z.string().max(1_024).nullable(),
      }),
    )
    .min(1)
    .max(32),
  port: z.int().min(1).max(65_535),
});

async function resolve(name: string, signal: AbortSignal): Promise<readonly HostReading[]> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    const found = await Promise.race([lookup(name, { all: true, verbatim: true }), aborted]);
    // A link-local address comes back with its zone: no text that a person wrote, and not loopback either.
    return found.map(({ address, family }) => {
      const reading = readHost(address);
      return reading.kind === 'malformed'
        ? { kind: 'elsewhere', address, family: family === 4 ? 4 : 6 }
        : reading;
    });
  } catch (error) {
    if (signal.aborted) throw error;
    return []; // whatever the resolver said instead of an address; its message repeats the name
  }
}

/** The only look: reads every source, resolves every name. */
export async function observeBind({ sources, port }: BindRequest, signal: AbortSignal): Promise<BindFacts> {
  const look = async ({ from, value }: BindRequest['sources'][number]): Promise<BindSource> => {
    const reading = readHost(value);
    return { from, readings: reading.kind === 'name' ? await resolve(reading.name, signal) : [reading] };
  };
  return { sources: await Promise.all(sources.map(look)), port };
}

/** A rule that refuses when any source has a reading of this kind. */
function refusesReading(
  code: string,
  kind: HostReading['kind'],
  remedy: string,
  why: (reading: HostReading) => string,
): Rule<BindFacts> {
  return {
    code,
    remedy,
    refuses: ({ sources }) => {
      for (const { from, readings } of sources) {
        const reading = readings.find((candidate) => candidate.kind === kind);
        if (reading) return `the host from ${from} ${why(reading)}`;
      }
      return false;
    },
  };
}

const LITERAL = 'Write the address as 127.0.0.1 or ::1.';
const PRIVATE_ONLY =
  'Listen on 127.0.0.1 or ::1 and put a proxy or an SSH tunnel in front. This release refuses every public ' +
  'address: it has no way yet to prove that authentication and TLS stand before it, and takes no word for it.';
const whyOf = (reading: HostReading): string => ('why' in reading ? reading.why : 'is not loopback');

// Most exposed first: the headline of a refusal names the worst of the sources.
const rules: readonly Rule<BindFacts>[] = [
  refusesReading('bind.wildcard', 'wildcard', PRIVATE_ONLY, whyOf),
  refusesReading('bind.not-loopback', 'elsewhere', PRIVATE_ONLY, (reading) =>
    'address' in reading ? `means ${reading.address}, which is not loopback` : whyOf(reading),
  ),
  refusesReading('bind.ambiguous-address', 'ambiguous', LITERAL, whyOf),
  refusesReading('bind.malformed-address', 'malformed', LITERAL, whyOf),
  {
    code: 'bind.unresolvable',
    remedy: LITERAL,
    refuses: ({ sources }) => {
      const silent = sources.find(({ readings }) => readings.length === 0);
      return silent ? `the host from ${silent.from} is a name that does not resolve` : false;
    },
  },
];

/**
 * Where a server may listen: one literal loopback address, already judged, so nothing is left for a resolver to
 * change. Pass `host` and `port` to `server.listen`, then {@link confirm} it.
 */
export class BoundAddress {
  /** Dotted decimal or RFC 5952, no brackets. */
  readonly host: string;
  readonly family: 4 | 6;
  readonly port: number;

  constructor(host: string, family: 4 | 6, port: number) {
    this.host = host;
    this.family = family;
    this.port = port;
    Object.freeze(this);
  }

  /**
   * Returns `server` once the kernel says that its socket is bound here; otherwise closes it and throws. Call it
   * when the server is listening, before it serves anyone.
   *
   * @throws CodedError `bind.not-granted`, `bind.not-listening`, `bind.listening-elsewhere`.
   */
  confirm<S extends Server>(server: S): S {
    if (!isGranted(bind, this)) {
      const remedy = 'Ask the bind guard: enforce(bind, request, { journal }).';
      throw new CodedError('bind.not-granted', 'only the bind guard grants an address', remedy);
    }
    // getsockname(2) through net's own method: an overridden `address` could tell any story.
    const bound = server instanceof Server ? Server.prototype.address.call(server) : null;
    if (bound === null) {
      const remedy = 'Confirm a node:net server after its "listening" event.';
      throw new CodedError('bind.not-listening', 'the server has no listening socket', remedy);
    }
    const { host, port, family } = this;
    if (typeof bound === 'object' && bound.address === host && bound.port === port) {
      if (bound.family === `IPv${family}`) return server;
    }
    server.close();
    const message = 'the server listened somewhere else than granted and was closed';
    throw new CodedError('bind.listening-elsewhere', message, 'Listen on the host and port of the grant.');
  }
}

function grant({ sources, port }: BindFacts): BoundAddress {
  const [first] = sources;
  const loopback = (first?.readings ?? []).flatMap((reading) => (reading.kind === 'loopback' ? reading : []));
  // A name that has both families gets IPv4, which every host has.
  const chosen = loopback.find(({ family }) => family === 4) ?? loopback[0];
  if (!chosen) throw new TypeError('a grant needs a loopback address');
  return new BoundAddress(chosen.address, chosen.family, port);
}

/** Grants a {@link BoundAddress} when every source means loopback and nothing else. */
export const bind: Guard<BindRequest, BoundAddress> = defineHouseGuard({
  id: 'bind',
  dimension: 'architecture_runtime_guardrails',
  request: bindRequest,
  observe: observeBind,
  rules,
  grant,
});
