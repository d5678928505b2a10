// Runs an app's post-install module in the worker's project, with the name of the worker:
// uv --project DIR run --no-sync -p VERSION python -m MODULE NAME
import { FragmentFault } from '../fragments/fault.ts';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parseModule, parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface PostInstallRequest extends RecipeRequest<'post-install'> {
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

/** Returns the request that runs an app's post-install module in the worker's project. */
export const postInstall: Recipe<PostInstallRequest> = defineRecipe({
  id: 'post-install',
  fields: {
    tool,
    worker: someText,
    python: someText,
    module: someText,
  },
  invocation: ({ tool, worker, python, module, prefix }) => {
    const directory = RemotePath.parseAnchored(worker, 'the worker directory');
    return command(
      prefix,
      [parseTool(tool), '--project', directory.word, 'run', '--no-sync', '-p', parsePythonVersion(python)],
      ['python', '-m', parseModule(module), stemOf(directory)],
    );
  },
});
