// One drill for each entry of the tables of words that are never let through. An entry that is taken out of its table takes
// its drill along, and the claims still ask for it. Beside each table stands a neighbour that is in none and is allowed.
import { RESERVED_WORDS } from '../../../ssh/existing-line.ts';
import { EVERY_INTERFACE } from '../../../ssh/fragments/endpoint.ts';
import { RESERVED_VARIABLES } from '../../../ssh/fragments/prefix.ts';
import { SHELL_BUILTINS } from '../../../ssh/fragments/program.ts';
import { SYSTEM_DIRECTORIES } from '../../../ssh/fragments/remote-path.ts';
import { argv } from '../../../ssh/recipes/argv.ts';
import type { RemoteCommandRequest } from '../../../ssh/recipes/index.ts';
import { shareCheck } from '../../../ssh/recipes/share-check.ts';
import type { Drill } from '../../proof.ts';
import { drill, run, worker } from './remote-command-requests.ts';

/** Ids are letters and digits. */
const SPELLED: Readonly<Record<string, string>> = { '.': 'dot', ':': 'colon', '[[': 'brackets' };

const forEach = (
  table: Iterable<string>,
  [kind, fault, expects]: readonly [kind: string, fault: string, expects: string],
  request: (entry: string) => RemoteCommandRequest,
): readonly Drill<RemoteCommandRequest>[] =>
  [...table].map((entry) => {
    const spelled = SPELLED[entry] ?? entry.replaceAll(':', '-').replace(/^-+/, 'all-');
    return drill(`${kind}-${spelled}`, fault, expects, request(entry));
  });

const existing = (line: string): RemoteCommandRequest => argv(line.split(' '), { existing: line });

export const tableDrills: readonly Drill<RemoteCommandRequest>[] = [
  ...forEach(
    RESERVED_VARIABLES.keys(),
    ['reserved', 'a variable that shells or the loader obey', 'command.reserved-variable'],
    (name) => worker({ prefix: { env: { [name]: '1' } } }),
  ),
  drill(
    'variable-near',
    'none: names that only look like those',
    'allow',
    worker({ prefix: { env: { PATHS: '1', ENVI: '1', LD_PRE: '1' } } }),
  ),
  ...forEach(
    SHELL_BUILTINS,
    ['builtin', 'a name that some shell interprets itself', 'command.shell-builtin'],
    (name) => run(name, 'id'),
  ),
  drill('builtin-near', 'none: a program whose name begins like one', 'allow', run('evaluate', 'id')),
  ...forEach(
    RESERVED_WORDS,
    ['word', 'an existing line that begins with a word of the shell', 'command.existing-syntax'],
    (word) => argv(['printf', 'x'], { existing: `${word} x` }),
  ),
  drill('word-near', 'none: an existing line that begins with a longer word', 'allow', existing('whiles x')),
  ...forEach(
    SYSTEM_DIRECTORIES,
    ['share', 'a share over a directory of the system', 'command.share-root'],
    (name) => shareCheck({ share: `/${name}/shared/data` }),
  ),
  drill('share-near', 'none: a share beside those', 'allow', shareCheck({ share: '/srv/shared/data' })),
  ...forEach(EVERY_INTERFACE, ['listen', 'a worker on every interface', 'command.listen-address'], (host) =>
    worker({ host }),
  ),
  ...forEach(
    [
      'http://index.test/simple',
      'xhttps://index.test/simple',
      'file:///srv/simple',
      'git+https://index.test/x',
      'https://index.test/a b',
    ],
    ['index', 'a package index that is no plain https address', 'command.url'],
    (indexUrl) => worker({ prefix: { resolver: { indexUrl } } }),
  ).map((each, n) => ({ ...each, id: `index-${['http', 'prefixed', 'file', 'git', 'blank'][n]}` })),
  drill(
    'index',
    'none: a package index over https',
    'allow',
    worker({ prefix: { resolver: { indexUrl: 'https://index.test/simple' } } }),
  ),
];
