// Values that once became code, options or other places on a remote host, and lines that real code builds of them.
import { addPackages } from '../../../ssh/recipes/add-packages.ts';
import { argv } from '../../../ssh/recipes/argv.ts';
import { copyToHost } from '../../../ssh/recipes/copy-to-host.ts';
import { dotenvMerge } from '../../../ssh/recipes/dotenv-merge.ts';
import type { RemoteCommandRequest } from '../../../ssh/recipes/index.ts';
import { postInstall } from '../../../ssh/recipes/post-install.ts';
import { pythonFind } from '../../../ssh/recipes/python-find.ts';
import { runThreaded } from '../../../ssh/recipes/run-threaded.ts';
import { shareCheck } from '../../../ssh/recipes/share-check.ts';
import { shareSentinel } from '../../../ssh/recipes/share-sentinel.ts';
import { sshProbe } from '../../../ssh/recipes/ssh-probe.ts';
import type { Drill } from '../../proof.ts';
import { drill, run, worker } from './remote-command-requests.ts';

const HOSTILE = `it's "x" $(touch PWNED) \`id\` \\ !! * [a] {b,c} ~ #\nnl; é 語`;
const FILES = { ca: '~/tls/ca.pem', certificate: '~/tls/cert.pem', key: '~/tls/key.pem' };
const PROJECT = { tool: ['uv'], worker: '~/wenv/flight_worker', python: '3.12' };

