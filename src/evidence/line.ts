// One spelling for each record: what a journal line may look like, byte for byte. A line that two readers could read
// differently (a repeated key, another order, a character that Python takes for the end of a line) is no record. The
// grammar is made from the schema, so there is one definition; the writer asks it too before it writes.
import { decisionLine } from './decision-line.ts';
import { plainRecord } from './plain-record.ts';
import { type EvidenceRecord, isDecision, MAX_RECORD_BYTES } from './record.ts';
import { hidden, LINE } from './record-grammar.ts';

const hex4 = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns the line of a record, without newline, or `undefined` where the record has none: it does not fit the schema or the
 * bounds. Nothing in the record stands in for a member of `envelope`.
 */
export function encodeLine(
  given: unknown,
  envelope?: Readonly<Record<string, unknown>>,
): { readonly record: EvidenceRecord; readonly line: string } | undefined {
  const record = plainRecord(given, envelope) as EvidenceRecord | undefined;
  if (record === undefined) return undefined;
  const soon = isDecision(record) ? decisionLine(record) : undefined;
  if (soon !== undefined) return { record, line: soon };
  const text = JSON.stringify(record);
  if (LINE.test(text)) return { record, line: text };
  const line = text.replace(hidden, hex4); // few texts hold such a character, and those that do are no lines yet
  return LINE.test(line) ? { record, line } : undefined;
}

/** What every record begins with, as far as the chain is concerned. */
export interface LineHead {
  readonly seq: number;
  readonly prev: string;
  readonly id: string;
  readonly time: string;
  /** As spelled in the line, escapes and all. */
  readonly host: string;
  readonly run: string;
  readonly mode: string;
  /** The whole line. */
  readonly text: string;
}

const TEXT = '"((?:[^"\\\\]|\\\\.)*)"';
const HEAD = new RegExp(
  `"seq":(\\d+),"prev":${TEXT},"id":${TEXT},"time":${TEXT},"monotonic":\\d+,"boot":${TEXT},"host":${TEXT},"writer":${TEXT},"run":${TEXT},"mode":"([a-z]+)"`,
);

/** Returns the beginning of the record on a line, or `undefined` when the bytes are no record. Costs half of {@link decodeLine}. */
export function readHead(bytes: Uint8Array): LineHead | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  let line: string;
  try {
    line = decoder.decode(bytes);
  } catch {
    return undefined;
  }
  if (!LINE.test(line)) return undefined;
  const [, seq, prev = '', id = '', time = '', _boot, host = '', _writer, run = '', mode = ''] =
    HEAD.exec(line) ?? [];
  return { seq: Number(seq), prev, id, time, host, run, mode, text: line };
}

/** Takes anything: a line may be cut in the middle of a character. */
const lenient = new TextDecoder();
const START =
  /^\{"schema":"agilab\.guard_evidence\.v1","seq":\d{1,15},"prev":"[0-9a-f]{64}","id":"([0-9a-f-]{36})"/;

/** Returns the id of the record on a line that was verified before, or `undefined` where there is none. Looks no further. */
export function readId(bytes: Uint8Array): string | undefined {
  return START.exec(lenient.decode(bytes.subarray(0, 200)))?.[1];
}

/** Returns the record on a line, given without its newline, or `undefined` when the bytes are none. */
export function decodeLine(bytes: Uint8Array): EvidenceRecord | undefined {
  if (bytes.length > MAX_RECORD_BYTES) return undefined;
  try {
    const line = decoder.decode(bytes);
    return LINE.test(line) ? (JSON.parse(line) as EvidenceRecord) : undefined;
  } catch {
    return undefined;
  }
}
