// The request about this very package: its text, its locks and, in a clone of the repository, its tests.
import type { ClaimBoundaryRequest } from '../../../scorecard/claim-boundary/claim-boundary-look.ts';
import { ownPackage } from '../../own-package.ts';

/** Returns the request about this package. */
export async function liveClaimBoundary(): Promise<ClaimBoundaryRequest> {
  return { root: await ownPackage() };
}
