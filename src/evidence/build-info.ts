// What this code was when it was built. The build writes dist/evidence/build-info.js anew, so that a bundle, which has no
// files of ours around it, still knows the name, the version and the digests that went into it.

/** Name and version of the package, and digests (see code-digest.ts) of its sources and of what was built from them. */
export interface BuildInfo {
  readonly name: string;
  readonly version: string;
  readonly src: string;
  readonly dist: string;
}

/** `undefined` while the sources themselves are running. */
export const BUILD: BuildInfo | undefined = undefined;
