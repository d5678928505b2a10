// Every recipe there is, and how a request finds its own.
import * as z from 'zod';
import type { Invocation } from '../invocation.ts';
import { type AddPackagesRequest, addPackagesRecipe } from './add-packages.ts';
import { type ArgvRequest, argvRecipe } from './argv.ts';
import { type BuildWorkerRequest, buildWorkerRecipe } from './build-worker.ts';
import { type ClearResultsRequest, clearResultsRecipe } from './clear-results.ts';
import { type CopyToHostRequest, copyToHostRecipe } from './copy-to-host.ts';
import { type DaskSchedulerRequest, daskSchedulerRecipe } from './dask-scheduler.ts';
import { type DaskWorkerRequest, daskWorkerRecipe } from './dask-worker.ts';
import { type DotenvMergeRequest, dotenvMergeRecipe } from './dotenv-merge.ts';
import { type EnsurePipRequest, ensurePipRecipe } from './ensure-pip.ts';
import { type HostKeyScanRequest, hostKeyScanRecipe } from './host-key-scan.ts';
import { type InstallUvRequest, installUvRecipe } from './install-uv.ts';
import { type KnownHostFindRequest, knownHostFindRecipe } from './known-host-find.ts';
import { type LanProbeRequest, lanProbeRecipe } from './lan-probe.ts';
import { type MakeDirectoriesRequest, makeDirectoriesRecipe } from './make-directories.ts';
import { type MakeDirectoryRequest, makeDirectoryRecipe } from './make-directory.ts';
import { type PipProbeRequest, pipProbeRecipe } from './pip-probe.ts';
import { type PlatformFactsRequest, platformFactsRecipe } from './platform-facts.ts';
import { type PostInstallRequest, postInstallRecipe } from './post-install.ts';
import { type PythonFindRequest, pythonFindRecipe } from './python-find.ts';
import { type PythonInstallRequest, pythonInstallRecipe } from './python-install.ts';
import { type RapidsProbeRequest, rapidsProbeRecipe } from './rapids-probe.ts';
import type { Recipe } from './recipe.ts';
import { type RunAppRequest, runAppRecipe } from './run-app.ts';
import { type RunOverSshRequest, runOverSshRecipe } from './run-over-ssh.ts';
import { type RunThreadedRequest, runThreadedRecipe } from './run-threaded.ts';
import { type ShareCheckRequest, shareCheckRecipe } from './share-check.ts';
import { type ShareMountRequest, shareMountRecipe } from './share-mount.ts';
import { type ShareSentinelRequest, shareSentinelRecipe } from './share-sentinel.ts';
import { type SshProbeRequest, sshProbeRecipe } from './ssh-probe.ts';
import { type SystemNameRequest, systemNameRecipe } from './system-name.ts';
import { type TargetLeaseRequest, targetLeaseRecipe } from './target-lease.ts';
import { type UnpackWorkerRequest, unpackWorkerRecipe } from './unpack-worker.ts';
import { type UvSelfUpdateRequest, uvSelfUpdateRecipe } from './uv-self-update.ts';
import { type UvVersionRequest, uvVersionRecipe } from './uv-version.ts';
import { type WorkerControlRequest, workerControlRecipe } from './worker-control.ts';

/** What the remote-command guard is asked: plain JSON, told apart by `recipe`. */
export type RemoteCommandRequest =
  | AddPackagesRequest
  | ArgvRequest
  | BuildWorkerRequest
  | ClearResultsRequest
  | CopyToHostRequest
  | DaskSchedulerRequest
  | DaskWorkerRequest
  | DotenvMergeRequest
  | EnsurePipRequest
  | HostKeyScanRequest
  | InstallUvRequest
  | KnownHostFindRequest
  | LanProbeRequest
  | MakeDirectoriesRequest
  | MakeDirectoryRequest
  | PipProbeRequest
  | PlatformFactsRequest
  | PostInstallRequest
  | PythonFindRequest
  | PythonInstallRequest
  | RapidsProbeRequest
  | RunAppRequest
  | RunOverSshRequest
  | RunThreadedRequest
  | ShareCheckRequest
  | ShareMountRequest
  | ShareSentinelRequest
  | SshProbeRequest
  | SystemNameRequest
  | TargetLeaseRequest
  | UnpackWorkerRequest
  | UvSelfUpdateRequest
  | UvVersionRequest
  | WorkerControlRequest;

type Recipes = { readonly [Request in RemoteCommandRequest as Request['recipe']]: Recipe<Request> };

export const RECIPES: Recipes = {
  'add-packages': addPackagesRecipe,
  argv: argvRecipe,
  'build-worker': buildWorkerRecipe,
  'clear-results': clearResultsRecipe,
  'copy-to-host': copyToHostRecipe,
  'dask-scheduler': daskSchedulerRecipe,
  'dask-worker': daskWorkerRecipe,
  'dotenv-merge': dotenvMergeRecipe,
  'ensure-pip': ensurePipRecipe,
  'host-key-scan': hostKeyScanRecipe,
  'install-uv': installUvRecipe,
  'known-host-find': knownHostFindRecipe,
  'lan-probe': lanProbeRecipe,
  'make-directories': makeDirectoriesRecipe,
  'make-directory': makeDirectoryRecipe,
  'pip-probe': pipProbeRecipe,
  'platform-facts': platformFactsRecipe,
  'post-install': postInstallRecipe,
  'python-find': pythonFindRecipe,
  'python-install': pythonInstallRecipe,
  'rapids-probe': rapidsProbeRecipe,
  'run-app': runAppRecipe,
  'run-over-ssh': runOverSshRecipe,
  'run-threaded': runThreadedRecipe,
  'share-check': shareCheckRecipe,
  'share-mount': shareMountRecipe,
  'share-sentinel': shareSentinelRecipe,
  'ssh-probe': sshProbeRecipe,
  'system-name': systemNameRecipe,
  'target-lease': targetLeaseRecipe,
  'unpack-worker': unpackWorkerRecipe,
  'uv-self-update': uvSelfUpdateRecipe,
  'uv-version': uvVersionRecipe,
  'worker-control': workerControlRecipe,
};

// Told apart by its recipe, a request gets the errors of its own schema; one union for all would try each in turn.
export const remoteCommandRequest: z.ZodType<RemoteCommandRequest> = z.discriminatedUnion(
  'recipe',
  Object.values(RECIPES).map(({ request }) => request) as unknown as [z.core.$ZodTypeDiscriminable],
) as unknown as z.ZodType<RemoteCommandRequest>;

function recipeOf({
  recipe,
}: {
  readonly recipe: RemoteCommandRequest['recipe'];
}): Recipe<RemoteCommandRequest> {
  return RECIPES[recipe] as unknown as Recipe<RemoteCommandRequest>;
}

/** @throws FragmentFault when a value does not fit its slot. */
export function invocationOf(request: RemoteCommandRequest): Invocation {
  return recipeOf(request).invocation(request);
}
