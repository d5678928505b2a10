// The client of the Python example: whatever is asked and whatever answers, it returns a grant or raises one of its two errors.
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveGuards } from '../../src/serve/server.ts';
import { leftOut } from '../left-out.ts';
import { memoryJournal } from '../memory-journal.ts';
import { missing } from '../ssh/support.ts';

async function python(script: string, directory: string): Promise<unknown> {
  const example = resolve(import.meta.dirname, '../../examples/python-manager');
  const { stdout } = await promisify(execFile)('python3', ['-c', script, example, directory]);
  return JSON.parse(stdout);
}

async function closedDirectory(): Promise<string> {
  const made = await realpath(await mkdtemp(join(tmpdir(), 'client-')));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

const START = `
import json, os, pathlib, socket, sys, threading
sys.path.insert(0, sys.argv[1])
from guardrails_client import Guardrails, Refused, Unreachable
at = os.path.join(sys.argv[2], "socket")
`;

const REQUESTS = `${START}
own = []
own.append(own)
deep = []
for _ in range(100_000):
    deep = [deep]
wrong = {"nan": float("nan"), "infinity": float("inf"), "bytes": b"x", "path": pathlib.Path("x"), "set": {1}, "own": own, "deep": deep,
         "key": {(1, 2): 3}, "object": object(), "surrogate": "\\ud800", "huge": 10 ** 400, "twice": {1: 1, "1": 1}, "long": "x" * 2_000_000}
out = {}
with Guardrails(pathlib.Path(at), timeout=30) as guards:
    for name, value in wrong.items():
        try:
            guards.ask("bind", {"sources": value})
        except Refused as refusal:
            assert refusal.remedy
            out[name] = refusal.codes[0]
    try:
        guards.ask("bind", 5)
    except Refused as refusal:
        out["number"] = refusal.codes[0]
    out["allowed"] = guards.ask("bind", {"sources": [{"from": "cli", "value": "::1"}], "port": 1}, id=7)["decision"]
print(json.dumps(out))`;

const ANSWERS = `${START}
fine = {"id": 1, "guard": "bind", "decision": "allow", "codes": [], "reason": "", "remedy": "", "grant": {"host": "::1", "port": 1}, "evidence": None}
said = lambda **more: json.dumps({**fine, **more}).encode() + b"\\n"
answers = {
    "fine": said(), "none": b"", "half": said()[:40], "garbage": b"\\xff\\n", "list": b"[1]\\n", "number": b"1\\n", "deep": b"[" * 100_000 + b"\\n",
    "empty": b"\\n", "another": said(id=2), "true": said(id="1"), "unasked": said(id=None), "codes": said(codes=5), "numbers": said(codes=[1]),
    "bare": b'{"id": 1, "decision": "refuse"}\\n', "endless": b"x" * 2_000_000, "refused": said(decision="refuse", codes=["a.b"], grant=None),
    "unread": said(id=None, decision="error", codes=["json.syntax"], grant=None), "silent": None, "drip": None,
}
def serve(server, name):
    while True:
        try:
            peer = server.accept()[0]
        except OSError:
            return
        counts[name] = counts.get(name, 0) + 1
        try:
            peer.recv(65_536)
            if answers[name] is not None:
                peer.sendall(answers[name])
                peer.close()
            while name == "drip" and not done.wait(0.05):
                peer.sendall(b" ")
            done.wait(30)
        except OSError:
            pass
counts, out = {}, {}
for name in answers:
    done = threading.Event()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(at)
        server.listen()
        threading.Thread(target=serve, args=(server, name), daemon=True).start()
        if answers[name] is not None:
            done.set()
        try:
            with Guardrails(at, timeout=1 if answers[name] is None else 20) as guards:
                out[name] = guards.bind({"cli": "::1"}, 1)
        except Refused as refusal:
            out[name] = refusal.codes[0]
        except Unreachable:
            out[name] = f"unreachable {counts[name]}"
        done.set()
        os.unlink(at)
print(json.dumps(out))
os._exit(0)`;

describe('the Python client', leftOut(missing('python3')), () => {
  it('refuses what it cannot send, with a code and a remedy', { timeout: 60_000 }, async () => {
    const directory = await closedDirectory();
    const server = await serveGuards({ path: join(directory, 'socket'), journal: memoryJournal() });
    onTestFinished(() => server.stop());
    const unsent = 'nan infinity bytes path set own deep key object'.split(' ');
    expect(await python(REQUESTS, directory)).toEqual({
      ...Object.fromEntries(unsent.map((name) => [name, 'serve.malformed'])),
      number: 'guard.request-invalid',
      surrogate: 'json.encoding',
      huge: 'json.number-range',
      twice: 'json.duplicate-key',
      long: 'serve.too-long',
      allowed: 'allow',
    });
  });

  it('takes nothing for a grant that is no whole answer to its request', { timeout: 120_000 }, async () => {
    const twice =
      'none half garbage list number deep empty another true unasked codes numbers bare endless'.split(' ');
    expect(await python(ANSWERS, await closedDirectory())).toEqual({
      ...Object.fromEntries(twice.map((name) => [name, 'unreachable 2'])), // a server may have been restarted
      fine: ['::1', 1],
      refused: 'a.b',
      unread: 'json.syntax',
      silent: 'unreachable 1',
      drip: 'unreachable 1',
    });
  });
});
