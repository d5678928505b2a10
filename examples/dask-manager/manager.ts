// A manager in one page: start, compute, stop, and show what was left on record. Usage: manager.ts HOSTS DASK [STATE]
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CodedError,
  codeIdentity,
  type EvidenceSink,
  initKeys,
  loadPins,
  loadSigner,
  openJournal,
  processIdentity,
  readJournal,
  verifyJournal,
} from '../../src/evidence/index.ts';
import { bind, enforce } from '../../src/guards/index.ts';
import { drillGuards, proofs } from '../../src/proof/index.ts';
import { parseClaims, parseRegister, scoreOf, toTable } from '../../src/scorecard/index.ts';
import {
  type Connection,
  type Credentials,
  confirmOwned,
  connect,
  daskScheduler,
  daskWorker,
  newToken,
  openTunnel,
  type RemoteCommandRequest,
  shellOver,
  startOwned,
  stopProcess,
  type Target,
} from '../../src/ssh/index.ts';
import { readDask, readHosts } from './hosts.ts';
import { COMPUTATION } from './programs.ts';

/** A process of ours on a host: all that is needed to stop it, and nothing that must be kept open meanwhile. */
interface Owned {
  readonly what: string;
  readonly request: RemoteCommandRequest;
  readonly target: Target;
  readonly record: string;
  readonly token: string;
}

/** Dask's scratch files belong into the home of its user, not into a shared /tmp. */
const SCRATCH = { prefix: { env: { DASK_TEMPORARY_DIRECTORY: '.' } } };

class Manager {
  readonly #credentials: Credentials;
  readonly #journal: EvidenceSink;
  readonly #running: Owned[];

  constructor(credentials: Credentials, journal: EvidenceSink) {
    this.#credentials = credentials;
    this.#journal = journal;
    this.#running = [];
  }

  async #on<T>(target: Target, work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await connect(target, this.#credentials, { journal: this.#journal });
    try {
      return await work(connection);
    } finally {
      connection.close();
    }
  }

  /** Starts a program that outlives the connection. */
  async start(what: string, target: Target, request: RemoteCommandRequest): Promise<void> {
    const token = newToken();
    const record = `~/.guardrails-${token}`;
    const pid = await this.#on(target, (connection) =>
      startOwned(
        connection,
        request,
        { record, token, log: '~/guardrails-dask.log' },
        { journal: this.#journal },
      ),
    );
    this.#running.push({ what, request, target, record, token });
    console.log(`${what} on ${target.host}: started, pid ${pid}`);
    await this.checkListeners(this.#running.slice(-1));
  }

  /** Runs a program of this machine that reaches the port of a host through a tunnel, and returns what it printed. */
  async askThrough(
    target: Target,
    port: number,
    program: (address: string) => readonly [string, ...string[]],
  ): Promise<string> {
    const journal = this.#journal;
    return await this.#on(target, async (connection) => {
      await using tunnel = await openTunnel(connection, { host: target.host, port }, { journal });
      // Where it listens is judged like any other listener of ours.
      const sources = [{ from: 'tunnel', value: tunnel.host }];
      const granted = await enforce(bind, { sources, port: tunnel.port }, { journal });
      const [file, ...args] = program(`tls://${granted.host}:${granted.port}`);
      const { stdout } = await promisify(execFile)(file, args, { timeout: 180_000 }).catch(() => {
        const remedy = 'See ~/guardrails-dask.log on the hosts, and run the client by hand.';
        throw new CodedError('manager.computation-failed', 'the computation failed', remedy);
      });
      return stdout.trim();
    });
  }

  /** Says where processes listen, and fails where one of them does not listen as its command said, and nowhere else. */
  async checkListeners(owned: readonly Owned[] = this.#running): Promise<void> {
    for (const { what, target, ...start } of owned) {
      const journal = this.#journal;
      const seen = await this.#on(target, (connection) => confirmOwned(connection, start, { journal }));
      const names = seen.sockets.map((socket) =>
        'port' in socket ? `${socket.host} ${socket.port}` : 'a path',
      );
      console.log(`${what} on ${target.host}: listens on ${names.join(', ')}`);
    }
  }

  /** Stops what was started, last first. One that cannot be stopped does not keep the others running. */
  async stopAll(): Promise<void> {
    for (const { what, target, record, token } of this.#running.splice(0).reverse()) {
      const journal = this.#journal;
      const stopped = this.#on(target, (connection) =>
        stopProcess(shellOver(connection, { journal }), { record, owner: { token } }, { journal }),
      );
      const story = await stopped.then(
        ({ by, seconds }) => `ended by ${by} after ${seconds} s`,
        (error: unknown) => {
          process.exitCode = 1;
          return error instanceof CodedError ? `${error.code}: ${error.remedy}` : 'could not be stopped';
        },
      );
      console.log(`${what} on ${target.host}: ${story}`);
    }
  }
}

