// What really listens, against `ss` and programs of other languages.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BoundAddress, bind } from '../../../src/guards/bind/bind.ts';
import { confirmListeners, type ListenersRequest, listeners } from '../../../src/guards/bind/listeners.ts';
import { listeningSockets, readTcpTable, readUnixTable } from '../../../src/guards/bind/listening-sockets.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';
import { missing } from '../../ssh/support.ts';

const python = (code: string): ChildProcess => {
  const child = spawn('python3', ['-c', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
};

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('no line');
}

const look = (pid: number) => listeningSockets(pid, new AbortController().signal);

describe('the sockets of a process', () => {
  it(
    'are what the program says, of every family, an abstract one included',
    leftOut(missing('python3')),
    async () => {
      const child = python(`
import json, socket, time
held = []
for family, at in ((socket.AF_INET, ('127.0.0.5', 0)), (socket.AF_INET, ('0.0.0.0', 0)), (socket.AF_INET6, ('::1', 0)), (socket.AF_INET6, ('::ffff:127.0.0.1', 0))):
    s = socket.socket(family)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(at); s.listen(); held.append(s)
s = socket.socket(socket.AF_UNIX); s.bind('\\0guardrails-test-%d' % time.time_ns()); s.listen(); held.append(s)
bound_only = socket.socket(); bound_only.bind(('127.0.0.1', 0))
client = socket.create_connection(held[0].getsockname())
print(json.dumps([h.getsockname()[:2] if h.family != socket.AF_UNIX else ['@', 0] for h in held]), flush=True)
time.sleep(60)`);
      const expected = (JSON.parse(await firstLine(child)) as [string, number][]).map(([host, port]) =>
        host === '::ffff:127.0.0.1' ? ['::ffff:7f00:1', port] : [host, port],
      );
      const { sockets, unseen } = await look(child.pid ?? 0);
      expect(unseen).toBeUndefined();
      const found = sockets.map(({ host, port }) => [host.startsWith('@') ? '@' : host, port]);
      expect(found.map(String).toSorted()).toEqual(expected.map(String).toSorted());
    },
  );

  it('include those of a process that forked twice', leftOut(missing('python3')), async () => {
    const child = python(`
import os, socket, sys, time
os.setsid()
if os.fork() == 0:
    if os.fork() == 0:
        s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(5)
    os._exit(0)
os.wait(); time.sleep(5)`);
    const port = Number(await firstLine(child));
    expect((await look(child.pid ?? 0)).sockets).toEqual([{ host: '0.0.0.0', family: 4, port }]);
  });
});

// Linux lets a thread go on without the first one, and have descriptors of its own (CLONE_FILES).
const IN_THREAD = (before: string, after: string): string => `
import ctypes, os, socket, threading, time
held, peer = socket.socketpair()
def run():
    ${before}
    s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(60)
if os.fork() == 0:
    threading.Thread(target=run).start()
    ${after}
os.wait()`;

describe('the sockets of threads', leftOut(missing('python3')), () => {
  it.each([
    ['whose process has lost its first', 'time.sleep(0.2)', 'ctypes.CDLL(None).pthread_exit(None)'],
    ['with descriptors of their own', 'ctypes.CDLL(None).unshare(0x400)', 'time.sleep(60)'],
  ])('%s are seen', async (_which, before, after) => {
    const child = spawn('python3', ['-c', IN_THREAD(before, after)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    onTestFinished(() => void process.kill(-(child.pid ?? 0), 'SIGKILL'));
    const port = Number(await firstLine(child));
    expect((await look(child.pid ?? 0)).sockets).toEqual([{ host: '0.0.0.0', family: 4, port }]);
  });
});

describe('tables', () => {
  it('are read whatever they hold', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        for (const text of [a, `head\n${a} ${b}`, `head\n 0: ${a}:1F90 00:0 0A 1 1 1 1 1 ${b}`]) {
          expect(() => readUnixTable(text)).not.toThrow();
          try {
            readTcpTable(text, 4);
          } catch (error) {
            expect(error).toBeInstanceOf(Error); // an address that is none: the look answers that it cannot see
          }
        }
      }),
    );
  });

  const row = (text: string, flags = '00010000'): string =>
    `0000000000000000: 00000002 00000000 ${flags} 0001 01 ${text}`;

  it.each([
    ['blanks', '/run/a b'],
    ['a carriage return and line separators', '/run/a\r\u2028\u2029b'],
    ['line feeds', '/run/a\n\nb\n'],
  ])('may hold paths with %s', (_what, host) => {
    expect([...readUnixTable(`head\n${row(`4711 ${host}`)}\n${row('4712', '00000000')}\n`)]).toEqual([
      ['4711', { host, family: 'unix', port: 0 }],
    ]);
  });

  it.each([
    ['another name', row('4711 /run/b')],
    ['that it does not listen', row('4711 /run/a', '00000000')],
  ])('with a name that says of a socket %s make it unknown', (_what, forged) => {
    for (const rows of [
      [row('4711 /run/a'), row(`4712 x\n${forged}`)],
      [row(`4712 x\n${forged}`), row('4711 /run/a')],
    ])
      expect(typeof readUnixTable(`head\n${rows.join('\n')}\n`).get('4711')).toBe('string');
    const same = [row('4711 /run/a'), row('4711 /run/a')].join('\n');
    expect(readUnixTable(`head\n${same}\n`).get('4711')).toMatchObject({ host: '/run/a' });
  });
});

describe('confirmListeners', () => {
  it('takes addresses that bind granted, and no others', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const at = server.address();
    if (at === null || typeof at === 'string') throw new Error('no port');
    const journal = memoryJournal();
    const granted = await enforce(
      bind,
      { sources: [{ from: 'cli', value: '127.0.0.1' }], port: at.port },
      { journal },
    );
    // This process may listen elsewhere (the runner of the tests); whatever else it opens must be named.
    const answer = await confirmListeners(process.pid, [granted], { journal }).catch(
      (error: unknown) => error,
    );
    expect(answer).toSatisfy(
      (value: object) => 'sockets' in value || ('code' in value && value.code === 'listeners.not-granted'),
    );
    const forged = new BoundAddress('127.0.0.1', 4, at.port);
    await expect(confirmListeners(process.pid, [forged], { journal })).rejects.toMatchObject({
      code: 'bind.not-granted',
    });
  });
});

describe('whatever is asked', () => {
  it('is a decision with a code', async () => {
    const socket = fc.record({
      host: fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()),
      family: fc.constantFrom(4, 6, 'unix'),
      port: fc.nat(70_000),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(5_000_000), fc.anything()),
        fc.oneof(fc.array(socket), fc.anything()),
        async (pid, granted) => {
          const { decision, codes } = await judge(listeners, { pid, granted } as ListenersRequest);
          if (decision !== 'allow') expect(codes[0]).toMatch(/^(?:listeners|guard)\.[a-z-]+$/);
          expect(codes).not.toContain('guard.rule-failed');
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);
});
