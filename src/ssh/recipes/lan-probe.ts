// Prints what a manager wants to know of a host in its network, one `name=value` line each, the last one being
// whether the host can log in to the manager.
import { parseTarget } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface LanProbeRequest extends RecipeRequest<'lan-probe'> {
  /** The manager, as the host reaches it. */
  readonly manager: string;
  readonly user?: string | undefined;
}

const PROBE = `has() { if command -v "$1" >/dev/null 2>&1; then echo yes; else echo no; fi; }
printf 'hostname=%s\\nsystem=%s\\nmachine=%s\\n' "$(hostname)" "$(uname -s)" "$(uname -m)"
printf 'python3=%s\\nuv=%s\\nsshfs=%s\\n' "$(has python3)" "$(has uv)" "$(has sshfs)"
if ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=3 -- "$1" hostname </dev/null >/dev/null 2>&1; then
  echo manager=yes
else
  echo manager=no
fi`;

/** Returns the request for what a manager wants to know of a host in its network. */
export const lanProbe: Recipe<LanProbeRequest> = defineRecipe({
  id: 'lan-probe',
  fields: {
    manager: someText,
    user: someText.optional(),
  },
  invocation: ({ manager, user, prefix }) =>
    command(prefix, constantScript(PROBE, parseTarget(manager, user).ssh)),
});
