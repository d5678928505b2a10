// Writing: the journal beside what nobody can do without (the same check of the line and the same chain in a group commit,
// for one caller the bare write and fdatasync), beside pino, which syncs nothing and checks nothing, and a decision beside
// the check of its request.
import { hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { generateSigner } from '../../dist/evidence/keys.js';
import { encodeLine } from '../../dist/evidence/line.js';
import { openJournal } from '../../dist/evidence/open-journal.js';
import type { DecisionDraft } from '../../dist/evidence/record.js';
import { uuidv7 } from '../../dist/evidence/uuid.js';
import { vouchFor } from '../../dist/evidence/vouched.js';
import { bind } from '../../dist/guards/bind/bind.js';
import { definitionOf } from '../../dist/kernel/define.js';
import { enforce } from '../../dist/kernel/enforce.js';
import { type Cost, cost, inTurns, show } from './cost.ts';

const HEX = 'a'.repeat(64);
const replay = { argv: ['guardrails', 'check', 'bind', '--json', '-'] };

/** A record as the kernel leaves it. */
const draft = (): DecisionDraft =>
  vouchFor({
    id: uuidv7(),
    guard: { id: 'bind', version: '0.1.0', codeDigest: HEX },
    dimension: 'architecture_runtime_guardrails',
    decision: 'allow',
    codes: [],
    reason: 'no rule refused',
    subject: { kind: 'address', name: '127.0.0.1:8501' },
    method: 'none',
    policyDigest: HEX,
    mode: 'enforce',
    replay,
  });

type Append = (draft: DecisionDraft) => Promise<unknown>;

/** `callers` at a time wait for their record until `count` are written. */
export function load(append: Append, count: number, callers: number): Promise<Cost> {
  let next = 0;
  const caller = async (): Promise<void> => {
    while (next++ < count) await append(draft());
  };
  return cost(count, () => Promise.all(Array.from({ length: callers }, caller)));
}

/** The least that keeps a durable, checked, chained line: no seal, no lock, no tree, no digest, no look at the file. */
function bareJournal(file: FileHandle): Append {
  let waiting: { readonly draft: DecisionDraft; readonly resolve: () => void }[] = [];
  let busy = false;
  let [prev, seq] = [HEX, 0];
  const flush = async (): Promise<void> => {
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const time = new Date().toISOString();
      const lines = group.map((each) => {
        const encoded = encodeLine(each.draft, {
          schema: 'agilab.guard_evidence.v1',
          seq: seq++,
          prev,
          time,
          monotonic: 1,
          boot: 'b'.repeat(36),
          host: 'h',
          writer: '1@1',
          run: 'r'.repeat(36),
          input: { digest: HEX, redacted: [''] },
        });
        if (!encoded) throw new Error('a record of the bench does not fit');
        const line = Buffer.from(`${encoded.line}\n`);
        prev = hash('sha256', line.subarray(0, -1), 'hex');
        return line;
      });
      await file.write(Buffer.concat(lines));
      await file.datasync();
      for (const { resolve } of group) resolve();
    }
    busy = false;
  };
  return (each) =>
    new Promise<void>((resolve) => {
      waiting.push({ draft: each, resolve });
      if (busy) return;
      busy = true;
      void flush();
    });
}

/** Measures what appending costs. */
export async function appendBench(directory: string): Promise<void> {
  const signer = generateSigner('agilab-guardrails/bench');
  const journal = await openJournal({ directory: join(directory, 'appended'), signer });
  const ours: Append = (each) => journal.append(each, '{"port":8501}');
  const file = await open(join(directory, 'bare'), 'a');
  const bare = bareJournal(file);
  const logger = pino(pino.destination({ dest: join(directory, 'pino'), sync: true }));
  const log: Append = async (each) => logger.info(each);
  const line = Buffer.alloc(878, 'x');
  const plain: Append = async () => {
    await file.write(line);
    await file.datasync();
  };
  const many = await inTurns(7, {
    ours: () => load(ours, 4_000, 256),
    bare: () => load(bare, 4_000, 256),
    pino: () => load(log, 4_000, 256),
  });
  show('append, durable, 256 callers', many.ours, many.bare, 'group commit', 'at most 1.5 CPU');
  show('append, durable, 256 callers', many.ours, many.pino, 'pino, sync write', 'at most 1 wall');
  const one = await inTurns(7, { ours: () => load(ours, 200, 1), plain: () => load(plain, 200, 1) });
  show('append, durable, one caller', one.ours, one.plain, 'write and fdatasync', 'at most 1.3 wall');
  await journal.close();
  await file.close();
}

/** Measures what a decision costs without a journal. */
export async function decisionBench(): Promise<void> {
  const request = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };
  const schema = definitionOf(bind).request;
  const journal = { append: async () => {} };
  const repeat = (work: () => unknown): (() => Promise<Cost>) => {
    const count = 20_000;
    return () =>
      cost(count, async () => {
        for (let i = 0; i < count; i++) await work();
      });
  };
  const { ours, parse } = await inTurns(7, {
    ours: repeat(() => enforce(bind, request, { journal })),
    parse: repeat(() => schema.safeParse(request)),
  });
  show('enforce bind, no journal', ours, parse, "the schema's safeParse", 'at most 10 CPU');
}
