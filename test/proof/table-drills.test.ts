// Each entry of a table of what is never let through is taken out in turn, and the drill that it has must notice.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SYSTEM, WHOLLY_SYSTEM } from '../../src/guards/cluster-share/share-path.ts';
import { LOADERS } from '../../src/guards/planes/module-imports.ts';
import { judge } from '../../src/kernel/enforce.ts';
import type { Guard } from '../../src/kernel/guard.ts';
import { clusterShareProof } from '../../src/proof/drills/cluster-share/cluster-share-proof.ts';
import { planesProof } from '../../src/proof/drills/planes/planes-proof.ts';
import { remoteCommandProof } from '../../src/proof/drills/remote-command/remote-command-proof.ts';
import type { Proof } from '../../src/proof/proof.ts';
import { RESERVED_WORDS } from '../../src/ssh/existing-line.ts';
import { EVERY_INTERFACE } from '../../src/ssh/fragments/endpoint.ts';
import { RESERVED_VARIABLES } from '../../src/ssh/fragments/prefix.ts';
import { SHELL_BUILTINS } from '../../src/ssh/fragments/program.ts';
import { SYSTEM_DIRECTORIES } from '../../src/ssh/fragments/remote-path.ts';
import { siteIn } from '../drill-site.ts';

/** The headline of each drill whose id begins with `kind-`. */
async function outcomes({ guard, drills }: Proof, kind: string, only: string): Promise<string> {
  const drill = drills.find(({ id }) => id === `${kind}-${only}`);
  if (!drill) throw new Error(`no drill for ${only}`);
  const directory = await mkdtemp(join(tmpdir(), 'guardrails-test-'));
  const undo: (() => Promise<void> | void)[] = [() => rm(directory, { recursive: true })];
  onTestFinished(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const request = await drill.build(siteIn(directory, { onCleanup: (step) => void undo.push(step) }));
  const { codes, decision } = await judge(guard as Guard<unknown, object>, request);
  for (const step of undo.splice(0).reverse()) await step();
  return codes[0] ?? decision;
}

const spelled = (entry: string): string =>
  ({ '.': 'dot', ':': 'colon', '[[': 'brackets' })[entry] ??
  entry.replaceAll(':', '-').replace(/^-+/, 'all-');

/** Where these begin a line, the grammar reads no command either: they are refused twice. */
const ALSO_BY_GRAMMAR = ['case', 'for', 'function', 'if', 'select', 'until', 'while'];

it.each<[string, Proof, string, ReadonlySet<string> | ReadonlyMap<string, string>]>([
  ['variables that shells obey', remoteCommandProof, 'reserved', RESERVED_VARIABLES],
  ['names that a shell interprets itself', remoteCommandProof, 'builtin', SHELL_BUILTINS],
  ['words of the shell', remoteCommandProof, 'word', RESERVED_WORDS],
  ['directories of the system', remoteCommandProof, 'share', SYSTEM_DIRECTORIES],
  ['addresses of every interface', remoteCommandProof, 'listen', EVERY_INTERFACE],
  ['members that load past the module loader', planesProof, 'loader', LOADERS],
  ['directories that are no share', clusterShareProof, 'top', SYSTEM],
  ['directories below which nothing is a share', clusterShareProof, 'below', WHOLLY_SYSTEM],
])('%s: each entry has a drill that misses it', { timeout: 60_000 }, async (_what, proof, kind, table) => {
  const live = table as Map<string, string> & Set<string>;
  const unnoticed: string[] = [];
  for (const [entry, value] of new Map(table.entries())) {
    const whole = await outcomes(proof, kind, spelled(entry));
    live.delete(entry);
    try {
      if ((await outcomes(proof, kind, spelled(entry))) === whole) unnoticed.push(entry);
    } finally {
      if (table instanceof Map) live.set(entry, value);
      else live.add(entry);
    }
  }
  expect(unnoticed).toEqual(kind === 'word' ? ALSO_BY_GRAMMAR : []);
});
