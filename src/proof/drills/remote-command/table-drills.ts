// One drill for each entry of the tables of words that are never let through. An entry that is taken out of its table takes
// its drill along, and the claims still ask for it. Beside each table stands a neighbour that is in none and is allowed.
import { RESERVED_WORDS } from '../../../ssh/existing-line.ts';
import { EVERY_INTERFACE } from '../../../ssh/fragments/endpoint.ts';
import { RESERVED_VARIABLES } from '../../../ssh/fragments/prefix.ts';
import { SHELL_BUILTINS } from '../../../ssh/fragments/program.ts';
import { DEPTH, SYSTEM_DIRECTORIES } from '../../../ssh/fragments/remote-path.ts';
import { argv } from '../../../ssh/recipes/argv.ts';
import type { RemoteCommandRequest } from '../../../ssh/recipes/index.ts';
import { shareCheck } from '../../../ssh/recipes/share-check.ts';
import type { Drill } from '../../proof.ts';
import type { DenyTable } from '../../tables.ts';
import { drill, run, worker } from './remote-command-requests.ts';

/** Ids are letters and digits. */
const SPELLED: Readonly<Record<string, string>> = { '.': 'dot', ':': 'colon', '[[': 'brackets' };

const idOf = (kind: string, entry: string): string =>
  `${kind}-${SPELLED[entry] ?? entry.replaceAll(':', '-').replace(/^-+/, 'all-')}`;

const existing = (line: string): RemoteCommandRequest => argv(line.split(' '), { existing: line });

/** A table with the request that each of its entries spoils. */
interface Words extends Pick<DenyTable<RemoteCommandRequest>, 'id' | 'what' | 'denies' | 'excused'> {
  readonly kind: string;
  readonly fault: string;
  readonly expects: string;
  readonly request: (entry: string) => RemoteCommandRequest;
}

const BY_GRAMMAR = 'the grammar reads no command where a line begins with it';

const WORDS: readonly Words[] = [
  {
    id: 'variables',
    what: 'variables that shells or the loader obey',
    denies: RESERVED_VARIABLES,
    kind: 'reserved',
    fault: 'a variable that shells or the loader obey',
    expects: 'command.reserved-variable',
    request: (name) => worker({ prefix: { env: { [name]: '1' } } }),
  },
  {
    id: 'builtins',
    what: 'names that some shell interprets itself',
    denies: SHELL_BUILTINS,
    kind: 'builtin',
    fault: 'a name that some shell interprets itself',
    expects: 'command.shell-builtin',
    request: (name) => run(name, 'id'),
  },
  {
    id: 'words',
    what: 'words of the shell',
    denies: RESERVED_WORDS,
    kind: 'word',
    fault: 'an existing line that begins with a word of the shell',
    expects: 'command.existing-syntax',
    request: (word) => argv(['printf', 'x'], { existing: `${word} x` }),
    excused: {
      case: BY_GRAMMAR,
      for: BY_GRAMMAR,
      function: BY_GRAMMAR,
      if: BY_GRAMMAR,
      select: BY_GRAMMAR,
      until: BY_GRAMMAR,
      while: BY_GRAMMAR,
    },
  },
  {
    id: 'system-directories',
    what: 'directories of the system',
    denies: SYSTEM_DIRECTORIES,
    kind: 'share',
    fault: 'a share over a directory of the system',
    expects: 'command.share-root',
    request: (name) => shareCheck({ share: `/${name}/shared/data` }),
  },
  {
    id: 'shared-directories',
    what: 'directories that belong to several',
    denies: DEPTH,
    kind: 'depth',
    fault: 'a share over what belongs to several',
    expects: 'command.share-root',
    request: (name) => shareCheck({ share: (DEPTH.get(name) ?? 0) > 2 ? `/${name}/agi` : `/${name}` }),
  },
  {
    id: 'every-interface',
    what: 'addresses of every interface',
    denies: EVERY_INTERFACE,
    kind: 'listen',
    fault: 'a worker on every interface',
    expects: 'command.listen-address',
    request: (host) => worker({ host }),
  },
];

export const remoteCommandTables: readonly DenyTable<RemoteCommandRequest>[] = WORDS.map(
  ({ id, what, denies, excused = {}, kind }) => ({
    id,
    what,
    denies,
    excused,
    drillOf: (entry) => idOf(kind, entry),
  }),
);

export const tableDrills: readonly Drill<RemoteCommandRequest>[] = [
  ...WORDS.flatMap(({ denies, kind, fault, expects, request }) =>
    [...denies.keys()].map((entry) => drill(idOf(kind, entry), fault, expects, request(entry))),
  ),
  drill(
    'variable-near',
    'none: names that only look like those',
    'allow',
    worker({ prefix: { env: { PATHS: '1', ENVI: '1', LD_PRE: '1' } } }),
  ),
  drill('builtin-near', 'none: a program whose name begins like one', 'allow', run('evaluate', 'id')),
  drill('word-near', 'none: an existing line that begins with a longer word', 'allow', existing('whiles x')),
  drill('share-near', 'none: a share beside those', 'allow', shareCheck({ share: '/srv/shared/data' })),
  ...[
    ['http', 'http://index.test/simple'],
    ['prefixed', 'xhttps://index.test/simple'],
    ['file', 'file:///srv/simple'],
    ['git', 'git+https://index.test/x'],
    ['blank', 'https://index.test/a b'],
  ].map(([kind = '', indexUrl = '']) =>
    drill(
      `index-${kind}`,
      'a package index that is no plain https address',
      'command.url',
      worker({ prefix: { resolver: { indexUrl } } }),
    ),
  ),
  drill(
    'index',
    'none: a package index over https',
    'allow',
    worker({ prefix: { resolver: { indexUrl: 'https://index.test/simple' } } }),
  ),
];
