// The journal beside what nobody can do without: a group commit of the same lines with the same schema check and hash, and
// SHA-256 with JSON.parse of the same lines. pino writes without a sync and without a chain. CPU time, since the disk is
// the same for all; LINES sets how many lines are verified.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { readJournal } from '../dist/evidence/journal-files.js';
import { generateSigner } from '../dist/evidence/keys.js';
import { readLines } from '../dist/evidence/lines.js';
import { openJournal } from '../dist/evidence/open-journal.js';
import { type DecisionDraft, evidenceRecord } from '../dist/evidence/record.js';
import { uuidv7 } from '../dist/evidence/uuid.js';
import { verifyJournal } from '../dist/evidence/verify-native.js';

const HEX = 'a'.repeat(64);
const LINES = Number(process.env['LINES'] ?? 100_000);

const draft = (): DecisionDraft => ({
  id: uuidv7(),
  guard: { id: 'acme/bind', version: '0.1.0', codeDigest: HEX },
  dimension: 'architecture_runtime_guardrails',
  decision: 'allow',
  codes: [],
  reason: 'no rule refused',
  subject: { kind: 'address', name: '127.0.0.1:8501' },
  method: 'none',
  policyDigest: HEX,
  replay: { argv: ['guardrails', 'check', 'bind', '--json', '-'] },
  mode: 'enforce',
});

interface Cost {
  /** Microseconds a record. */
  readonly cpu: number;
  readonly wall: number;
}

async function cost(count: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const started = performance.now();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / count, wall: ((performance.now() - started) * 1_000) / count };
}

/** `callers` at a time wait for their record until `count` are written. */
function load(
  append: (draft: DecisionDraft) => Promise<unknown>,
  count: number,
  callers: number,
): Promise<Cost> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next++ < count) await append(draft());
  };
  return cost(count, () => Promise.all(Array.from({ length: callers }, caller)));
}

/** The least that keeps a durable, checked, chained line: no seal, no lock, no tree, no check of the file. */
async function bareJournal(path: string): Promise<(draft: DecisionDraft) => Promise<void>> {
  const file = await open(path, 'a');
  let waiting: { draft: DecisionDraft; resolve: () => void }[] = [];
  let busy = false;
  let [prev, seq] = [HEX, 0];
  const envelope = {
    schema: 'agilab.guard_evidence.v1',
    boot: 'b',
    host: 'h',
    writer: 'w',
    run: 'r',
    monotonic: 1,
  };
  const flush = async (): Promise<void> => {
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const lines = group.map((each) => {
        const place = {
          seq: seq++,
          prev,
          time: new Date().toISOString(),
          input: { digest: HEX, redacted: [''] },
        };
        const line = Buffer.from(
          `${JSON.stringify(evidenceRecord.parse({ ...each.draft, ...envelope, ...place }))}\n`,
        );
        prev = createHash('sha256').update(line).digest('hex');
        return line;
      });
      await file.write(Buffer.concat(lines));
      await file.datasync();
      for (const { resolve } of group) resolve();
    }
    busy = false;
  };
  return (each) =>
    new Promise((resolve) => {
      waiting.push({ draft: each, resolve });
      if (busy) return;
      busy = true;
      void flush();
    });
}

const show = (what: string, ours: Cost, peer: Cost, name: string): void => {
  const [cpu, wall] = [ours.cpu / peer.cpu, ours.wall / peer.wall];
  console.log(
    `${what}: ${ours.cpu.toFixed(1)} us CPU, ${ours.wall.toFixed(1)} us wall; ${name} ${peer.cpu.toFixed(1)}, ${peer.wall.toFixed(1)}; ratio ${cpu.toFixed(2)} CPU, ${wall.toFixed(2)} wall`,
  );
};

export async function journalBench(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-bench-'));
  try {
    const signer = generateSigner('agilab-guardrails/bench');
    const journal = await openJournal({ directory: join(directory, 'journal'), signer });
    const ours = (each: DecisionDraft): Promise<unknown> => journal.append(each, '{"port":8501}');
    const bare = await bareJournal(join(directory, 'bare'));
    const logger = pino(pino.destination({ dest: join(directory, 'pino'), sync: true }));
    const log = async (each: DecisionDraft): Promise<void> => logger.info(each);
    for (const append of [ours, bare, log]) await load(append, 5_000, 256);
    const group = await load(ours, 20_000, 256);
    show('append, 256 callers', group, await load(bare, 20_000, 256), 'bare group commit');
    show('append, 256 callers', group, await load(log, 20_000, 256), 'pino, not durable');
    show('append, one caller', await load(ours, 2_000, 1), await load(bare, 2_000, 1), 'bare');
    for (let left = LINES; left > 0; left -= 20_000) await load(ours, Math.min(left, 20_000), 256);
    await journal.close();

    const at = join(directory, 'journal');
    const pins = [{ vkey: signer.vkey, host: hostname() }];
    let [size, peak] = [0, 0];
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
    const verified = await cost(1, async () => {
      const verdict = await verifyJournal(await readJournal(at), { pins, keepLines: false });
      if (!verdict.ok) throw new Error('the journal of the bench does not verify');
      size = verdict.size;
    });
    clearInterval(watch);
    const read = await cost(size, async () => {
      for await (const batch of readLines(at)) {
        for (const { bytes } of batch) {
          createHash('sha256').update(bytes).digest();
          JSON.parse(Buffer.from(bytes).toString('utf8'));
        }
      }
    });
    show(
      `verify, ${size} lines`,
      { cpu: verified.cpu / size, wall: verified.wall / size },
      read,
      'SHA-256 + JSON.parse',
    );
    console.log(`verify, ${size} lines: at most ${Math.round(peak / 1e6)} MB resident`);
    for (let again = 0; again < 3; again++) {
      const opened = await cost(1, async () => {
        await (await openJournal({ directory: at, signer })).close();
      });
      console.log(`open and close after ${size} lines: ${(opened.wall / 1_000).toFixed(1)} ms`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
