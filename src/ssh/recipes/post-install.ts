// Runs an app's post-install module in the worker's project, with the name of the worker:
// uv --project DIR run --no-sync -p VERSION python -m MODULE NAME
import * as z from 'zod';
import { FragmentFault } from '../fragments/fault.ts';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parseModule, parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface PostInstallRequest extends CommonRequest {
  readonly recipe: 'post-install';
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  readonly module: string;
}

/** The last component without its last suffix, as pathlib's `stem` has it. */
function stemOf({ components }: RemotePath): string {
  const stem = components.at(-1)?.replace(/(?<=[^.])\.[^.]*[^.]$/, '') ?? '';
  // A name that the module would read as an option.
  if (stem === '' || stem.startsWith('-'))
    throw new FragmentFault('option-like-program', 'the name of the worker');
  return stem;
}

export const postInstallRecipe: Recipe<PostInstallRequest> = {
  id: 'post-install',
  request: z.strictObject({
    recipe: z.literal('post-install'),
    tool,
    worker: someText,
    python: someText,
    module: someText,
    ...common,
  }),
  invocation: ({ tool, worker, python, module, prefix }) => {
    const directory = RemotePath.parseAnchored(worker, 'the worker directory');
    return command(
      prefix,
      [parseTool(tool), '--project', directory.word, 'run', '--no-sync', '-p', parsePythonVersion(python)],
      ['python', '-m', parseModule(module), stemOf(directory)],
    );
  },
};

/** Returns the request that runs an app's post-install module in the worker's project. */
export function postInstall(input: Input<PostInstallRequest>): PostInstallRequest {
  return { recipe: 'post-install', ...input };
}
