// What in the states of drills is another each time by its nature, as it is written in requests and files: for
// `site.random`, so that the digest of what was built does not hang on it.

/** A port that the system chose, as a field of a request. */
export const PORT: RegExp = /(?<="(?:port|plainPort)":)\d+/g;
/** A process, as a field of a request. */
export const PID: RegExp = /(?<="(?:pid|backEnd)":)\d+/g;
/** A verifier key (C2SP signed note): its hash and its material. */
export const VKEY: RegExp = /\+[0-9a-f]{8}\+[A-Za-z0-9+/]{30,44}={0,2}/g;
/** 128 random bits or more. */
export const TOKEN: RegExp = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g;
/** A moment, RFC 3339. */
export const TIME: RegExp = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/g;
/** A certificate or key, within JSON. */
export const PEM: RegExp = /-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----/gs;
/** A public key of SSH, after its type. */
export const SSH_KEY: RegExp = /AAAA[A-Za-z0-9+/]{40,}={0,2}/g;
