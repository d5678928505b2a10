// The request about this very package: its own register, held against its own claims.
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { GapRegisterRequest } from '../../../scorecard/gap-register/gap-register-look.ts';
import { ownPackage } from '../../own-package.ts';

const inPackage = async (path: string): Promise<string> => realpath(join(await ownPackage(), path));

/** Returns the request about this package. Earlier registers are compared where a baseline is: in the scorecard. */
export async function liveGapRegister(): Promise<GapRegisterRequest> {
  return {
    register: await inPackage('data/hardening-gaps.json'),
    claims: await inPackage('data/claims.json'),
  };
}
