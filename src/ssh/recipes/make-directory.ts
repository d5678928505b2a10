// Makes a directory and its parents: mkdir -p -- DIR
import * as z from 'zod';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { type CommonRequest, command, common, type Input, type Recipe } from './recipe.ts';

export interface MakeDirectoryRequest extends CommonRequest {
  readonly recipe: 'make-directory';
  readonly directory: string;
}

export const makeDirectoryRecipe: Recipe<MakeDirectoryRequest> = {
  id: 'make-directory',
  request: z.strictObject({ recipe: z.literal('make-directory'), directory: someText, ...common }),
  invocation: ({ directory, prefix }) =>
    command(prefix, 'mkdir', '-p', '--', RemotePath.parseAnchored(directory, 'the directory').word),
};

/** Returns the request that makes a directory and its parents. */
export function makeDirectory(input: Input<MakeDirectoryRequest>): MakeDirectoryRequest {
  return { recipe: 'make-directory', ...input };
}
