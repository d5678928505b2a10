// The public surface of the SSH room.

export * from './commands.ts';
export { hostKey, hostKeyAcceptNew, type VerifiedHost } from './host-key/host-key.ts';
export type { HostKeyRequest } from './host-key/host-key-request.ts';
export {
  type ConfirmedOwned,
  type ListenSocket,
  type OwnedSocketsRequest,
  ownedSockets,
} from './process/owned-sockets.ts';
export { localShell, newToken, type Ownership, type OwnershipShell } from './process/ownership.ts';
export { confirmOwned, type OwnedStart, shellOver, startOwned } from './process/ownership-remote.ts';
export {
  type ProcessStopRequest,
  processStop,
  type StopOptions,
  type StopPermit,
  type StopResult,
  stopProcess,
} from './process/process-stop.ts';
export { type ConnectOptions, connect, type Transport } from './transport/connect.ts';
export type { Connection, RunOptions, StreamedRun, Target } from './transport/connection.ts';
export { type CopyOptions, downloadFile, uploadFile } from './transport/copy.ts';
export type { Credentials } from './transport/credentials.ts';
export { type FleetOptions, type HostRow, runOnHosts } from './transport/fleet.ts';
export type { Negotiated } from './transport/negotiated.ts';
export type { RunResult, Unknown } from './transport/run-result.ts';
export { openTunnel, type Tunnel, type TunnelTarget } from './transport/tunnel.ts';
