// `guardrails journal`: looks into the journal. Only `export` vouches for what it prints; the others show what is there.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { EXPORT_FORMATS, type ExportFormat, exportJournal } from '../evidence/exports/export.ts';
import { HeadMemory } from '../evidence/head-memory.ts';
import { runningCode } from '../evidence/identity.ts';
import { segmentName, segmentsIn } from '../evidence/journal-files.ts';
import { loadSigner } from '../evidence/key-store.ts';
import { lastLines } from '../evidence/last-lines.ts';
import { decodeLine } from '../evidence/line.ts';
import { readLines } from '../evidence/lines.ts';
import { oneLine } from '../evidence/one-line.ts';
import { type EvidenceRecord, isDecision } from '../evidence/record.ts';
import { retireLines } from '../evidence/retire.ts';
import { journalDirectory, type StateOptions } from '../evidence/state.ts';
import { wholeUpTo } from './option-values.ts';
import { lineOf } from './record-line.ts';
import { interruption } from './signals.ts';
import { pinsOf, readVerdict, type VerdictOptions } from './state.ts';
import { timeOf } from './time.ts';

interface JsonOption extends StateOptions {
  readonly json?: boolean;
}

interface Filter extends JsonOption {
  readonly guard?: string;
  readonly code?: string;
  readonly decision?: string;
  readonly mode?: string;
  readonly run?: string;
  readonly since?: string;
  readonly until?: string;
}

const noRecord = (): CodedError =>
  new CodedError('journal.not-a-record', 'a line of the journal is no record', 'Run `guardrails verify`.');

function requireRecord(bytes: Uint8Array): EvidenceRecord {
  const record = decodeLine(bytes);
  if (record) return record;
  throw noRecord();
}

