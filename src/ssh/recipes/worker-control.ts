// Has the worker's own command line tool stop processes or clean up, by the interpreter of its project when there is
// one, else through uv: PYTHON CLI ACTION ARGS, or uv run --no-sync --with psutil [-p VERSION] python CLI ACTION ARGS.
import * as z from 'zod';
import { type Argument, argumentVector, parseTool, someText, type Tool, tool } from '../fragments/program.ts';
import { parseArguments, parsePythonVersion } from '../fragments/python.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript, words } from '../invocation.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest } from './recipe.ts';

export interface WorkerControlRequest extends RecipeRequest<'worker-control'> {
  readonly tool: Tool;
  readonly worker: string;
  /** Path of the tool, a Python file. */
  readonly cli: string;
  readonly action: 'kill' | 'kill-force' | 'clean';
  readonly arguments?: readonly Argument[] | undefined;
  readonly python?: string | undefined;
}

// Arguments: interpreter, number of words that run Python through uv, those words, what Python is to run.
const CHOOSE = `python=$1 count=$2
shift 2
if [ -x "$python" ]; then
  shift "$count"
  exec "$python" "$@"
fi
exec "$@"`;

/** Returns the request that has the worker's own tool stop processes or clean up. */
export const workerControl: Recipe<WorkerControlRequest> = defineRecipe({
  id: 'worker-control',
  fields: {
    tool,
    worker: someText,
    cli: someText,
    action: z.enum(['kill', 'kill-force', 'clean']),
    arguments: argumentVector.optional(),
    python: someText.optional(),
  },
  invocation: (request) => {
    const { tool, worker, cli, action, python, prefix } = request;
    const interpreter = RemotePath.parseAnchored(worker, 'the worker directory').join(
      '.venv',
      'bin',
      'python',
    );
    const version = python === undefined ? [] : words('-p', parsePythonVersion(python));
    const uv = words(parseTool(tool), 'run', '--no-sync', '--with', 'psutil>=7,<8', version, 'python');
    const file = RemotePath.parseAnchored(cli, 'the worker tool').word;
    const rest = words(file, action, parseArguments(request.arguments));
    return command(prefix, constantScript(CHOOSE, interpreter.word, String(uv.length), uv, rest));
  },
});
