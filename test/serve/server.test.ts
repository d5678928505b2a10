// The guards over a socket: what it takes, what it answers, how it stops, and a real Python manager that survives its death.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EvidenceSink } from '../../src/evidence/record.ts';
import { sealRun } from '../../src/guards/run-manifest/seal.ts';
import { soundManifest } from '../../src/proof/drills/run-manifest/run-manifest-drills.ts';
import { serveConnection } from '../../src/serve/connection.ts';
import { type GuardServer, serveGuards } from '../../src/serve/server.ts';
import { MAIN } from '../cli/run-cli.ts';
import { leftOut } from '../left-out.ts';
import { memoryJournal } from '../memory-journal.ts';
import { missing } from '../ssh/support.ts';

async function closedDirectory(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'serve-')));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function server(journal: EvidenceSink = memoryJournal()): Promise<GuardServer> {
  const started = await serveGuards({ path: join(await closedDirectory(), 'socket'), journal });
  onTestFinished(() => started.stop());
  return started;
}

async function client(path: string): Promise<Socket> {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

interface Answer {
  readonly id: unknown;
  readonly decision: string;
  readonly codes: readonly string[];
  readonly remedy: string;
  readonly grant: { readonly host: string } | null;
  readonly evidence: string | null;
}

async function answersTo(
  socket: Socket,
  lines: readonly (string | Uint8Array)[],
  count = lines.length,
): Promise<readonly Answer[]> {
  const found: Answer[] = [];
  for (const line of lines) socket.write(line);
  if (count === 0) return found;
  for await (const text of createInterface({ input: socket })) {
    found.push(JSON.parse(text) as Answer);
    if (found.length === count) break;
  }
  return found;
}

const ask = (id: unknown, value: unknown, guard = 'bind'): string =>
  `${JSON.stringify({ id, guard, request: { sources: [{ from: 'cli', value }], port: 8501 } })}\n`;

describe('a served guard', () => {
  it('takes no request that nothing ends', async () => {
    const { path } = await server();
    const socket = await client(path);
    socket.end(ask(1, '127.0.0.1').trimEnd());
    expect(await answersTo(socket, [], 1)).toMatchObject([{ id: null, codes: ['serve.malformed'] }]);
  });

  it('answers with decision, grant and the record that was kept before', async () => {
    const journal = memoryJournal();
    const { path } = await server(journal);
    const answers = await answersTo(await client(path), [ask(1, '127.0.0.1'), ask('b', '0.0.0.0')]);
    const [allowed, refused] = [answers.find(({ id }) => id === 1), answers.find(({ id }) => id === 'b')];
    expect(allowed).toMatchObject({ decision: 'allow', grant: { host: '127.0.0.1', port: 8501 } });
    expect(refused).toMatchObject({ decision: 'refuse', codes: ['bind.wildcard'], grant: null });
    const kept = journal.drafts.map(({ id }) => id);
    expect(kept).toContain(allowed?.evidence);
    expect(kept).toContain(refused?.evidence);
  });

  it.each([
    ['no JSON', 'x\n', 'json.syntax'],
    ['no request', '{"id": 1}\n', 'serve.malformed'],
    ['an unknown key', '{"id": 1, "guard": "bind", "request": {}, "force": true}\n', 'serve.malformed'],
    ['a guard that there is not', '{"id": 1, "guard": "none", "request": {}}\n', 'guard.unknown'],
    ['an invalid request', '{"id": 1, "guard": "bind", "request": {}}\n', 'guard.request-invalid'],
    ['a text 100,000 deep', `${'['.repeat(100_000)}\n`, 'json.too-deep'],
    ['a key twice', '{"id": 1, "id": 2, "guard": "bind", "request": {}}\n', 'json.duplicate-key'],
  ])('answers %s, and goes on', async (_what, line, code) => {
    const { path } = await server();
    const answers = await answersTo(await client(path), [line, ask(2, '127.0.0.1')]);
    expect(answers.map(({ codes }) => codes[0])).toContain(code);
    expect(answers.find(({ id }) => id === 2)?.decision).toBe('allow');
  });

  it('says how to write what is JSON and not strict', async () => {
    const { path } = await server();
    const [answer] = await answersTo(await client(path), ['{"id": 1, "id": 2}\n']);
    expect(answer?.remedy).toContain('each key once');
  });

  it('closes a connection whose line has no end, within the bound', async () => {
    const { path } = await server();
    const socket = await client(path);
    const [answer] = await answersTo(socket, [Buffer.alloc(1_048_577, 0x20)], 1);
    expect(answer?.codes).toEqual(['serve.too-long']);
    socket.resume();
    if (!socket.destroyed) await once(socket, 'close');
  });

  it('answers a client that has ended its side', async () => {
    const { path } = await server();
    const socket = await client(path);
    socket.end(ask(1, '127.0.0.1'));
    expect(await answersTo(socket, [], 1)).toMatchObject([{ id: 1, decision: 'allow' }]);
  });

  it('decides no more than it can answer for a client that does not read', async () => {
    let decided = 0;
    const { path } = await server({
      append: async () => {
        decided += 1;
      },
    });
    const socket = await client(path);
    socket.pause();
    const remedy = ask(1, 'x'.repeat(900));
    for (let line = 0; line < 20_000; line += 1) socket.write(remedy);
    let before = -1;
    while (decided !== before) {
      before = decided;
      await new Promise((wait) => setTimeout(wait, 300));
    }
    expect(decided).toBeLessThan(20_000);
  });

  it('answers many clients at once, without a warning', async () => {
    const warnings: string[] = [];
    const warn = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', warn);
    onTestFinished(() => void process.off('warning', warn));
    const { path } = await server();
    const clients = await Promise.all(Array.from({ length: 32 }, () => client(path)));
    const lines = Array.from({ length: 20 }, (_unused, id) => ask(id, '127.0.0.1'));
    const all = await Promise.all(clients.map((socket) => answersTo(socket, lines)));
    for (const answers of all) {
      expect(answers.map(({ id }) => Number(id)).toSorted((a, b) => a - b)).toEqual(
        lines.map((_line, id) => id),
      );
    }
    expect(warnings).toEqual([]);
  });

  it('leaves nothing at the signal to stop, of any of many connections', async () => {
    const stopping = new AbortController();
    const path = join(await closedDirectory(), 'socket');
    const ended: Promise<void>[] = [];
    const listening = createServer({ allowHalfOpen: true }, (socket) => {
      ended.push(serveConnection(socket, memoryJournal(), stopping.signal));
    }).listen(path);
    onTestFinished(() => void listening.close());
    await once(listening, 'listening');
    const clients = await Promise.all(Array.from({ length: 8 }, () => client(path)));
    await Promise.all(clients.map((socket) => answersTo(socket, [ask(1, '127.0.0.1')])));
    expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(8);
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    for (const socket of clients) socket.destroy();
    await Promise.all(ended);
    await expect.poll(() => getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });

  it('answers whatever bytes it gets, and lives', { timeout: 60_000 }, async () => {
    const { path } = await server();
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (texts) => {
        const socket = await client(path);
        const lines = texts.flatMap((text) => text.split('\n'));
        const answers = await answersTo(
          socket,
          [...lines.map((text) => `${text}\n`), ask('last', '127.0.0.1')],
          lines.length + 1,
        );
        expect(answers.find(({ id }) => id === 'last')?.decision).toBe('allow');
        for (const { codes } of answers.filter(({ id }) => id !== 'last'))
          expect(codes[0]).toMatch(/^[a-z]+\.[a-z-]+$/);
        socket.destroy();
      }),
      { numRuns: 40 },
    );
  });
});

