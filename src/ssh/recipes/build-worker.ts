// Compiles a worker with Cython in its own project: uv --project DIR run --no-sync [--with SPEC]... -p VERSION python
// -m agi_node.agi_dispatcher.build --app-path DIR [--compiler-directives LIST] [-q] build_ext -b DIR
import * as z from 'zod';
import { type Argument, argumentVector, parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parsePythonVersion, parseRequirement } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface BuildWorkerRequest extends RecipeRequest<'build-worker'> {
  readonly tool: Tool;
  readonly worker: string;
  readonly python: string;
  /** Requirements for the build only. */
  readonly buildPackages?: readonly Argument[] | undefined;
  /** Cython's, such as `boundscheck=False,language_level=3`. */
  readonly compilerDirectives?: string | undefined;
  readonly quiet?: boolean | undefined;
}

/** Returns the request that compiles a worker with Cython in its own project. */
export const buildWorker: Recipe<BuildWorkerRequest> = defineRecipe({
  id: 'build-worker',
  fields: {
    tool,
    worker: someText,
    python: someText,
    buildPackages: argumentVector.optional(),
    compilerDirectives: z
      .string()
      .regex(/^[a-z_.]+=\w+(?:,[a-z_.]+=\w+)*$/)
      .max(1_000)
      .optional(),
    quiet: z.boolean().optional(),
  },
  invocation: (request) => {
    const { tool, worker, python, buildPackages = [], compilerDirectives, quiet = false, prefix } = request;
    const directory = RemotePath.parseAnchored(worker, 'the worker directory').word;
    return command(
      prefix,
      [parseTool(tool), '--project', directory, 'run', '--no-sync'],
      buildPackages.flatMap((item) => words('--with', parseRequirement(item))),
      ['-p', parsePythonVersion(python), 'python', '-m', 'agi_node.agi_dispatcher.build'],
      ['--app-path', directory],
      compilerDirectives === undefined ? [] : words('--compiler-directives', compilerDirectives),
      [quiet ? '-q' : [], 'build_ext', '-b', directory],
    );
  },
});
