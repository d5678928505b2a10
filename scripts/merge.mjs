// The second step of the build: merges the modules that the compiler wrote, and packages of many small files, into the few
// files that Node loads. Node takes a millisecond for each file, and one guard with zod under it is 150 of them; bundlers go
// on taking the modules.
// Usage: node scripts/merge.mjs DIST, which has node_modules beside it; writes DIST/node and DIST/zod.js.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const dist = resolve(process.argv[2] ?? 'dist');
const packages = join(dist, '../node_modules');

/** What is merged with our modules; their licences go with them. */
const MERGED = ['zod', '@noble/curves', '@noble/hashes'];

/** What is loaded by its name: the subpaths of package.json, the command, a thread, and what drills start elsewhere. */
const ENTRIES = {
  index: 'index.js',
  ssh: 'ssh/index.js',
  capacity: 'capacity/index.js',
  guards: 'guards/index.js',
  drills: 'proof/index.js',
  quote: 'ssh/commands.js',
  evidence: 'evidence/index.js',
  verify: 'evidence/portable.js',
  scorecard: 'scorecard/index.js',
  kernel: 'kernel/index.js',
  main: 'cli/main.js',
  'predict-thread': 'capacity/threads/predict-thread.js',
};

/** Who asks for a part of a room only: what verifies in a browser, and may ask for nothing of Node, among them. */
const ASKING = {
  inspect: ['cli/main.js', 'cli/model.js', ENTRIES['predict-thread']],
  verify: [ENTRIES.verify],
  capacity: [ENTRIES.capacity],
  quote: [ENTRIES.quote],
};

/** The files that such parts lie in: the first whose askers all ask. The rest of a room is one file. */
const LOWER = [
  ['base', 'verify', 'capacity'],
  ['files', 'inspect', 'capacity'],
  ['core', 'capacity'],
  ['proofs', 'verify'],
  ['start', 'inspect'],
];
const PARTS = {
  '..': LOWER, // where packages are
  evidence: LOWER,
  kernel: LOWER,
  files: LOWER,
  capacity: [['forest', 'inspect']],
  ssh: [['words', 'quote']],
  guards: [],
  scorecard: [],
};

const asked = new Map();

/** All that is imported at once where one of `askers` is loaded. */
function askedBy(asker, graph) {
  if (!asked.has(asker)) {
    const seen = new Set(ASKING[asker].map((file) => join(dist, file)));
    for (const id of seen) for (const next of graph.getModuleInfo(id)?.importedIds ?? []) seen.add(next);
    asked.set(asker, seen);
  }
  return asked.get(asker);
}

/** Which file a module goes to; `null` leaves that to rolldown, as it is with all that is imported later. */
function fileOf(id, graph) {
  const room = relative(dist, id).split('/')[0];
  if (id.startsWith(join(packages, 'zod/'))) return 'zod';
  if (!Object.hasOwn(PARTS, room) || id === join(dist, ENTRIES['predict-thread'])) return null;
  const part = PARTS[room].find(([, ...askers]) => askers.every((asker) => askedBy(asker, graph).has(id)));
  return part?.[0] ?? `${room}-room`;
}

/** Stays where it is: it is written last, and says what all the rest is. */
const buildInfo = {
  name: 'build-info',
  resolveId: (id) =>
    id.endsWith('/build-info.js') ? { id: '../evidence/build-info.js', external: true } : null,
};

rmSync(join(dist, 'node'), { recursive: true, force: true });
const bundle = await rolldown({
  cwd: dist, // what is written names no other path
  input: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, join(dist, file)])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id) && !MERGED.some((name) => `${id}/`.startsWith(`${name}/`)),
  plugins: [buildInfo],
  resolve: { symlinks: false },
  treeshake: { moduleSideEffects: false },
  preserveEntrySignatures: 'allow-extension', // wanted by groups without their dependencies; nothing is added
  checks: { ineffectiveDynamicImport: false },
});
await bundle.write({
  dir: dist,
  format: 'esm',
  entryFileNames: 'node/[name].js',
  chunkFileNames: ({ name }) => (name === 'zod' ? 'zod.js' : 'node/[name]-[hash].js'),
  codeSplitting: {
    groups: [{ debugName: 'rooms', name: fileOf, tags: ['$initial'] }],
    includeDependenciesRecursively: false,
  },
});
await bundle.close();

// Node 20 takes --env-file for its own wherever it stands before `--`, and runs what NODE_OPTIONS in that file says: the file
// that `guardrails gate` is to judge. Not every env(1) splits what stands behind #!, so sh starts Node, which reads this as text.
const main = join(dist, 'node/main.js');
const START = `#!/usr/bin/env sh\n':' //; exec node -- "$0" "$@"\n`;
writeFileSync(main, readFileSync(main, 'utf8').replace('#!/usr/bin/env node\n', START));
chmodSync(main, 0o755); // npx makes it so once, and no more after the next build
const licences = MERGED.map((name) => `${name}\n\n${readFileSync(join(packages, name, 'LICENSE'), 'utf8')}`);
writeFileSync(join(dist, 'node/LICENSES'), licences.join('\n'));
