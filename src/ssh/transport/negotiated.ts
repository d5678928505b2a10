// What a key exchange agreed on (RFC 4253 section 7.1).

/** The algorithms of one direction. `mac` is empty where the cipher authenticates by itself (RFC 5647). */
export interface NegotiatedDirection {
  readonly cipher: string;
  readonly mac: string;
  readonly compression: string;
}

export interface Negotiated {
  readonly kex: string;
  /** The signature algorithm of the host key: `rsa-sha2-512`, where the key type is `ssh-rsa`. */
  readonly serverHostKey: string;
  readonly clientToServer: NegotiatedDirection;
  readonly serverToClient: NegotiatedDirection;
}
