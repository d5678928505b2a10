// The public surface of the SSH room.

export { Endpoint } from './fragments/endpoint.ts';
export { FAULTS, type FaultKind, FragmentFault } from './fragments/fault.ts';
export type { Prefix } from './fragments/prefix.ts';
export { type Argument, parseTool, type Tool } from './fragments/program.ts';
export { PidPath, RemotePath } from './fragments/remote-path.ts';
export type { Resolver } from './fragments/resolver.ts';
export { Secret, secretInput } from './fragments/secret.ts';
export { hostKey, hostKeyAcceptNew } from './host-key/host-key.ts';
export type { HostKeyRequest } from './host-key/host-key-rules.ts';
export { MAX_COMMAND_BYTES, neutral } from './neutral.ts';
export { localShell, newToken, type Ownership, type OwnershipShell } from './process/ownership.ts';
export { shellOver, startOwned } from './process/ownership-remote.ts';
export {
  type ProcessStopRequest,
  processStop,
  processStopOver,
  type StopOptions,
  type StopResult,
  stopProcess,
} from './process/process-stop.ts';
export { quote } from './quote.ts';
export { type AddPackagesRequest, addPackages } from './recipes/add-packages.ts';
export { type ArgvRequest, argv } from './recipes/argv.ts';
export { type BuildWorkerRequest, buildWorker } from './recipes/build-worker.ts';
export { type ClearResultsRequest, clearResults } from './recipes/clear-results.ts';
export { type CopyToHostRequest, copyToHost } from './recipes/copy-to-host.ts';
export { type DaskSchedulerRequest, daskScheduler } from './recipes/dask-scheduler.ts';
export { type DaskWorkerRequest, daskWorker } from './recipes/dask-worker.ts';
export { type DotenvMergeRequest, dotenvMerge } from './recipes/dotenv-merge.ts';
export { type EnsurePipRequest, ensurePip } from './recipes/ensure-pip.ts';
export { type HostKeyScanRequest, hostKeyScan } from './recipes/host-key-scan.ts';
export { RECIPES, type RemoteCommandRequest } from './recipes/index.ts';
export { type InstallUvRequest, installUv } from './recipes/install-uv.ts';
export { type KnownHostFindRequest, knownHostFind } from './recipes/known-host-find.ts';
export { type LanProbeRequest, lanProbe } from './recipes/lan-probe.ts';
export { type MakeDirectoriesRequest, makeDirectories } from './recipes/make-directories.ts';
export { type MakeDirectoryRequest, makeDirectory } from './recipes/make-directory.ts';
export { type PipProbeRequest, pipProbe } from './recipes/pip-probe.ts';
export { type PlatformFactsRequest, platformFacts } from './recipes/platform-facts.ts';
export { type PostInstallRequest, postInstall } from './recipes/post-install.ts';
export { type PythonFindRequest, pythonFind } from './recipes/python-find.ts';
export { type PythonInstallRequest, pythonInstall } from './recipes/python-install.ts';
export { type RapidsProbeRequest, rapidsProbe } from './recipes/rapids-probe.ts';
export { type RunAppRequest, runApp } from './recipes/run-app.ts';
export { type RunOverSshRequest, runOverSsh } from './recipes/run-over-ssh.ts';
export { type RunThreadedRequest, runThreaded } from './recipes/run-threaded.ts';
export { type ShareCheckRequest, shareCheck } from './recipes/share-check.ts';
export { type ShareMountRequest, shareMount } from './recipes/share-mount.ts';
export { type ShareSentinelRequest, shareSentinel } from './recipes/share-sentinel.ts';
export { type SshProbeRequest, sshProbe } from './recipes/ssh-probe.ts';
export { type SystemNameRequest, systemName } from './recipes/system-name.ts';
export { type TargetLeaseRequest, targetLease } from './recipes/target-lease.ts';
export { type UnpackWorkerRequest, unpackWorker } from './recipes/unpack-worker.ts';
export { type UvSelfUpdateRequest, uvSelfUpdate } from './recipes/uv-self-update.ts';
export { type UvVersionRequest, uvVersion } from './recipes/uv-version.ts';
export { type WorkerControlRequest, workerControl } from './recipes/worker-control.ts';
export { RemoteCommand, remoteCommand } from './remote-command.ts';
export { lineOf, render, type ShellFamily } from './render.ts';
export type { RunResult, Unknown } from './transport/channel.ts';
export { type ConnectOptions, type Credentials, connect } from './transport/connect.ts';
export type { Connection, RunOptions, Target } from './transport/connection.ts';
export { type FleetOptions, type HostRow, runOnHosts } from './transport/fleet.ts';
