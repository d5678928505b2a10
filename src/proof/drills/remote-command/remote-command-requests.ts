// Requests that are sound but for what a drill changes.
import type { Argument } from '../../../ssh/fragments/program.ts';
import { argv } from '../../../ssh/recipes/argv.ts';
import { type DaskWorkerRequest, daskWorker } from '../../../ssh/recipes/dask-worker.ts';
import type { RemoteCommandRequest } from '../../../ssh/recipes/index.ts';
import type { Drill } from '../../proof.ts';

export function drill(
  id: string,
  fault: string,
  expects: string,
  request: RemoteCommandRequest,
): Drill<RemoteCommandRequest> {
  return { id, fault, expects, build: async () => request };
}

const WORKER = {
  tool: ['uv'],
  worker: '~/wenv/flight_worker',
  scheduler: 'tcp://10.0.0.1:8786',
  host: '10.0.0.2',
  pidFile: 'worker.pid',
};

/** A Dask worker that is started as AGILAB starts one, and otherwise where `change` says so. */
export const worker = (change: Partial<Omit<DaskWorkerRequest, 'recipe'>>): RemoteCommandRequest =>
  daskWorker({ ...WORKER, ...change });
/** A program and its arguments. */
export const run = (...words: Argument[]): RemoteCommandRequest => argv(words);
