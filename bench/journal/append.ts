// Writing: the journal beside what nobody can do without (the same check of the line and the same chain in a group commit,
// for one caller the bare write and fdatasync by their quickest calls), beside pino, which checks and chains nothing, of the same members, without a
// sync and with one for each line, and a decision beside the check of its request.
import { hash } from 'node:crypto';
import { closeSync, fdatasync, fdatasyncSync, openSync, write, writeSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { inputDigest } from '../../dist/evidence/input-digest.js';
import { generateSigner } from '../../dist/evidence/keys.js';
import { encodeLine } from '../../dist/evidence/line.js';
import { MerkleTree } from '../../dist/evidence/merkle.js';
import { native } from '../../dist/evidence/native.js';
import { openJournal } from '../../dist/evidence/open-journal.js';
import type { DecisionDraft } from '../../dist/evidence/record.js';
import { updateTiles } from '../../dist/evidence/tiles.js';
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

/** What the journal adds to each line, as far as it is the same for all lines of the bench. */
const envelope = {
  schema: 'agilab.guard_evidence.v1',
  boot: 'b'.repeat(36),
  host: 'h',
  writer: '1@1',
  run: 'r'.repeat(36),
} as const;

/** Logs the members of a journal line. pino has the constant ones ready beforehand, and writes level and time of its own. */
function pinoOf(path: string, fsync: boolean): Append {
  const logger = pino({ base: envelope }, pino.destination({ dest: path, sync: true, fsync }));
  let seq = 0;
  return async (each) => {
    // Written out, as everywhere here: an object that is brought together from others costs as much as its line.
    logger.info({
      seq: seq++,
      prev: HEX,
      id: each.id,
      monotonic: 1,
      mode: each.mode,
      guard: each.guard,
      dimension: each.dimension,
      decision: each.decision,
      codes: each.codes,
      reason: each.reason,
      subject: each.subject,
      method: each.method,
      input: { digest: HEX, redacted: [''] },
      policyDigest: each.policyDigest,
      replay: each.replay,
    });
  };
}

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
  const room = Buffer.allocUnsafeSlow(1 << 20); // more than 256 lines of the bench have
  const flush = async (): Promise<void> => {
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      const time = new Date().toISOString();
      let end = 0;
      for (const each of group) {
        const encoded = encodeLine(each.draft, {
          schema: envelope.schema,
          seq: seq++,
          prev,
          time,
          monotonic: 1,
          boot: envelope.boot,
          host: envelope.host,
          writer: envelope.writer,
          run: envelope.run,
          input: { digest: HEX, redacted: [''] },
        });
        if (!encoded) throw new Error('a record of the bench does not fit');
        const length = room.write(encoded.line, end);
        prev = hash('sha256', room.subarray(end, end + length), 'hex');
        room[end + length] = 0x0a;
        end += length + 1;
      }
      await file.write(room, 0, end);
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
  const log = pinoOf(join(directory, 'pino'), false);
  const logDurably = pinoOf(join(directory, 'pino-fsync'), true);
  const line = Buffer.alloc(878, 'x');
  // By callbacks: the methods of a FileHandle take twice the time of this thread, and waiting for it is the same.
  const plain: Append = () =>
    new Promise<void>((resolve, reject) => {
      const end = (error: Error | null): void => (error ? reject(error) : resolve());
      write(file.fd, line, 0, line.length, null, (error) => (error ? end(error) : fdatasync(file.fd, end)));
    });
  const many = await inTurns(7, {
    ours: () => load(ours, 4_000, 256),
    bare: () => load(bare, 4_000, 256),
    pino: () => load(log, 4_000, 256),
  });
  show('append, durable, 256 callers', many.ours, many.bare, 'group commit', 'at most 1.5 CPU');
  show('append, durable, 256 callers', many.ours, many.pino, 'pino, nothing synced', 'at most 1 wall');
  const least = 'none: the least that is durable, checked and chained';
  show('bare group commit, 256 callers', many.bare, many.pino, 'pino, nothing synced', least);
  const durable = await inTurns(3, {
    ours: () => load(ours, 2_000, 256),
    pino: () => load(logDurably, 200, 256),
  });
  show('append, durable, 256 callers', durable.ours, durable.pino, 'pino, fsync a line', 'at most 1 wall');
  const one = await inTurns(7, { ours: () => load(ours, 200, 1), plain: () => load(plain, 200, 1) });
  show('append, durable, one caller', one.ours, one.plain, 'write and fdatasync', 'at most 1.3 wall');
  await journal.close();
  await file.close();
  await partsBench(directory);
}

/** As many lines as 64 tiles hold. */
const TILED = 64 * 256;

/** Measures the parts of an append, each by itself: what the line of a journal costs that pino's line does not. */
async function partsBench(directory: string): Promise<void> {
  const place = {
    ...envelope,
    seq: 1,
    prev: HEX,
    time: new Date().toISOString(),
    monotonic: 1,
    input: { digest: HEX, redacted: [''] },
  };
  const encoded = encodeLine(draft(), place);
  if (!encoded) throw new Error('a record of the bench does not fit');
  const line = Buffer.from(encoded.line);
  const group = Buffer.alloc(256 * (line.length + 1), line);
  const digestOf = inputDigest(Buffer.alloc(32));
  const tree = new MerkleTree(native.sha256);
  const file = openSync(join(directory, 'parts'), 'a');
  const writeGroup = (): void => {
    writeSync(file, group);
    fdatasyncSync(file);
  };
  const repeat =
    (count: number, work: () => unknown, each = 1) =>
    () =>
      cost(count * each, async () => {
        for (let i = 0; i < count; i++) work();
      });
  const parts = await inTurns(7, {
    draft: repeat(5_000, draft),
    line: repeat(5_000, () => encodeLine(draft(), place)),
    text: repeat(5_000, () => JSON.stringify(encoded.record)),
    chain: repeat(5_000, () => native.sha256Hex(line)),
    tree: repeat(5_000, () => tree.append(line)),
    input: repeat(5_000, () => digestOf('{"port":8501}')),
    write: repeat(20, writeGroup, 256),
    tiles: async () => {
      const appended = join(directory, 'appended');
      await rm(join(appended, 'tile'), { recursive: true, force: true });
      return cost(TILED, () => updateTiles(appended, TILED));
    },
  });
  closeSync(file);
  const cpu = ({ cpu: each }: Cost): string => each.toFixed(1);
  console.log(
    `parts of an append, us CPU: draft ${cpu(parts.draft)}, checked line ${cpu({ ...parts.line, cpu: parts.line.cpu - parts.draft.cpu })} ` +
      `(JSON.stringify of it ${cpu(parts.text)}), hash of the line ${cpu(parts.chain)}, leaf and nodes of the tree ${cpu(parts.tree)}, ` +
      `digest of the input ${cpu(parts.input)}, write and fdatasync, 256 lines at a time, ${cpu(parts.write)}; ` +
      `later, once its file is full, its hash in a tile ${cpu(parts.tiles)}`,
  );
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
