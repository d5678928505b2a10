// `guardrails ssh`: render a command, run one on every host of a file, or look at the keys that the hosts show.
import { type Command, Option } from 'commander';
import { type JsonObject, parseStrictJson } from '../evidence/strict-json.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import type { RemoteCommandRequest } from '../ssh/recipes/index.ts';
import { render, type ShellFamily } from '../ssh/render.ts';
import { type ConnectOptions, lookAtHost, type Transport } from '../ssh/transport/connect.ts';
import type { Target } from '../ssh/transport/connection.ts';
import { type HostRow, runOnHosts } from '../ssh/transport/fleet.ts';
import { readHosts } from './hosts-file.ts';
import { wholeUpTo } from './option-values.ts';
import { startProgress } from './progress.ts';
import { interruption } from './signals.ts';
import { openState, readInput, readRequest, type StateOptions } from './state.ts';

interface RequestOptions extends StateOptions {
  readonly json?: string;
}

/** setTimeout of Node takes more milliseconds than this for one. */
const MAX_SECONDS = 2_147_483;

const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
/** An IPv6 address needs its brackets to keep the port apart. */
const nameOf = ({ host, port }: { host: string; port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

async function renderLine(recipe: string, options: RequestOptions & { shell: ShellFamily }): Promise<void> {
  const input = (await readRequest(options.json)) as JsonObject;
  const journal = await openState(options);
  try {
    process.stdout.write(`${await render(recipe, input, { journal, shell: options.shell })}\n`);
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { code, codes, reason, remedy } = error;
    print({ recipe, outcome: 'refused', code, codes, reason, remedy });
    process.exitCode = 1;
  } finally {
    await journal.close();
  }
}

const hostOf = (target: Target): string => `${target.user}@${nameOf(target)}`;

function rowOf({ target, ...row }: HostRow): object {
  const host = hostOf(target);
  if (row.outcome !== 'ran') return { host, ...row };
  const { stdout, stderr, ...ending } = row.result;
  return { host, ...ending, stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
}

const succeeded = (row: HostRow): boolean =>
  row.outcome === 'ran' && row.result.outcome === 'exited' && row.result.code === 0;

/** Returns the hosts whose command exited with 0 in the rows of an earlier run. @throws CodedError `input.*`, `json.*`. */
async function doneIn(path: string | undefined): Promise<ReadonlySet<unknown>> {
  if (path === undefined) return new Set();
  const lines = (await readInput(path)).toString('utf8').split('\n');
  const rows = lines
    .filter((line) => line !== '')
    .map((line) => parseStrictJson(Buffer.from(line), { maxBytes: 64 * 1_048_576 }) as JsonObject);
  return new Set(
    rows.filter(({ outcome, code }) => outcome === 'exited' && code === 0).map(({ host }) => host),
  );
}

interface RunFlags extends RequestOptions {
  readonly timeout: number;
  readonly concurrency: number;
  readonly acceptNew?: true;
  readonly resume?: string;
  readonly transport: Transport;
  readonly sshConfig?: string;
}

async function run(path: string, options: RunFlags): Promise<void> {
  const { targets: all, ways } = await readHosts(path, options.sshConfig);
  const done = await doneIn(options.resume);
  const targets = all.filter((target) => !done.has(hostOf(target)));
  // The guard's schema decides whether this is a request.
  const request = (await readRequest(options.json)) as unknown as RemoteCommandRequest;
  const journal = await openState(options);
  const progress = startProgress(targets.length);
  progress.step('hosts');
  const entering: ConnectOptions = {
    journal,
    signal: interruption,
    hostKeys: options.acceptNew ? 'accept-new' : 'strict',
    transport: options.transport,
  };
  const { wayOf, close } = ways(entering);
  try {
    const rows = await runOnHosts(targets, wayOf, request, {
      ...entering,
      run: { timeoutMs: options.timeout * 1_000 },
      concurrency: options.concurrency,
      onRow: (row) => {
        progress.clear();
        print(rowOf(row)); // as they come: what is printed is known even if this run is cut off
        progress.step(nameOf(row.target));
      },
    });
    process.exitCode = rows.every(succeeded) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { code, codes, reason, remedy } = error;
    print({ outcome: 'refused', code, codes, reason, remedy });
    process.exitCode = 1;
  } finally {
    progress.clear();
    close();
    await journal.close();
  }
}

interface CheckFlags extends StateOptions {
  readonly transport: Transport;
}

async function checkHosts(path: string, options: CheckFlags): Promise<void> {
  const { targets } = await readHosts(path);
  const journal = await openState(options);
  const progress = startProgress(targets.length);
  progress.step('hosts');
  let good = true;
  try {
    for (const target of targets) {
      const row = await look(target, { journal, signal: interruption, transport: options.transport });
      progress.step(nameOf(target));
      progress.clear();
      print(row);
      good &&= row.outcome === 'known';
    }
  } finally {
    progress.clear();
    await journal.close();
  }
  process.exitCode = good ? 0 : 1;
}

async function look(
  target: Target,
  options: ConnectOptions,
): Promise<{
  readonly host: string;
  readonly outcome: 'known' | 'refused';
  readonly [fact: string]: string;
}> {
  const host = nameOf(target);
  try {
    const { key } = await lookAtHost(target, options);
    return { host, outcome: 'known', type: key.type, fingerprint: key.fingerprint };
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { code, reason, remedy } = error;
    return { host, outcome: 'refused', code, reason, remedy };
  }
}

const transportOption = (): Option =>
  new Option('--transport <name>', "ssh2 is built in; openssh is this system's ssh")
    .choices(['ssh2', 'openssh'])
    .default('ssh2');

export function registerSsh(program: Command): void {
  const ssh = program.command('ssh').description('guarded commands on other hosts');
  ssh
    .command('render')
    .description('print the one line that carries out a recipe, after the guard has allowed it')
    .argument('<recipe>', 'recipe, such as dask-worker')
    .option('--json <text>', 'its input (default: read from stdin)')
    .addOption(
      new Option('--shell <family>', 'who reads the line').choices(['posix', 'any']).default('posix'),
    )
    .action((recipe: string, _options, command: Command) => renderLine(recipe, command.optsWithGlobals()));
  ssh
    .command('run')
    .description(
      'run one command on every host of a file; one JSON row per host as they come, exit 0 when all exited 0',
    )
    .argument('<hosts>', 'hosts file')
    .option('--json <text>', 'the request of the remote-command guard (default: read from stdin)')
    .option('--timeout <seconds>', 'for the command on each host', wholeUpTo(MAX_SECONDS), 600)
    .option('--concurrency <hosts>', 'hosts that have answered and are at work at once', wholeUpTo(1_000), 32)
    .option('--resume <rows>', 'leave out the hosts that exited 0 in the rows of an earlier run')
    .addOption(transportOption())
    .option('--ssh-config <file>', 'look the hosts up in an ssh_config; see docs/ssh.md for what is read')
    .option('--accept-new', 'believe hosts at first contact and pin their keys; never counts as strict')
    .action((path: string, _options, command: Command) => run(path, command.optsWithGlobals()));
  ssh
    .command('hosts')
    .description('check the key that each host of a file shows; says nothing to the hosts')
    .argument('<hosts>', 'hosts file')
    .argument('<action>', 'check')
    .addOption(transportOption())
    .action((path: string, action: string, _options, command: Command) => {
      if (action !== 'check') command.error(`error: unknown action, expected check`);
      return checkHosts(path, command.optsWithGlobals());
    });
}
