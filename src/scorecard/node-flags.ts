// Options under which Node may have run and still have run this code: they change what is printed or how much memory there
// is. Everything else (a preload, a loader, a variable that names one, a debugger) can put other code in the place of any guard.
import type { RunRecord } from '../evidence/record.ts';

const HARMLESS = new Set([
  '--abort-on-uncaught-exception',
  '--enable-source-maps',
  '--max-old-space-size',
  '--max-semi-space-size',
  '--no-deprecation',
  '--no-warnings',
  '--pending-deprecation',
  '--report-on-fatalerror',
  '--stack-trace-limit',
  '--throw-deprecation',
  '--trace-deprecation',
  '--trace-uncaught',
  '--trace-warnings',
  '--unhandled-rejections',
]);

/** Returns the name of the first option of a run that could have changed a guard. Its value is left out. */
export function foreignFlag({
  flags,
  nodeOptions,
}: Pick<RunRecord, 'flags' | 'nodeOptions'>): string | undefined {
  const given = [...flags, ...nodeOptions.split(/\s+/).filter((word) => word !== '')];
  const name = given.map((flag) => flag.split('=')[0] ?? '').find((flag) => !HARMLESS.has(flag));
  if (name === undefined) return undefined;
  if (/^[A-Z_]{1,60}$/.test(name)) return name;
  return /^--?[a-zA-Z0-9-]{1,60}$/.test(name) ? `node ${name}` : 'an option of node that is not known here';
}
