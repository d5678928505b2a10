// The public surface of the SSH room.

export { Endpoint } from './fragments/endpoint.ts';
export { FAULTS, type FaultKind, FragmentFault } from './fragments/fault.ts';
export type { Prefix } from './fragments/prefix.ts';
export type { Argument } from './fragments/program.ts';
export { PidPath, RemotePath } from './fragments/remote-path.ts';
export { MAX_COMMAND_BYTES, neutral } from './neutral.ts';
export { quote } from './quote.ts';
export { type ArgvRequest, argv } from './recipes/argv.ts';
export { type DaskWorkerRequest, daskWorker } from './recipes/dask-worker.ts';
export type { RemoteCommandRequest } from './recipes/index.ts';
export { RemoteCommand, remoteCommand } from './remote-command.ts';
