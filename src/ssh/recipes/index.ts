// Every recipe there is, and how a request finds its own.
import { z } from 'zod';
import type { Invocation } from '../invocation.ts';
import { type ArgvRequest, argvRecipe } from './argv.ts';
import { type DaskWorkerRequest, daskWorkerRecipe } from './dask-worker.ts';

/** What the remote-command guard is asked: plain JSON, told apart by `recipe`. */
export type RemoteCommandRequest = ArgvRequest | DaskWorkerRequest;

export const remoteCommandRequest: z.ZodType<RemoteCommandRequest> = z.union([
  argvRecipe.request,
  daskWorkerRecipe.request,
]);

/** @throws FragmentFault when a value does not fit its slot. */
export function invocationOf(request: RemoteCommandRequest): Invocation {
  switch (request.recipe) {
    case 'argv':
      return argvRecipe.invocation(request);
    case 'dask-worker':
      return daskWorkerRecipe.invocation(request);
    default:
      return request satisfies never;
  }
}
