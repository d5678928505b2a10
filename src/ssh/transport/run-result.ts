// How a command on a host ended, as far as that can be known.

/** Why nobody knows how a command ended. */
export type Unknown = 'link-lost' | 'timeout' | 'aborted' | 'output-limit' | 'no-exit-code';

interface Output {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /**
   * Streams that did not arrive whole, with what came of them: a login file sent them elsewhere, or the end is
   * missing. Empty output of a lost stream does not mean that nothing was printed.
   */
  readonly lost: readonly ('stdout' | 'stderr')[];
}

/** `unknown` is neither success nor failure: the command may have run, and may be running. */
export type RunResult =
  | (Output & { readonly outcome: 'exited'; readonly code: number })
  | (Output & {
      readonly outcome: 'unknown';
      readonly cause: Unknown;
      /** Whether the host said that the command began. `false` proves nothing. */
      readonly started: boolean;
    });
