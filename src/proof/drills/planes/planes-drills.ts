// Planes that run into one another: small code trees and directories made for real, and children that do write.
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { confinedNode } from '../../../guards/planes/confined-node.ts';
import { LOADERS } from '../../../guards/planes/module-imports.ts';
import type { PlanesRequest } from '../../../guards/planes/planes.ts';
import type { PlanesTable, Room } from '../../../guards/planes/planes-table.ts';
import type { Drill } from '../../proof.ts';
import { trustedDirectory } from '../../trusted-directory.ts';
import { giveAway, strangers } from '../capacity-model/drill-files.ts';

const room = (name: string, imports: readonly string[], more: Partial<Room> = {}): Room => ({
  room: name,
  holds: 'a drill',
  imports,
  uses: [],
  ...more,
});

const table = (...rooms: readonly Room[]): string => {
  const planes: PlanesTable = { schema: 'agilab.planes.v1', rooms };
  return JSON.stringify(planes);
};

const SOUND_TABLE = table(
  room('ground', []),
  room('guards', ['ground'], { uses: ['net'], apart: true }),
  room('main', ['guards', 'ground']),
);

const MERGED_TABLE = table(
  room('parser', [], { merged: true }),
  room('ground', ['parser']),
  room('guards', ['ground'], { uses: ['net'], apart: true }),
  room('main', ['guards', 'ground']),
);

/** Modules that keep to the table, in every form of import that counts. */
const SOUND_CODE: Readonly<Record<string, string>> = {
  'ground/files.js': "import { readFile } from 'node:fs/promises';\nexport { readFile };\n",
  'ground/once.js': 'export const once = 1;\n',
  'guards/bind/bind.js':
    "import { isIP } from 'node:net';\nexport * from '../../ground/files.js';\nexport { isIP };\n",
  'guards/routes/routes.js': "export const load = () => import('../../ground/once.js');\n",
  'guards/index.js': "export { isIP } from './bind/bind.js';\nexport { load } from './routes/routes.js';\n",
  'main.js': "import { isIP } from './guards/index.js';\nconsole.log(isIP('::1'));\n",
  'main.js.map': '{}',
};

interface Site {
  readonly directory: string;
  readonly control: string;
  readonly payload: string;
  readonly evidence: string;
  readonly key: string;
}

interface Fault {
  /** Files of the code, added to the sound ones or in place of them. */
  readonly code?: Readonly<Record<string, string>>;
  readonly table?: string;
  /** Changes what is there. */
  readonly change?: (site: Site) => Promise<void>;
  /** Asks otherwise. */
  readonly ask?: (request: PlanesRequest, site: Site) => PlanesRequest;
}

