// Makes a directory for results and removes the .csv files of an earlier run from it.
import * as z from 'zod';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface ClearResultsRequest extends CommonRequest {
  readonly recipe: 'clear-results';
  readonly directory: string;
}

// The glob is the script's own; the directory in front of it is quoted.
const CLEAR = `mkdir -p -- "$1" && rm -f -- "$1"/*.csv`;

export const clearResultsRecipe: Recipe<ClearResultsRequest> = {
  id: 'clear-results',
  request: z.strictObject({ recipe: z.literal('clear-results'), directory: someText, ...common }),
  invocation: ({ directory, prefix }) =>
    command(prefix, constantScript(CLEAR, RemotePath.parseShare(directory, 'the directory').word)),
};

/** Returns the request that empties a directory of earlier results. */
export function clearResults(input: Input<ClearResultsRequest>): ClearResultsRequest {
  return { recipe: 'clear-results', ...input };
}
