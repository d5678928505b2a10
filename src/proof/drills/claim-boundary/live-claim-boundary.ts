// The request about this very package: its text, its locks and, in a clone of the repository, its tests.
import { realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ClaimBoundaryRequest } from '../../../scorecard/claim-boundary/claim-boundary-look.ts';

/** Returns the request about this package. */
export async function liveClaimBoundary(): Promise<ClaimBoundaryRequest> {
  return { root: await realpath(fileURLToPath(new URL('../../../../', import.meta.url))) };
}