function drill(
  id: string,
  fault: string,
  expects: string,
  { code = {}, table: rooms = SOUND_TABLE, change, ask }: Fault = {},
): Drill<PlanesRequest> {
  const build: Drill<PlanesRequest>['build'] = async (drillSite) => {
    drillSite.random('PERMISSION', /--(?:experimental-)?permission(?=")/g); // Node 20 has it under its first name
    const directory = await trustedDirectory(drillSite);
    const [control, payload, evidence] = ['control', 'payload', 'evidence'].map((name) =>
      join(directory, name),
    );
    if (!control || !payload || !evidence) throw new TypeError('three planes');
    const site: Site = { directory, control, payload, evidence, key: join(evidence, 'key.pem') };
    for (const path of [control, payload, evidence]) await mkdir(path, { mode: 0o700 });
    await writeFile(site.key, 'a key\n', { mode: 0o600 });
    for (const [file, text] of Object.entries({ ...SOUND_CODE, ...code })) {
      await mkdir(dirname(join(control, file)), { recursive: true, mode: 0o700 });
      await writeFile(join(control, file), text, { mode: 0o600 });
    }
    await writeFile(join(directory, 'planes.json'), rooms, { mode: 0o600 });
    await change?.(site);
    const request: PlanesRequest = {
      roots: { control: [control], payload: [payload], evidence: [evidence] },
      keys: [site.key],
      launcher: confinedNode([], [payload]),
      code: { directory: control, table: join(directory, 'planes.json') },
    };
    return ask ? ask(request, site) : request;
  };
  return { id, fault, expects, build };
}

const roots =
  (change: (site: Site) => Partial<PlanesRequest['roots']>): NonNullable<Fault['ask']> =>
  (request, site) => ({ ...request, roots: { ...request.roots, ...change(site) } });

const launcher =
  (words: (site: Site) => readonly string[]): NonNullable<Fault['ask']> =>
  (request, site) => ({ ...request, launcher: words(site) });

const rootDrills: readonly Drill<PlanesRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill('two-payloads', 'none: payload roots inside one another', 'allow', {
    change: ({ payload }) => mkdir(join(payload, 'app'), { mode: 0o700 }),
    ask: roots(({ payload }) => ({ payload: [payload, join(payload, 'app')] })),
  }),
  drill('missing-root', 'an evidence root that does not exist', 'planes.not-a-directory', {
    ask: roots(({ directory }) => ({ evidence: [join(directory, 'nowhere')] })),
  }),
  drill('linked-root', 'an evidence root that is a link to the payload root', 'planes.not-a-directory', {
    change: ({ directory, payload }) => symlink(payload, join(directory, 'link')),
    ask: roots(({ directory }) => ({ evidence: [join(directory, 'link')] })),
  }),
  drill('file-as-root', 'a control root that is a file', 'planes.not-a-directory', {
    ask: roots(({ directory }) => ({ control: [join(directory, 'planes.json')] })),
  }),
  drill('dotted-root', 'a payload root that leads back to the evidence', 'planes.not-a-directory', {
    ask: roots(({ payload }) => ({ payload: [`${payload}/../evidence`] })),
  }),
  drill('same-root', 'one directory for payload and evidence', 'planes.overlap', {
    ask: roots(({ payload }) => ({ evidence: [payload] })),
  }),
  drill('evidence-in-payload', 'evidence kept where payloads work', 'planes.overlap', {
    change: ({ payload }) => mkdir(join(payload, 'journal'), { mode: 0o700 }),
    ask: roots(({ payload }) => ({ evidence: [join(payload, 'journal')] })),
  }),
  drill('payload-in-control', 'payloads that work inside the control plane', 'planes.overlap', {
    ask: roots(({ control }) => ({ payload: [join(control, 'ground')] })),
  }),
  drill('second-evidence-root', 'a second evidence root, inside control', 'planes.overlap', {
    ask: roots(({ control, evidence }) => ({ evidence: [evidence, join(control, 'guards')] })),
  }),
  drill('open-evidence', 'an evidence root that anyone may write', 'planes.open-directory', {
    change: ({ evidence }) => chmod(evidence, 0o777),
  }),
  drill('group-control', 'a control root that a group may write', 'planes.open-directory', {
    change: ({ control }) => chmod(control, 0o770),
  }),
  drill('sticky-evidence', 'a sticky evidence root that anyone may add to', 'planes.open-directory', {
    change: ({ evidence }) => chmod(evidence, 0o1777),
  }),
  drill('open-parent', 'an evidence root below a directory that anyone may write', 'planes.open-directory', {
    change: ({ directory }) => chmod(directory, 0o777),
  }),
  drill('foreign-evidence', 'an evidence root of another user', 'planes.foreign-owner', {
    change: ({ evidence }) => giveAway(evidence),
    ask: (request) => ({ ...request, ...strangers }),
  }),
];

const payloadDrills: readonly Drill<PlanesRequest>[] = [
  drill('unconfined', 'payloads under this very account, and nothing between', 'planes.payload-writes', {
    ask: launcher(() => [process.execPath]),
  }),
  drill('writes-evidence', 'payloads that may write the evidence as well', 'planes.payload-writes', {
    ask: launcher(({ payload, evidence }) => confinedNode([], [payload, evidence])),
  }),
  drill('writes-deep', 'payloads that may write one folder of the control plane', 'planes.payload-writes', {
    ask: launcher(({ payload, control }) => confinedNode([control], [payload, join(control, 'guards/bind')])),
  }),
  drill('reads-key', 'payloads that may read the signing key', 'planes.payload-reads-key', {
    ask: launcher(({ payload, evidence }) => confinedNode([evidence], [payload])),
  }),
  drill('no-key', 'a key that is not there, which nobody can read', 'planes.key-missing', {
    ask: (request, { evidence }) => ({ ...request, keys: [join(evidence, 'other.pem')] }),
  }),
  drill('no-launcher', 'a launcher that does not exist', 'planes.payload-unproven', {
    ask: launcher(({ directory }) => [join(directory, 'nowhere')]),
  }),
  drill('silent-launcher', 'a launcher that starts nothing and reports success', 'planes.payload-unproven', {
    ask: launcher(() => ['/bin/sh', '-c', 'exit 0']),
  }),
  drill(
    'powerless-payload',
    'payloads that cannot write their own root: their failures prove nothing',
    'planes.payload-unproven',
    {
      ask: launcher(() => confinedNode([], [])),
    },
  ),
];

const codeDrills: readonly Drill<PlanesRequest>[] = [
  drill('no-table', 'no table of rooms', 'planes.table-malformed', {
    ask: (request, { directory }) => ({
      ...request,
      code: { ...request.code, table: join(directory, 'none') },
    }),
  }),
  drill('odd-table', 'a table with a field that nobody knows', 'planes.table-malformed', {
    table: SOUND_TABLE.replace('"holds"', '"owner":"x","holds"'),
  }),
  drill('circular-table', 'a table in which the ground may import the top', 'planes.table-not-layered', {
    table: table(
      room('ground', ['main']),
      room('guards', ['ground'], { uses: ['net'] }),
      room('main', ['guards']),
    ),
  }),
  drill('twofold-room', 'a table that names a room twice', 'planes.table-not-layered', {
    table: table(
      room('ground', []),
      room('guards', ['ground'], { uses: ['net'] }),
      room('main', ['guards']),
      room('main', ['ground', 'guards']),
    ),
  }),
  drill('unknown-import', 'a table that allows a room which is not in it', 'planes.table-not-layered', {
    table: table(
      room('ground', ['cellar']),
      room('guards', ['ground'], { uses: ['net'] }),
      room('main', ['guards']),
    ),
  }),
  drill('not-a-module', 'a file that is no ES module', 'planes.code-unreadable', {
    code: { 'ground/once.js': 'with (x) y();\n' },
  }),
  drill('linked-module', 'a module that is a link', 'planes.code-unreadable', {
    change: ({ control }) => symlink('once.js', join(control, 'ground/twice.js')),
  }),
  drill('other-code', 'a CommonJS file, which is not read', 'planes.code-unreadable', {
    code: { 'ground/old.cjs': 'exports.x = 1;\n' },
  }),
  drill('no-code', 'a directory without modules', 'planes.code-unreadable', {
    ask: (request, { evidence }) => ({ ...request, code: { ...request.code, directory: evidence } }),
  }),
  drill('roomless', 'a module in no room', 'planes.roomless-module', {
    code: { 'extra/extra.js': 'export {};\n' },
  }),
  drill('upward', 'the ground imports a guard', 'planes.upward-import', {
    code: { 'ground/up.js': "import '../guards/bind/bind.js';\n" },
  }),
  drill('upward-re-export', 'the ground hands on a guard', 'planes.upward-import', {
    code: { 'ground/up.js': "export { load } from '../guards/routes/routes.js';\n" },
  }),
  drill('upward-later', 'the ground imports a guard when it runs', 'planes.upward-import', {
    code: { 'ground/up.js': 'export const later = () => import(`../main.js`);\n' },
  }),
  drill('sideways', 'a guard that imports another guard', 'planes.upward-import', {
    code: { 'guards/routes/side.js': "import '../bind/bind.js';\n" },
  }),
  drill('cycle', 'two modules that import each other', 'planes.cycle', {
    code: {
      'ground/a.js': "import './b.js';\n",
      'ground/b.js': "export const a = () => import('./a.js');\n",
    },
  }),
  drill('outside', 'a module that imports what lies beside the tree', 'planes.outside-import', {
    code: { 'ground/out.js': "import '../../payload/app.js';\n" },
  }),
  drill('child-process', 'the ground starts programs', 'planes.no-leave', {
    code: { 'ground/run.js': "import { spawn } from 'node:child_process';\nexport { spawn };\n" },
  }),
  drill('bare-builtin', 'the ground runs text as code, by the older name of the module', 'planes.no-leave', {
    code: { 'ground/run.js': "export * from 'vm';\n" },
  }),
  drill('resolved-package', 'a package found by import.meta.resolve', 'planes.no-leave', {
    code: { 'ground/find.js': "export const where = import.meta.resolve('left-pad/index.js');\n" },
  }),
  drill('computed', 'a module whose name is put together', 'planes.computed-import', {
    code: { 'ground/load.js': "export const load = (name) => import('node:' + name);\n" },
  }),
  drill('built-in', 'a module of Node asked of the process', 'planes.hidden-loading', {
    code: { 'ground/load.js': "export const net = process.getBuiltinModule('net');\n" },
  }),
  ...[...LOADERS].map((name) =>
    drill(
      `loader-${name}`,
      'a member of the process that loads past the module loader',
      'planes.hidden-loading',
      {
        code: { 'ground/load.js': `export const load = process.${name};\n` },
      },
    ),
  ),
  drill('evaluated', 'text run as code', 'planes.hidden-loading', {
    code: { 'ground/load.js': 'export const run = (text) => new Function(text)();\n' },
  }),
  drill('merged-package', 'none: a merged package that runs text as code', 'allow', {
    table: MERGED_TABLE,
    code: { 'parser.js': 'export const run = (text) => new Function(text)();\n' },
  }),
  drill('merged-upward', 'a merged package that imports a guard', 'planes.upward-import', {
    table: MERGED_TABLE,
    code: { 'parser.js': "import './guards/index.js';\n" },
  }),
  drill('merged-room', 'a room of ours that the table calls a merged package', 'planes.table-malformed', {
    table: SOUND_TABLE.replace('"apart":true', '"merged":true'),
    code: { 'guards/run.js': 'export const run = (text) => new Function(text)();\n' },
  }),
  drill('beside-merged', 'text run as code by who may import a merged package', 'planes.hidden-loading', {
    table: MERGED_TABLE,
    code: {
      'parser.js': '',
      'ground/load.js': "import '../parser.js';\nexport const run = (text) => new Function(text)();\n",
    },
  }),
];

export const planesDrills: readonly Drill<PlanesRequest>[] = [...rootDrills, ...payloadDrills, ...codeDrills];