/** The first positions of the files of a journal that is there. */
async function requireSegments(directory: string): Promise<readonly number[]> {
  const firsts = await segmentsIn(directory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  if (firsts.length > 0) return firsts;
  throw new CodedError('journal.unreadable', 'there is no journal', 'Name its state directory with --dir.');
}

async function* recordsIn(directory: string): AsyncGenerator<EvidenceRecord> {
  await requireSegments(directory);
  for await (const batch of readLines(directory)) for (const { bytes } of batch) yield requireRecord(bytes);
}

/** Writes a part of what may be long. @throws why the command is to stop. */
function write(text: string): void {
  interruption.throwIfAborted();
  process.stdout.write(text);
}

const show = (record: EvidenceRecord, json: boolean | undefined): void =>
  write(`${json ? JSON.stringify(record) : lineOf(record)}\n`);

async function tail({ dir, json, lines }: JsonOption & { readonly lines: number }): Promise<void> {
  const directory = journalDirectory(dir);
  await requireSegments(directory);
  for (const bytes of await lastLines(directory, lines)) show(requireRecord(bytes), json);
}

function matches(
  record: EvidenceRecord,
  { guard, code, decision, mode, run, since, until }: Filter,
): boolean {
  const decided = isDecision(record) ? record : undefined;
  const codes: readonly string[] = 'codes' in record ? record.codes : [];
  return (
    (guard === undefined || decided?.guard.id === guard) &&
    (decision === undefined || decided?.decision === decision) &&
    (code === undefined || codes.includes(code)) &&
    (mode === undefined || record.mode === mode) &&
    (run === undefined || record.run === run) &&
    (since === undefined || Date.parse(record.time) >= Date.parse(since)) &&
    (until === undefined || Date.parse(record.time) < Date.parse(until))
  );
}

async function grep(filter: Filter): Promise<void> {
  let found = 0;
  for await (const record of recordsIn(journalDirectory(filter.dir))) {
    if (!matches(record, filter)) continue;
    found++;
    show(record, filter.json);
  }
  process.exitCode = found > 0 ? 0 : 1;
}

/** Counts by name, most frequent first. */
function ranked(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}

async function stats({ dir, json }: JsonOption): Promise<void> {
  const kinds = new Map<string, number>();
  const codes = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string): void =>
    void counts.set(name, (counts.get(name) ?? 0) + 1);
  let records = 0;
  let [first, last] = ['', ''];
  for await (const record of recordsIn(journalDirectory(dir))) {
    records++;
    if (first === '' || record.time < first) first = record.time;
    if (record.time > last) last = record.time;
    count(kinds, isDecision(record) ? `${record.mode} ${record.guard.id} ${record.decision}` : record.mode);
    if ('codes' in record) for (const code of record.codes) count(codes, code);
  }
  if (json) {
    const summary = {
      records,
      first,
      last,
      kinds: Object.fromEntries(kinds),
      codes: Object.fromEntries(codes),
    };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const table = (rows: readonly [string, number][]): string =>
    rows.map(([name, times]) => `${String(times).padStart(10)}  ${oneLine(name)}\n`).join('');
  process.stdout.write(
    `${records} records, ${first} to ${last}\n${table(ranked(kinds))}${table(ranked(codes))}`,
  );
}

async function segments({ dir, json }: JsonOption): Promise<void> {
  const directory = journalDirectory(dir);
  const firsts = await requireSegments(directory);
  for (const [index, first] of firsts.entries()) {
    const name = segmentName(first);
    const { size } = await stat(join(directory, name));
    const next = firsts[index + 1];
    const about = {
      file: name,
      first,
      lines: next === undefined ? null : next - first,
      bytes: size,
      closed: next !== undefined,
    };
    const text = `${name}  ${about.lines === null ? 'being written' : `${about.lines} lines`}  ${size} bytes`;
    process.stdout.write(json ? `${JSON.stringify(about)}\n` : `${text}\n`);
  }
}

async function exportLines(options: VerdictOptions & { readonly format: ExportFormat }): Promise<void> {
  const { dir, format } = options;
  const verdict = await readVerdict(options, { keepLines: false });
  const signer = format === 'dsse' ? await loadSigner(dir) : undefined;
  const { version } = runningCode();
  for await (const text of exportJournal(journalDirectory(dir), verdict, { format, version, signer }))
    write(text);
}

async function retire(file: string, options: VerdictOptions): Promise<void> {
  const [, first] = /^journal-(\d{12})\.jsonl$/.exec(file) ?? [];
  if (first === undefined) {
    const remedy = 'Name a file as `guardrails journal segments` prints it.';
    throw new CodedError('usage', 'that is no file of lines', remedy);
  }
  const { dir } = options;
  const lines = await retireLines({
    directory: journalDirectory(dir),
    signer: () => loadSigner(dir),
    keepFrom: Number(first),
    pins: await pinsOf(options),
    memory: new HeadMemory(),
  });
  process.stdout.write(`${lines} lines retired; the journal begins with line ${Number(first) + 1}\n`);
}

function time(text: string): string {
  try {
    return timeOf(text);
  } catch {
    throw new InvalidArgumentError('a time such as 2030-01-31T12:00:00Z');
  }
}

export function registerJournal(program: Command): void {
  const journal = program.command('journal').description('look into the journal; verify it with `verify`');
  const withJson = (name: string, description: string): Command =>
    journal.command(name).description(description).option('--json', 'print JSON, one line a record');
  withJson('tail', 'the last records')
    .option('-n, --lines <count>', 'how many', wholeUpTo(999_999), 10)
    .action((_options, command: Command) => tail(command.optsWithGlobals()));
  withJson('grep', 'the records that fit; exit 1 when there is none')
    .option('--guard <id>', 'decisions of this guard')
    .option('--code <code>', 'records with this code')
    .addOption(new Option('--decision <decision>').choices(['allow', 'refuse', 'error']))
    .addOption(
      new Option('--mode <mode>').choices(['enforce', 'drill', 'mutant', 'live', 'effect', 'repair', 'run']),
    )
    .option('--run <id>', 'records of this opening')
    .option('--since <time>', 'records from this time on', time)
    .option('--until <time>', 'records before this time', time)
    .action((_options, command: Command) => grep(command.optsWithGlobals()));
  withJson('stats', 'how many records of each kind').action((_options, command: Command) =>
    stats(command.optsWithGlobals()),
  );
  journal
    .command('export')
    .description('the sealed lines of a verified journal, for readers of other formats; one JSON text a line')
    .addOption(new Option('--format <format>').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('--pin <vkey...>', 'trust these keys only, instead of the pins of this machine')
    .action((_options, command: Command) => exportLines(command.optsWithGlobals()));
  journal
    .command('retire')
    .description('remove the files of lines before this one, by a sealed record that says so')
    .argument('<file>', 'the first file that stays, as `segments` prints it')
    .action((file: string, _options, command: Command) => retire(file, command.optsWithGlobals()));
  withJson('segments', 'the files of lines').action((_options, command: Command) =>
    segments(command.optsWithGlobals()),
  );
}
