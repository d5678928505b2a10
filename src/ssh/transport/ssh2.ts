// The one place that loads ssh2, when it is needed: it takes a fifth of a second and brings native files that most
// users of the package have no use for.

export async function loadSsh2(): Promise<typeof import('ssh2')> {
  return (await import('ssh2')).default;
}
