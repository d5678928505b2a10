// Lines of a verified journal in the formats of others. A line that nobody vouches for is left out, and so is everything of
// a journal that is not intact.
import { membership } from '../adopted.ts';
import { CodedError } from '../coded-error.ts';
import { readStart } from '../journal-files.ts';
import type { NoteSigner } from '../keys.ts';
import { readLines } from '../lines.ts';
import { native } from '../native.ts';
import { isDecision } from '../record.ts';
import { LineScanner, recordOf } from '../scan.ts';
import { decodeStart } from '../start.ts';
import type { JournalVerdict } from '../verdict.ts';
import { toCloudEvent } from './cloudevents.ts';
import { toDsse } from './dsse.ts';
import { toOcsf } from './ocsf.ts';
import { toOtlp } from './otlp.ts';

export const EXPORT_FORMATS = ['dsse', 'cloudevents', 'ocsf', 'otlp'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Records in one OTLP request. */
const OTLP_BATCH = 512;

export interface ExportOptions {
  readonly format: ExportFormat;
  /** Of this package, for formats that name who made the record. */
  readonly version: string;
  /** Signs DSSE envelopes. */
  readonly signer?: NoteSigner | undefined;
}

const changed = (): CodedError =>
  new CodedError(
    'journal.tampered',
    'the journal changed while it was exported; what was printed is not what was verified',
    'Throw the output away and run `guardrails verify`.',
  );

/**
 * Yields the sealed lines of the journal in `directory`, of which `verdict` was given, each as text and a newline.
 *
 * @throws CodedError `export.not-verified`, `export.no-key`; `journal.tampered` when it is no longer what was verified.
 */
export async function* exportJournal(
  directory: string,
  verdict: JournalVerdict,
  { format, version, signer }: ExportOptions,
): AsyncGenerator<string> {
  if (verdict.problems.length > 0 || (verdict.key !== 'pinned' && verdict.key !== 'witnessed')) {
    const remedy = 'Run `guardrails verify`; only what a trusted key vouches for is exported.';
    throw new CodedError('export.not-verified', 'the journal does not verify', remedy);
  }
  if (format === 'dsse' && !signer)
    throw new CodedError(
      'export.no-key',
      'envelopes need a key that signs them',
      'Name the state directory.',
    );
  const sealed = verdict.size - verdict.unsealed.open;
  const isAdopted = membership(verdict.adopted);
  const start = decodeStart((await readStart(directory)) ?? '');
  const scanner = new LineScanner(native, start);
  let batch: ReturnType<typeof recordOf>[] = [];
  const newline = Uint8Array.of(0x0a);
  for await (const lines of readLines(directory, start?.edge.size ?? 0, verdict.size)) {
    for (const { seq, bytes } of lines) {
      scanner.push(bytes);
      scanner.push(newline);
      if (seq >= sealed || isAdopted(seq)) continue;
      const record = recordOf(bytes);
      if (format === 'dsse' && signer) yield toDsse(record, bytes, signer);
      else if (format === 'cloudevents') yield `${JSON.stringify(toCloudEvent(record))}\n`;
      else if (format === 'ocsf' && isDecision(record)) yield `${JSON.stringify(toOcsf(record, version))}\n`;
      else if (format === 'otlp') batch.push(record);
      if (batch.length < OTLP_BATCH) continue;
      yield `${JSON.stringify(toOtlp(batch, version))}\n`;
      batch = [];
    }
  }
  if (batch.length > 0) yield `${JSON.stringify(toOtlp(batch, version))}\n`;
  if (Buffer.from(scanner.tree.root()).toString('hex') !== verdict.root) throw changed();
}
