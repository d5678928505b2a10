// The public surface of the SSH room.

export { Endpoint } from './fragments/endpoint.ts';
export { FAULTS, type FaultKind, FragmentFault } from './fragments/fault.ts';
export type { Prefix } from './fragments/prefix.ts';
export { type Argument, parseTool, type Tool } from './fragments/program.ts';
export { PidPath, RemotePath } from './fragments/remote-path.ts';
export type { Resolver } from './fragments/resolver.ts';
export { Secret, secretInput } from './fragments/secret.ts';
export { hostKey, hostKeyAcceptNew, type VerifiedHost } from './host-key/host-key.ts';
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
export * from './recipes/all.ts';
export { RECIPES, type RemoteCommandRequest } from './recipes/index.ts';
export type { Recipe } from './recipes/recipe.ts';
export { RemoteCommand, remoteCommand } from './remote-command.ts';
export { lineOf, render, type ShellFamily } from './render.ts';
export { type ConnectOptions, type Credentials, connect } from './transport/connect.ts';
export type { Connection, RunOptions, Target } from './transport/connection.ts';
export { type FleetOptions, type HostRow, runOnHosts } from './transport/fleet.ts';
export type { Negotiated } from './transport/negotiated.ts';
export type { RunResult, Unknown } from './transport/run-result.ts';
