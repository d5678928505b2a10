// What the two Dask recipes share. Dask listens on every interface unless it is told otherwise, and whoever reaches a
// socket of it without TLS runs code there: so every socket has its address in the command.
import * as z from 'zod';
import { ANY_PORT, hostAndPort, type ListenAddress, parseListenAddress } from '../fragments/endpoint.ts';
import type { Prefix } from '../fragments/prefix.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import type { Part } from '../invocation.ts';

/** Files on the host, absolute or `~/rest`, PEM. With them Dask speaks TLS only and asks its peers for certificates. */
export interface DaskTls {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export const tls: z.ZodType<DaskTls> = z.strictObject({ ca: someText, certificate: someText, key: someText });

/** Returns the options for TLS. */
export function tlsOptions({ ca, certificate, key }: DaskTls): Part {
  return [
    '--protocol',
    'tls',
    '--tls-ca-file',
    RemotePath.parseAnchored(ca, 'the CA file').word,
    '--tls-cert',
    RemotePath.parseAnchored(certificate, 'the certificate').word,
    '--tls-key',
    RemotePath.parseAnchored(key, 'the private key').word,
  ];
}

/** The options with which {@link listenOptions} gives each socket its address. */
export const SOCKETS: readonly string[] = ['--host', '--dashboard-address'];

/** Where Dask's own protocol and its HTTP server listen; the port of the latter is the system's choice. */
export function listenAddresses(
  {
    host,
    dashboardHost = '127.0.0.1',
  }: { readonly host: string; readonly dashboardHost?: string | undefined },
  ports: ListenAddress['ports'] = ANY_PORT,
): readonly [own: ListenAddress, http: ListenAddress] {
  const dashboard = parseListenAddress(dashboardHost, 'the address of the dashboard');
  return [
    { host: parseListenAddress(host), ports },
    { host: dashboard, ports: ANY_PORT },
  ];
}

/** Returns the options that say so. */
export function listenOptions(request: Parameters<typeof listenAddresses>[0]): Part {
  const [own, http] = listenAddresses(request);
  return ['--host', own.host, '--dashboard-address', hostAndPort(http.host, 0)];
}

export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';
export const logLevel: z.ZodType<LogLevel> = z.enum(['debug', 'info', 'warning', 'error', 'critical']);

/** Returns the prefix with the variable by which Dask takes its log level. */
export function withLogLevel(prefix: Prefix | undefined, level: LogLevel | undefined): Prefix | undefined {
  if (level === undefined) return prefix;
  return { ...prefix, env: { DASK_DISTRIBUTED__LOGGING__distributed: level, ...prefix?.env } };
}
