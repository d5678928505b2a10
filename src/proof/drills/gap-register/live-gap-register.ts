// The request about this very package: its own register, held against its own claims.
import { realpath } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { GapRegisterRequest } from '../../../scorecard/gap-register/gap-register-look.ts';

const inPackage = (path: string): Promise<string> =>
  realpath(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)));

/** Returns the request about this package. Earlier registers are compared where a baseline is: in the scorecard. */
export async function liveGapRegister(): Promise<GapRegisterRequest> {
  return {
    register: await inPackage('data/hardening-gaps.json'),
    claims: await inPackage('data/claims.json'),
  };
}
