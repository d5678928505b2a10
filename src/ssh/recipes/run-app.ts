// Runs a module of an app in its project, with clustering off so that it does not start another cluster:
// AGI_CLUSTER_ENABLED=0 uv run --no-sync --project DIR --python VERSION python -m MODULE APP
import * as z from 'zod';
import { parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parseModule, parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface RunAppRequest extends CommonRequest {
  readonly recipe: 'run-app';
  readonly tool: Tool;
  readonly project: string;
  readonly python: string;
  readonly module: string;
  /** Directory of the app. */
  readonly app: string;
}

export const runAppRecipe: Recipe<RunAppRequest> = {
  id: 'run-app',
  request: z.strictObject({
    recipe: z.literal('run-app'),
    tool,
    project: someText,
    python: someText,
    module: someText,
    app: someText,
    ...common,
  }),
  invocation: ({ tool, project, python, module, app, prefix }) =>
    command(
      { ...prefix, env: { ...prefix?.env, AGI_CLUSTER_ENABLED: '0' } },
      [parseTool(tool), 'run', '--no-sync'],
      ['--project', RemotePath.parseAnchored(project, 'the project directory').word],
      ['--python', parsePythonVersion(python), 'python', '-m', parseModule(module)],
      RemotePath.parseAnchored(app, 'the app').word,
    ),
};

/** Returns the request that runs a module of an app in its project. */
export function runApp(input: Input<RunAppRequest>): RunAppRequest {
  return { recipe: 'run-app', ...input };
}
