// Takes, recovers or gives back the lease on a worker directory through the worker's own tool:
// uv run --no-sync -p VERSION python CLI target-lease-ACTION DIR TOKEN [TOKENS] [OPERATION]
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest, token } from './recipe.ts';

interface LeaseRequest extends RecipeRequest<'target-lease'> {
  readonly tool: Tool;
  readonly python: string;
  readonly cli: string;
  readonly worker: string;
  /** 32 lowercase hex digits. */
  readonly token: string;
}

/** Only a recovery names the tokens that it may take over; only a release has no operation. */
export type TargetLeaseRequest = LeaseRequest &
  (
    | { readonly action: 'acquire'; readonly operation: string }
    | { readonly action: 'recover'; readonly previous: readonly string[]; readonly operation: string }
    | { readonly action: 'release' }
  );

const operation = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/);
const lease = { tool, python: someText, cli: someText, worker: someText, token };

/** Returns the request that takes, recovers or gives back the lease on a worker directory. */
export const targetLease: Recipe<TargetLeaseRequest> = defineRecipe({
  id: 'target-lease',
  fields: {
    by: 'action',
    of: [
      { ...lease, action: z.literal('acquire'), operation },
      { ...lease, action: z.literal('recover'), previous: z.array(token).min(1).max(64), operation },
      { ...lease, action: z.literal('release') },
    ],
  },
  invocation: (request) => {
    const { tool, python, cli, worker, token, action, prefix } = request;
    return command(
      prefix,
      [parseTool(tool), 'run', '--no-sync', '-p', parsePythonVersion(python), 'python'],
      RemotePath.parseAnchored(cli, 'the worker tool').word,
      `target-lease-${action}`,
      RemotePath.parseAnchored(worker, 'the worker directory').word,
      token,
      request.action === 'recover' ? request.previous.join(',') : [],
      request.action === 'release' ? [] : request.operation,
    );
  },
});
