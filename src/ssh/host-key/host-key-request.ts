// What the host-key guard is asked: which host, and which files vouch for its key.

export interface HostKeyRequest {
  /** An IP address, or a name of letters, digits, `.`, `-` and `_`. */
  readonly host: string;
  readonly port: number;
  /** known_hosts files, each of which must exist. */
  readonly knownHosts: readonly string[];
  /** The name to look up instead of host and port, for hosts whose address moves (ssh_config(5), HostKeyAlias). */
  readonly hostKeyAlias?: string | undefined;
}
