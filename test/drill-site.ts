// A place for the build of a drill, or a live probe, that a test asks for by itself.
import type { DrillSite } from '../src/proof/proof.ts';

/** Returns a site in a directory that the test takes down, and with it whatever `over` does not. */
export function siteIn(directory: string, over: Partial<DrillSite> = {}): DrillSite {
  const ignore = (): void => {};
  return { directory, onCleanup: ignore, fallBack: ignore, random: ignore, unread: ignore, ...over };
}
