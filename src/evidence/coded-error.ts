// The one shape of every error that this library raises on purpose: a stable code to match on, a sentence for
// people, and what to do next. It lives on the ground floor so that every room can throw it.

/** An expected failure. Match on `code`; `message` and `remedy` are for people and may change. */
export class CodedError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Returns the errno name (`ENOENT`) of a system error, or `fallback` for anything else. Never its message, which repeats paths. */
export function errnoOf(error: unknown, fallback = 'unknown'): string {
  try {
    if (typeof error !== 'object' || error === null || !('code' in error)) return fallback;
    // libuv has no name for EDQUOT (Linux: 122), so Node's code is a sentence.
    if ('errno' in error && error.errno === -122) return 'EDQUOT';
    const { code } = error;
    return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : fallback;
  } catch {
    return fallback; // a thrown object may itself throw when it is looked at
  }
}
