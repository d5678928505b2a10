// Where owned processes listen, as the script says that hosts get: under every shell, held against what the program says.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processIdentity, startTickOf } from '../../../src/evidence/identity.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { ownedSockets, parseOwnedSockets } from '../../../src/ssh/process/owned-sockets.ts';
import { newToken } from '../../../src/ssh/process/ownership.ts';
import { OWNERSHIP_SCRIPT } from '../../../src/ssh/process/ownership-script.ts';
import { daskScheduler } from '../../../src/ssh/recipes/dask-scheduler.ts';
import { daskWorker } from '../../../src/ssh/recipes/dask-worker.ts';
import { listensOf } from '../../../src/ssh/recipes/index.ts';
import { leftOut } from '../../left-out.ts';
import { missing } from '../support.ts';

const NOBODY = 65_534;

interface Started {
  readonly record: string;
  readonly token: string;
  readonly child: ChildProcess;
  /** What the program printed: one line of JSON. */
  readonly said: unknown;
}

/** Starts a Python program with a token, and writes the record of its start. */
async function start(code: string, uid?: number): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 'owned-sockets-'));
  const token = newToken();
  const child = spawn('/usr/bin/python3', ['-c', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
    cwd: '/',
    env: { ...process.env, GUARDRAILS_OWNER: token },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  onTestFinished(async () => {
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });
  let said: unknown;
  for await (const line of createInterface({ input: child.stdout })) {
    said = JSON.parse(line);
    break;
  }
  const { boot, pidNamespace } = processIdentity();
  const record = join(directory, 'owner');
  const uidNow = process.getuid?.() ?? 0;
  const words = [boot, pidNamespace, child.pid, startTickOf(child.pid ?? 0), uidNow, token];
  writeFileSync(record, `agilab-process-owner-v1 ${words.join(' ')}\n`, { mode: 0o600 });
  return { record, token, child, said };
}

const LISTEN = `
import json, os, socket, time
held = []
for family, at in ((socket.AF_INET, ('127.0.0.5', 0)), (socket.AF_INET, ('0.0.0.0', 0)), (socket.AF_INET6, ('::1', 0)), (socket.AF_INET6, ('::', 0))):
    s = socket.socket(family)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(at); s.listen(); held.append(s)
s = socket.socket(socket.AF_UNIX); s.bind('\\0guardrails-test-%d' % time.time_ns()); s.listen(); held.append(s)
bound_only = socket.socket(); bound_only.bind(('127.0.0.1', 0))
client = socket.create_connection(held[0].getsockname())
said = [h.getsockname()[:2] if h.family != socket.AF_UNIX else 'abstract' for h in held]
`;
const SAY = 'print(json.dumps(said), flush=True); time.sleep(60)\n';

const SHELLS = [
  ['dash'],
  ['bash', '--posix'],
  ['busybox', 'ash'],
  ['mksh'],
  ['zsh', '--emulate', 'sh'],
  ['posh'],
  ['yash', '--posix'],
];

describe('the script', leftOut(missing('python3')), () => {
  it('says of every family what the program says, under every shell', { timeout: 120_000 }, async () => {
    const { record, token, said } = await start(`${LISTEN}if os.fork() == 0:\n  time.sleep(60)\n${SAY}`);
    for (const [shell = '', ...flags] of SHELLS) {
      if (missing(shell)) continue;
      const { stdout, stderr } = spawnSync(
        shell,
        [...flags, '-c', OWNERSHIP_SCRIPT, 'guardrails', 'listeners', record, token],
        { encoding: 'utf8' },
      );
      const seen = parseOwnedSockets(stdout);
      const names =
        seen && 'sockets' in seen
          ? seen.sockets.map((one) => ('port' in one ? [one.host, one.port] : one.unix))
          : seen;
      expect({ shell, stderr, names: [...(names as string[])].map(String).toSorted() }).toEqual({
        shell,
        stderr: '',
        names: (said as string[]).map(String).toSorted(),
      });
    }
  });

  it.each([
    ['goes on without its first', 'time.sleep(0.2)', 'ctypes.CDLL(None).pthread_exit(None)'],
    ['has descriptors of its own', 'ctypes.CDLL(None).unshare(0x400)', 'time.sleep(60)'],
  ])('sees what a thread opens that %s', async (_which, before, after) => {
    const { record, token, said } = await start(`
import ctypes, json, os, socket, threading, time
def run():
    ${before}
    s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print(json.dumps(s.getsockname()[1]), flush=True); time.sleep(60)
if os.fork() == 0:
    threading.Thread(target=run).start()
    ${after}
os.wait()`);
    const { stdout } = spawnSync('/bin/sh', ['-c', OWNERSHIP_SCRIPT, 'x', 'listeners', record, token], {
      encoding: 'utf8',
    });
    expect(parseOwnedSockets(stdout)).toMatchObject({ sockets: [{ host: '0.0.0.0', port: said }] });
  });

  it('says nothing of a set in which one process hides its descriptors', async () => {
    // As a program with file capabilities does, or one of another user: PR_SET_DUMPABLE 0 (prctl(2)).
    const hide = `import ctypes; ctypes.CDLL(None).prctl(4, 0)\n`;
    const asRoot = process.getuid?.() === 0;
    const { record, token } = await start(`${LISTEN}${hide}${SAY}`, asRoot ? NOBODY : undefined);
    if (asRoot) {
      // Who looks is that user, who owns the record.
      const line = readFileSync(record, 'utf8').replace(/ 0 ([0-9a-f]{32})$/m, ` ${NOBODY} $1`);
      writeFileSync(record, line);
      spawnSync('chown', [String(NOBODY), record]);
      spawnSync('chmod', ['755', join(record, '..')]);
    }
    const { stdout } = spawnSync('/bin/sh', ['-c', OWNERSHIP_SCRIPT, 'x', 'listeners', record, token], {
      encoding: 'utf8',
      ...(asRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    expect(stdout).toBe('unseen unread\n');
  });
});

describe('what the script printed', () => {
  const right =
    'listens 12 token 1\ntcp4 0100007F:1F90\ntcp6 00000000000000000000000001000000:0050\nunix named\nend\n';
  it('is read as the host meant it, whatever its byte order', () => {
    const sockets = [{ host: '127.0.0.1', port: 8_080 }, { host: '::1', port: 80 }, { unix: 'named' }];
    expect(parseOwnedSockets(right)).toEqual({ pid: 12, known: 'token', sockets });
    const big = 'listens 12 cgroup 256\ntcp4 7F000001:1F90\nend\n';
    expect(parseOwnedSockets(big)).toEqual({ pid: 12, known: 'cgroup', sockets: sockets.slice(0, 1) });
    expect(parseOwnedSockets('unseen ended\n')).toEqual({ unseen: 'all of it has ended' });
  });

  it('is all of it, or nothing', () => {
    for (let cut = 0; cut < right.length; cut += 1)
      expect(parseOwnedSockets(right.slice(0, cut))).toBeUndefined();
    const damage = fc.tuple(
      fc.nat(right.length - 1),
      fc.string({ minLength: 1, maxLength: 3, unit: 'binary-ascii' }),
    );
    fc.assert(
      fc.property(damage, ([at, text]) => {
        const changed = `${right.slice(0, at)}${text}${right.slice(at)}`;
        const seen = parseOwnedSockets(changed);
        // A digit more in the pid is another pid, not another socket.
        expect(seen === undefined || 'sockets' in seen).toBe(true);
        if (seen && 'sockets' in seen) expect(seen.sockets).toHaveLength(3);
      }),
    );
  });
});

describe('what a recipe grants', () => {
  const common = { tool: ['uv'], host: '2001:DB8:0::1', pidFile: 'p' };
  it('is an address for each socket of Dask, in one spelling', () => {
    const scheduler = daskScheduler({ ...common, project: '/p', port: 8_786 });
    const any = [1, 65_535];
    expect(listensOf(scheduler)).toEqual([
      { host: '2001:db8::1', ports: [8_786, 8_786] },
      { host: '127.0.0.1', ports: any },
    ]);
    const worker = { ...common, worker: '/p', scheduler: 'tls://10.0.0.1:8786', dashboardHost: '::1' };
    expect(listensOf(daskWorker({ ...worker, workerPort: '9000:9100' }))).toEqual([
      { host: '2001:db8::1', ports: [9_000, 9_100] },
      { host: '::1', ports: any },
    ]);
    expect(listensOf(daskWorker(worker))[0]?.ports).toEqual(any);
    expect(listensOf(daskWorker({ ...worker, workerPort: '9000' }))[0]?.ports).toEqual([9_000, 9_000]);
  });

  it('is good for one socket each, the narrow ones first', async () => {
    const { record, token, said } = await start(`
import json, socket, time
held = []
for _ in range(2):
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); held.append(s)
said = [h.getsockname()[1] for h in held]
${SAY}`);
    const [a = 0, b = 0] = said as number[];
    const host = '127.0.0.1';
    const ask = (...ports: (readonly [number, number])[]): Promise<unknown> =>
      judge(ownedSockets, { record, token, granted: ports.map((of) => ({ host, ports: of })) }).then(
        ({ codes }) => codes[0],
      );
    for (const one of [a, b]) {
      expect(await ask([1, 65_535], [one, one])).toBeUndefined();
      expect(await ask([one, one], [1, 65_535])).toBeUndefined();
    }
    expect(await ask([a, a], [a, a])).toBe('owned-sockets.not-granted');
  });
});
