// Installs one version of uv with the installer of that version, once its bytes are the ones expected. The script is
// constant; version and digest are its arguments.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface InstallUvRequest extends RecipeRequest<'install-uv'> {
  /** `0.5.11` */
  readonly version: string;
  /** SHA-256 of the installer, 64 lowercase hex digits. What is not known beforehand is not run. */
  readonly sha256: string;
}

const INSTALL = `set -eu
installer=$(mktemp)
trap 'rm -f -- "$installer"' EXIT
curl --proto '=https' --proto-redir '=https' --tlsv1.2 -LsSf -o "$installer" -- "https://astral.sh/uv/$1/install.sh"
if command -v sha256sum >/dev/null 2>&1; then found=$(sha256sum <"$installer"); else found=$(shasum -a 256 <"$installer"); fi
if [ "\${found%% *}" != "$2" ]; then
  echo 'the installer is not the one expected' >&2
  exit 65
fi
sh "$installer"`;

/** Returns the request that installs one version of uv. */
export const installUv: Recipe<InstallUvRequest> = defineRecipe({
  id: 'install-uv',
  fields: {
    version: z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}$/),
    sha256: hex64,
  },
  invocation: ({ version, sha256, prefix }) => command(prefix, constantScript(INSTALL, version, sha256)),
});
