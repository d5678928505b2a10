// A launcher for payloads written for Node that needs no other account: Node's own permission model.

/**
 * Returns the words that start a payload in Node which may read and write below the given directories alone; add the
 * program and its arguments. It can start no process, no worker and no addon.
 *
 * @param read absolute real paths of directories: the program and its packages must lie there or below `write`
 * @param write absolute real paths of directories
 */
export function confinedNode(read: readonly string[], write: readonly string[]): readonly string[] {
  // Node 20 knows the flag under its first name only.
  const flags = process.allowedNodeEnvironmentFlags;
  const permission = flags.has('--permission') ? '--permission' : '--experimental-permission';
  // "Below" is written "/*"; each root is a flag of its own, since a comma may be part of a name.
  const readable = [...read, ...write].map((root) => `--allow-fs-read=${root}/*`);
  const writable = write.map((root) => `--allow-fs-write=${root}/*`);
  return [process.execPath, '--no-warnings', permission, ...readable, ...writable];
}
