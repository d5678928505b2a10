// The public surface of `agilab-guardrails/quote`: what makes a command. Nothing here opens a connection, so nothing here
// needs ssh2 and its native parts.

export { Endpoint } from './fragments/endpoint.ts';
export { FAULTS, type FaultKind, FragmentFault } from './fragments/fault.ts';
export type { Prefix } from './fragments/prefix.ts';
export { type Argument, parseTool, type Tool } from './fragments/program.ts';
export { PidPath, RemotePath } from './fragments/remote-path.ts';
export type { Resolver } from './fragments/resolver.ts';
export { Secret, secretInput } from './fragments/secret.ts';
export { MAX_COMMAND_BYTES, neutral } from './neutral.ts';
export { quote } from './quote.ts';
export * from './recipes/all.ts';
export { RECIPES, type RemoteCommandRequest } from './recipes/index.ts';
export type { Input, Recipe, RecipeRequest } from './recipes/recipe.ts';
export { type RemoteCommand, remoteCommand } from './remote-command.ts';
export { lineOf, render, type ShellFamily } from './render.ts';