export const remoteCommandDrills: readonly Drill<RemoteCommandRequest>[] = [
  drill('plain-worker', 'none: a worker under the home directory', 'allow', worker({})),
  drill(
    'hostile-directory',
    'none: a directory whose name is full of shell syntax',
    'allow',
    worker({ worker: `/srv/${HOSTILE}` }),
  ),
  drill(
    'hostile-arguments',
    'none: arguments full of shell syntax',
    'allow',
    run('printf', '%s', HOSTILE, '', '-n', '*', "'", '\\'),
  ),
  drill(
    'lone-quote-break-out',
    'none: a value that closes a bare single quote',
    'allow',
    run('cat', "a';touch PWNED;'"),
  ),
  drill(
    'lost-backslash',
    'none: a character that swallows a backslash in double-byte locales',
    'allow',
    run('cat', '語;touch PWNED'),
  ),
  drill(
    'prefix',
    'none: variables, directories and a wrapper before the command',
    'allow',
    worker({
      prefix: {
        env: { LOG: '$(id)' },
        pathPrepend: ['~/.local/bin', '/opt/a b'],
        wrapper: ['nice', '-n', '5'],
      },
    }),
  ),
  drill(
    'existing-line',
    'none: an existing line that means the same',
    'allow',
    argv(['ls', '--', { path: '~/a b' }], { existing: `ls -- "$HOME/a b"` }),
  ),

  drill('nul', 'a NUL in an argument', 'command.nul', run('cat', 'a\0b')),
  drill('lone-surrogate', 'half of a surrogate pair', 'command.lone-surrogate', run('cat', '\ud800')),
  drill(
    'program-option',
    'a program that is an option to the shell',
    'command.option-like-program',
    run('-c', 'id'),
  ),
  drill('program-job', 'a program that is a job to the shell', 'command.option-like-program', run('%1')),
  drill(
    'program-assignment',
    'a program that is an assignment to env(1)',
    'command.assignment-like-program',
    run('A=B'),
  ),
  drill(
    'program-eval',
    'a builtin that reads its arguments as code',
    'command.shell-builtin',
    run('eval', 'id'),
  ),
  drill(
    'wrapper-eval',
    'the same as a wrapper',
    'command.shell-builtin',
    worker({ prefix: { wrapper: ['eval'] } }),
  ),
  drill(
    'variable-name',
    'a variable name that holds code',
    'command.environment-name',
    worker({ prefix: { env: { 'A;id;B': '' } } }),
  ),
  drill(
    'variable-preload',
    'a variable that loads code',
    'command.reserved-variable',
    worker({ prefix: { env: { LD_PRELOAD: '/tmp/x.so' } } }),
  ),
  drill(
    'path-escape',
    'an escape sequence in a path',
    'command.path-control',
    worker({ worker: '/srv/\u001b[2J' }),
  ),
  drill(
    'path-parent',
    'a path that climbs',
    'command.path-parent',
    worker({ worker: '/srv/wenv/../../etc' }),
  ),
  drill('path-user', "another user's home", 'command.path-user', worker({ worker: '~root/wenv' })),
  drill(
    'path-relative',
    'a path relative to who knows what',
    'command.path-relative',
    worker({ worker: 'wenv' }),
  ),
  drill(
    'path-colon',
    'a directory that is two to PATH',
    'command.path-colon',
    worker({ prefix: { pathPrepend: ['/opt/a:.'] } }),
  ),
  drill(
    'pid-outside',
    'a pid file that another account can write',
    'command.pid-path-outside',
    worker({ pidFile: '/tmp/worker.pid' }),
  ),
  drill(
    'pid-is-worker',
    'a pid file that is the worker directory itself',
    'command.pid-path-outside',
    worker({ pidFile: '.' }),
  ),
  drill(
    'endpoint-code',
    'an endpoint with a command behind it',
    'command.endpoint',
    worker({ scheduler: 'tcp:10.0.0.1;id' }),
  ),
  drill(
    'host-option',
    'a host that is an option to ssh',
    'command.host',
    worker({ scheduler: 'tcp://-oProxyCommand=id:22' }),
  ),
  drill(
    'host-shorthand',
    'an address in shorthand',
    'command.host',
    worker({ scheduler: 'tcp://127.1:8786' }),
  ),
  drill(
    'tls',
    'none: a worker that speaks TLS',
    'allow',
    worker({ scheduler: 'tls://10.0.0.1:8786', tls: FILES }),
  ),
  drill('tls-for-tcp', 'files for TLS and a plain endpoint', 'command.tls-endpoint', worker({ tls: FILES })),
  drill(
    'listen-everywhere',
    'a worker that listens on every interface',
    'command.listen-address',
    worker({ host: '0.0.0.0' }),
  ),
  drill(
    'listen-everywhere-mapped',
    'the same, written as an IPv4 address in IPv6',
    'command.listen-address',
    worker({ host: '::ffff:0.0.0.0' }),
  ),
  drill(
    'listen-name',
    'a worker that listens wherever a name leads',
    'command.listen-address',
    worker({ host: 'node-2' }),
  ),
  drill(
    'dashboard-everywhere',
    'a dashboard without passwords on every interface',
    'command.listen-address',
    worker({ dashboardHost: '::' }),
  ),
  drill('port', 'a port beyond the last', 'command.port', worker({ scheduler: 'tcp://10.0.0.1:65536' })),
  drill(
    'port-range',
    'a range that ends before it starts',
    'command.port-range',
    worker({ workerPort: '9100:9000' }),
  ),
  drill(
    'ssh-option-host',
    'a target that makes ssh run a command here',
    'command.host',
    sshProbe({ host: '-oProxyCommand=touch PWNED' }),
  ),
  drill(
    'ssh-option-user',
    'the same in the user name',
    'command.user',
    sshProbe({ host: 'node-1', user: '-oProxyCommand=touch PWNED' }),
  ),
  drill(
    'local-file-as-host',
    'none: a local file whose name reads like host:path',
    'allow',
    copyToHost({ files: ['evil:x', '-r'], host: 'node-1', destination: '~/in' }),
  ),
  drill(
    'python-option',
    'a version that is an option of uv',
    'command.python-version',
    pythonFind({ tool: ['uv'], python: '--directory=/tmp' }),
  ),
  drill(
    'requirement-option',
    'a requirement that names another index',
    'command.requirement',
    addPackages({ ...PROJECT, packages: ['dask', '--index-url=http://evil.test'] }),
  ),
  drill(
    'module-code',
    'a module name with code behind it',
    'command.module',
    postInstall({ ...PROJECT, module: 'os;import pty' }),
  ),
  drill(
    'tool-substitution',
    'a tool that an operator wrote with a substitution in it',
    'command.tool-syntax',
    worker({ tool: 'uv --cache-dir $(mktemp -d)' }),
  ),
  drill('tool-second-line', 'a tool of two lines', 'command.tool-syntax', worker({ tool: 'uv\nid' })),
  drill(
    'share-system',
    'a share over a system directory',
    'command.share-root',
    shareCheck({ share: '/etc/ssh' }),
  ),
  drill(
    'share-keys',
    'a share over the keys of a user',
    'command.share-root',
    shareCheck({ share: '~/.ssh/x' }),
  ),
  drill(
    'sentinel-elsewhere',
    'a sentinel outside the share',
    'command.path-anchored',
    shareSentinel({ share: '/srv/share', file: '/etc/passwd', token: '0'.repeat(32) }),
  ),
  drill(
    'dotenv-second-line',
    'a value that adds a variable of its own',
    'command.dotenv-value',
    dotenvMerge({ file: '~/.agilab/.env', values: { A: "x'\nB='y" } }),
  ),
  drill(
    'dotenv-quote',
    'a value that runs a command in a shell that sources the file',
    'command.dotenv-value',
    dotenvMerge({ file: '~/.agilab/.env', values: { A: "'; touch PWNED; '" } }),
  ),
  drill(
    'index-password',
    'a package index with a password in its address',
    'command.url',
    worker({ prefix: { resolver: { indexUrl: 'https://user:password@index.test/simple' } } }),
  ),
  drill(
    'too-long',
    'one byte more than a shell can be given',
    'command.too-long',
    run('cat', 'a'.repeat(131_071 - "'cat' ''".length + 1)),
  ),
  drill(
    'existing-relative',
    'none: an existing line with paths relative to the home and its own PATH',
    'allow',
    runThreaded({
      ...PROJECT,
      cli: '~/wenv/cli.py',
      prefix: { pathPrepend: ['~/.local/bin'] },
      existing:
        'export PATH="$HOME/.local/bin:$PATH"; uv --project wenv/flight_worker run --no-sync -p 3.12 python wenv/cli.py threaded',
    }),
  ),
  ...Object.entries({
    substitution: 'printf %s "$(id)"',
    backquotes: 'printf %s "`id`"',
    second: 'printf %s x; id',
    'second-line': 'printf %s x\nid',
    background: 'printf %s x & id',
    redirection: 'printf %s x > y',
    braces: 'printf %s {x,y}',
    glob: 'printf %s *',
    variable: 'printf %s "$X"id',
    declaration: 'export LD_PRELOAD=x; printf %s x',
    reserved: 'time printf %s x',
  }).map(([id, existing]) =>
    drill(
      `existing-${id}`,
      'an existing line that does more than to name words',
      'command.existing-syntax',
      argv(['printf', '%s', 'x'], { existing }),
    ),
  ),
  drill(
    'existing-same-text',
    'an existing line that runs what the request only names',
    'command.existing-syntax',
    argv(['printf', '%s', '$(id)'], { existing: 'printf %s "$(id)"' }),
  ),
  drill(
    'existing-sockets',
    'an existing line that starts a worker on every interface',
    'command.existing-sockets',
    worker({
      existing:
        'uv --project wenv/flight_worker run --no-sync dask worker tcp://10.0.0.1:8786 --no-nanny --pid-file wenv/flight_worker/worker.pid',
    }),
  ),
  drill(
    'existing-bare-name',
    'an existing line that looks a program up which the request names by its path',
    'command.parse-back',
    argv([{ path: '~/tool' }], { existing: 'tool' }),
  ),
  drill(
    'existing-option',
    'an existing line in which a relative path is an option',
    'command.parse-back',
    argv(['ls', { path: '~/-l/x' }], { existing: 'ls -l/x' }),
  ),
  drill(
    'existing-longer',
    'an existing line with one word more',
    'command.parse-back',
    argv(['ls'], { existing: 'ls -l' }),
  ),
  drill(
    'existing-shorter',
    'an existing line with one word less',
    'command.parse-back',
    argv(['ls', '-l'], { existing: 'ls' }),
  ),
  drill(
    'quoted-tilde',
    'a home directory that existing code quotes into a literal ~',
    'command.parse-back',
    argv(['mkdir', { path: '~/share' }], { existing: "mkdir '~/share'" }),
  ),
];
