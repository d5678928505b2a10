// Runs a module of an app in its project, with clustering off so that it does not start another cluster:
// AGI_CLUSTER_ENABLED=0 uv run --no-sync --project DIR --python VERSION python -m MODULE APP
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parseModule, parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface RunAppRequest extends RecipeRequest<'run-app'> {
  readonly tool: Tool;
  readonly project: string;
  readonly python: string;
  readonly module: string;
  /** Directory of the app. */
  readonly app: string;
}

/** Returns the request that runs a module of an app in its project. */
export const runApp: Recipe<RunAppRequest> = defineRecipe({
  id: 'run-app',
  fields: {
    tool,
    project: someText,
    python: someText,
    module: someText,
    app: someText,
  },
  invocation: ({ tool, project, python, module, app, prefix }) =>
    command(
      { ...prefix, env: { ...prefix?.env, AGI_CLUSTER_ENABLED: '0' } },
      [parseTool(tool), 'run', '--no-sync'],
      ['--project', RemotePath.parseAnchored(project, 'the project directory').word],
      ['--python', parsePythonVersion(python), 'python', '-m', parseModule(module)],
      RemotePath.parseAnchored(app, 'the app').word,
    ),
});
