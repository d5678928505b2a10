// How a command on a host ended, as far as that can be known.

/** Why nobody knows how a command ended. */
export type Unknown = 'link-lost' | 'timeout' | 'aborted' | 'output-limit' | 'no-exit-code';

/** `unknown` is neither success nor failure: the command may have run, and may be running. */
export type RunResult =
  | { readonly outcome: 'exited'; readonly code: number; readonly stdout: Buffer; readonly stderr: Buffer }
  | {
      readonly outcome: 'unknown';
      readonly cause: Unknown;
      readonly stdout: Buffer;
      readonly stderr: Buffer;
    };