describe('the socket', () => {
  it('is mode 0600, and gone once the server has stopped, which answers what it has read', async () => {
    let go = (): void => {};
    const gate = new Promise<void>((open) => {
      go = open;
    });
    let first = true;
    const started = await server({
      append: async () => {
        if (first)
          first = false; // the server's own bind
        else await gate;
      },
    });
    expect((await stat(started.path)).mode & 0o777).toBe(0o600);
    const socket = await client(started.path);
    socket.write(ask(1, '127.0.0.1'));
    await new Promise((wait) => setTimeout(wait, 100));
    const stopped = started.stop();
    go();
    expect(await answersTo(socket, [], 1)).toMatchObject([{ id: 1, decision: 'allow' }]);
    await stopped;
    expect(existsSync(started.path)).toBe(false);
  });

  it.each([
    ['open to others', 0o755, 'bind.socket-open'],
    ['that others may write', 0o777, 'bind.socket-untrusted'],
  ])('is refused in a directory %s', async (_what, mode, code) => {
    const open = await mkdtemp('/tmp/serve-open-');
    onTestFinished(() => rm(open, { recursive: true }));
    await chmod(open, mode);
    await expect(serveGuards({ path: join(open, 'socket'), journal: memoryJournal() })).rejects.toMatchObject(
      { code },
    );
  });

  it('is not cut to a path that is another', async () => {
    const directory = join(await closedDirectory(), 'x'.repeat(100));
    await mkdir(directory);
    await expect(
      serveGuards({ path: join(directory, 'socket'), journal: memoryJournal() }),
    ).rejects.toMatchObject({ code: 'bind.malformed-address' });
  });

  it('of a server that answers, and any other file, is left alone', async () => {
    const { path } = await server();
    await expect(serveGuards({ path, journal: memoryJournal() })).rejects.toMatchObject({
      code: 'serve.running',
    });
    const file = join(await closedDirectory(), 'socket');
    await writeFile(file, 'mine');
    await expect(serveGuards({ path: file, journal: memoryJournal() })).rejects.toMatchObject({
      code: 'serve.not-a-socket',
    });
    expect(await readFile(file, 'utf8')).toBe('mine');
  });

  it('of a server that is too busy to take a connection is left alone', async () => {
    const path = join(await closedDirectory(), 'socket');
    const busy = spawn(
      process.execPath,
      [
        '-e',
        `require('node:net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
          require('node:fs').writeSync(1, 'listens');
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
        })`,
        path,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => void busy.kill('SIGKILL'));
    await once(busy.stdout, 'data');
    await Promise.all([client(path), client(path)]);
    await expect(serveGuards({ path, journal: memoryJournal() })).rejects.toMatchObject({
      code: 'serve.running',
    });
    expect(existsSync(path)).toBe(true);
  });
});

/** At each line tries to serve and says what became of it; at the next line stops. */
const CONTENDER = `
import { createInterface } from 'node:readline';
const { serveGuards } = await import(process.argv[1]);
let server;
console.log('ready');
for await (const _line of createInterface({ input: process.stdin })) {
  if (server) await server.stop().then(() => (server = undefined, console.log('stopped')));
  else
    await serveGuards({ path: process.argv[2], journal: { append: async () => {} } })
      .then((started) => (server = started, console.log('serves')), ({ code }) => console.log(code));
}
`;

it('left over by a killed server is taken by one of those that start at once, and by no other', {
  timeout: 120_000,
}, async () => {
  const path = join(await closedDirectory(), 'socket');
  const module = resolve(import.meta.dirname, '../../src/serve/server.ts');
  const contenders = Array.from({ length: 4 }, () => {
    const argv = ['--import', 'tsx', '--input-type=module', '-e', CONTENDER, module, path];
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const said = async (): Promise<string> => String((await lines.next()).value);
    return { said, tell: () => child.stdin.write('\n') };
  });
  await Promise.all(contenders.map(({ said }) => said()));
  for (let round = 0; round < 25; round += 1) {
    const killed = createServer().listen(`${path}-bound`);
    await once(killed, 'listening');
    await rename(`${path}-bound`, path); // so that nothing removes it
    await once(killed.close(), 'close');
    for (const { tell } of contenders) tell();
    const outcomes = await Promise.all(contenders.map(({ said }) => said()));
    expect(outcomes.toSorted()).toEqual([...Array(3).fill('serve.running'), 'serves']);
    expect(await answersTo(await client(path), [ask(round, '127.0.0.1')])).toMatchObject([{ id: round }]);
    const winner = contenders[outcomes.indexOf('serves')];
    winner?.tell();
    expect(await winner?.said()).toBe('stopped');
    expect(await readdir(join(path, '..'))).toEqual([]);
  }
});

/** `guardrails serve` as a process of its own, once it listens. */
async function startCommand(state: string, socket: string): Promise<ChildProcess> {
  const root = resolve(import.meta.dirname, '../..');
  const argv = [MAIN, '--dir', state, 'serve', '--socket', socket];
  const child = spawn(process.execPath, argv, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return child;
}

const MANAGER = `
import json, sys
sys.path.insert(0, sys.argv[1])
from guardrails_client import Guardrails, Refused, Unreachable
out = []
with Guardrails(sys.argv[2], timeout=30) as guards:
    unset = {"STREAMLIT_SERVER_ADDRESS": None, "/home/u/.streamlit/config.toml": None}
    out.append(guards.bind({"--server.address": "127.0.0.1", **unset}, 8501, program="streamlit"))
    worker = dict(tool=["uv"], worker="~/wenv/it's", scheduler="tcp://10.0.0.1:8786", host="10.0.0.2", pidFile="pid")
    out.append(guards.worker_command(**worker))
    out.append(guards.scheduler_command(tool=["uv"], project="~/wenv/x", host="10.0.0.1", port=8786, pidFile="pid"))
    out.append(sorted(guards.manifest(sys.argv[3])["files"]))
    print("kill", flush=True)
    sys.stdin.readline()
    out.append(guards.bind({"cli": "::1"}, 8502))
    for wrong in (lambda: guards.bind({"cli": "0.0.0.0"}, 8501), lambda: guards.worker_command(**{**worker, "host": "0.0.0.0"}), lambda: guards.predict_capacity(sys.argv[3], "metrics.csv", [[1.0]])):
        try:
            wrong()
        except Refused as refusal:
            out.append(list(refusal.codes)[0])
            assert refusal.evidence
    try:
        guards.predict_capacity(sys.argv[3], "metrics.csv", [[1.0]] * 300_000)
    except Refused as refusal:
        out.append(refusal.codes[0])
    print("stop", flush=True)
    sys.stdin.readline()
    try:
        guards.bind({"cli": "::1"}, 8502)
    except Unreachable:
        out.append("unreachable")
print(json.dumps(out))
`;

describe('a manager written in Python', leftOut(missing('python3')), () => {
  it('asks for each of its steps, through a death of the server and to its end', {
    timeout: 120_000,
  }, async () => {
    const directory = await closedDirectory();
    const [state, socket, run] = ['state', 'socket', 'run'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(run, { mode: 0o700 });
    await writeFile(join(run, 'metrics.csv'), 'plane,latency\n1,0.25\n', { mode: 0o600 });
    await writeFile(join(run, 'run_manifest.json'), JSON.stringify(soundManifest()), { mode: 0o600 });
    await sealRun({ root: run, manifest: 'run_manifest.json' });
    let command = await startCommand(state, socket);

    const example = resolve(import.meta.dirname, '../../examples/python-manager');
    const manager = execFile('python3', ['-c', MANAGER, example, socket, run], { encoding: 'utf8' });
    let errors = '';
    manager.stderr?.on('data', (text: string) => {
      errors += text;
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: manager.stdout as NodeJS.ReadableStream })) {
      lines.push(line);
      if (line !== 'kill' && line !== 'stop') continue;
      command.kill(line === 'kill' ? 'SIGKILL' : 'SIGTERM');
      await once(command, 'exit');
      if (line === 'kill') command = await startCommand(state, socket);
      manager.stdin?.write('\n');
    }
    expect(errors).toBe('');
    const out = JSON.parse(lines.at(-1) ?? '') as unknown[];
    expect(out[0]).toEqual(['127.0.0.1', 8501]);
    expect(out[1]).toContain('dask');
    expect(out[2]).toContain('scheduler');
    expect(out.slice(3)).toEqual([
      ['metrics.csv'],
      ['::1', 8502],
      'bind.wildcard',
      'command.listen-address',
      expect.stringMatching(/^(?:sidecar|model)\./),
      'serve.too-long',
      'unreachable',
    ]);
    expect(existsSync(socket)).toBe(false);
  });
});

const SUSPICIOUS = `
import json, os, socket, sys
sys.path.insert(0, sys.argv[1])
from guardrails_client import Guardrails, Unreachable

STRANGER, place = 65534, sys.argv[2]

def tried(uid=None, directory=place, **more):
    """What becomes of a request to whoever listens there, and whether they got anything of it."""
    at = os.path.join(place, "socket")
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        server = socket.socket(socket.AF_UNIX)
        server.bind(at)
        if uid is not None:
            os.setuid(uid)
        server.listen()
        server.settimeout(20)
        os.write(tell, b".")
        os.write(tell, b"got" if server.accept()[0].recv(9) else b"")
        os._exit(0)
    os.close(tell)
    os.read(told, 1)
    why = "no answer"
    try:
        with Guardrails(os.path.join(directory, "socket"), timeout=5, **more) as guards:
            guards.bind({"cli": "::1"}, 8502)
    except Unreachable as error:
        if "is not to be believed" in str(error):
            why = str(error).rsplit(": ", 1)[-1].replace(place, "DIR")
    try:
        socket.socket(socket.AF_UNIX).connect(at)  # whom the client left alone must not wait
    except OSError:
        pass
    os.waitpid(child, 0)
    os.unlink(at)
    return [why, os.read(told, 9).decode()]

def with_mode(mode):
    os.chmod(place, mode)
    try:
        return tried()
    finally:
        os.chmod(place, 0o700)

link = place + "/link"
os.symlink(place, link)
out = {"own": tried(), "link": tried(directory=link), "open": with_mode(0o755), "group": with_mode(0o770)}
if os.geteuid() == 0:
    out["stranger"], out["expected"] = tried(STRANGER), tried(STRANGER, owner=STRANGER)
    os.chown(place, STRANGER, -1)
    out["directory"] = tried()
    os.chown(place, 0, -1)
print(json.dumps(out))
`;

describe('the Python client', leftOut(missing('python3')), () => {
  it('sends nothing to a socket that somebody else could have put there', { timeout: 120_000 }, async () => {
    const directory = await closedDirectory();
    const example = resolve(import.meta.dirname, '../../examples/python-manager');
    const { stdout } = await promisify(execFile)('python3', ['-c', SUSPICIOUS, example, directory]);
    const byUid = {
      stranger: ['another user listens there', ''],
      expected: ['no answer', 'got'],
      directory: ['DIR is a link or no directory, or somebody else owns it', ''],
    };
    expect(JSON.parse(stdout)).toEqual({
      own: ['no answer', 'got'],
      link: ['DIR/link is a link or no directory, or somebody else owns it', ''],
      open: ['no directory on the way is closed to others', ''],
      group: ['others can write to DIR', ''],
      ...(process.geteuid?.() === 0 ? byUid : {}),
    });
  });
});