const [hostsPath = 'hosts.json', daskPath = 'dask.json', state = '.guardrails'] = process.argv.slice(2);
const { credentials, scheduler, workers } = await readHosts(hostsPath);
const { listen, uv, project, tls, client } = await readDask(daskPath);
const signer = await loadSigner(state).catch(() => initKeys(state));
const journal = await openJournal({ directory: join(state, 'journal'), signer });
// What this manager relies on proves itself on this host first; the score at the end stands on that.
const reliedOn = ['fail-closed', 'journal', 'host-key', 'remote-command', 'owned-sockets', 'process-stop'];
const relied = proofs.filter(({ guard }) => reliedOn.includes(guard.id));
await drillGuards(relied, journal, { mutants: true });

const kept: string[] = [];
const sink: EvidenceSink = {
  append: async (draft, input) => {
    await journal.append(draft, input);
    const [said, by] =
      draft.mode === 'effect' ? [draft.outcome, draft.kind] : [draft.decision, draft.guard.id];
    kept.push(`${said.padEnd(7)} ${by.padEnd(15)} ${draft.subject?.name ?? ''}  ${draft.reason}`);
  },
};

const manager = new Manager(credentials, sink);
const tool = [{ path: uv }];
const address = `tls://${scheduler.host}:${listen}`;
try {
  const onHost = { ...SCRATCH, tool, tls };
  await manager.start(
    'scheduler',
    scheduler,
    daskScheduler({ ...onHost, project, host: scheduler.host, port: listen, pidFile: 'scheduler.pid' }),
  );
  for (const [index, worker] of workers.entries()) {
    const own = { worker: project, scheduler: address, host: worker.host, pidFile: `worker-${index}.pid` };
    await manager.start('worker', worker, daskWorker({ ...onHost, ...own }));
  }
  const { python, tls: own } = client;
  const files = [own.ca, own.certificate, own.key];
  const compute = (through: string): readonly [string, ...string[]] => [
    python,
    '-c',
    COMPUTATION,
    through,
    `${workers.length}`,
    ...files,
  ];
  console.log(await manager.askThrough(scheduler, listen, compute));
  await manager.checkListeners();
} catch (error) {
  process.exitCode = 1;
  if (!(error instanceof CodedError)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.remedy}`);
} finally {
  await manager.stopAll();
  await journal.close();
  console.log(`\nEvidence, in ${state}/journal:\n${kept.join('\n')}\n`);
  const verdict = await verifyJournal(await readJournal(join(state, 'journal')), {
    pins: await loadPins(state),
  });
  const data = (name: string): Promise<Buffer> => readFile(new URL(`../../data/${name}`, import.meta.url));
  const claims = parseClaims(await data('claims.json'));
  const register = parseRegister(await data('hardening-gaps.json'));
  const monotonic = Number(process.hrtime.bigint() / 1_000n);
  const context = { ...processIdentity(), ...codeIdentity(), now: Date.now(), monotonic };
  console.log(toTable(scoreOf({ verdict, claims, context, register })));
}
