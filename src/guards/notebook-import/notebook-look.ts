// The one look at a notebook: read once, each cell read as IPython reads it, and what its Python reaches.

import { sha256Hex } from '../../evidence/sha256.ts';
import { parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { findSecrets } from '../find-secrets.ts';
import { Program } from './find-reaches.ts';
import { type EscapeKind, readCell } from './ipython-cell.ts';
import { isKnownVersion, type Notebook, readNotebook, sourceOf } from './notebook-format.ts';
import type { ReachKind } from './reaches.ts';

export interface NotebookRequest {
  /** Absolute path of a directory that this process trusts. */
  readonly root: string;
  /** The notebook, relative to `root`. */
  readonly notebook: string;
  /**
   * SHA-256 of texts that somebody has read: the source of a cell, its lines joined, or another text of the notebook that
   * looks like a secret.
   */
  readonly acknowledged?: readonly string[] | undefined;
}

/** What makes a cell blocking. */
export type FindingKind = ReachKind | EscapeKind | 'secret';

export interface Finding {
  readonly kind: FindingKind;
  /** From our lists, never from the notebook. */
  readonly what: string;
  /** From 1; 0 for what lies outside cells. */
  readonly cell: number;
  /** In the source of the cell, from 1; 0 for what lies outside it. */
  readonly line: number;
  readonly acknowledged: boolean;
}

export type NotebookReading =
  | { readonly kind: 'unread' | 'unsupported' }
  | { readonly kind: 'not-json' | 'malformed'; readonly why: string }
  | { readonly kind: 'read'; readonly notebook: Notebook };

export interface NotebookFacts {
  readonly file: Omit<FileFacts, 'bytes'>;
  readonly reading: NotebookReading;
  /** Characters of code are within what is parsed. */
  readonly withinBounds: boolean;
  /** Cells, from 1, that cannot be read in one way only. */
  readonly unreadable: readonly { readonly cell: number; readonly why: string }[];
  readonly findings: readonly Finding[];
}

const MAX_NOTEBOOK_BYTES = 16 * 1024 * 1024;
/** UTF-16 units of one cell, and of all. */
const MAX_CELL = 65_536;
const MAX_CODE = 1_048_576;
/** Words, signs and line ends of all cells: the grammar takes 2 to 4 microseconds for each, so this bounds the time. */
const MAX_TOKENS = 262_144;
const MAX_CELLS = 10_000;
/** Each is asked for what it binds. */
const MAX_IMPORTS = 5_000;
/** Lists that never end help nobody. */
const MAX_FINDINGS = 1_000;

function readBytes(bytes: Uint8Array): NotebookReading {
  let json: unknown;
  try {
    json = parseStrictJson(bytes, { maxBytes: MAX_NOTEBOOK_BYTES, maxDepth: 64, fractionAt: () => true });
  } catch (error) {
    if (error instanceof StrictJsonError) return { kind: 'not-json', why: error.message };
    throw error;
  }
  const { nbformat } = (json ?? {}) as Record<string, unknown>;
  if (typeof nbformat === 'number' && !isKnownVersion(json)) return { kind: 'unsupported' };
  const read = readNotebook(json);
  return 'why' in read ? { kind: 'malformed', why: read.why } : { kind: 'read', notebook: read.notebook };
}

const NAMES_SECRET = /pass|secret|token|key|credential|auth/i;

/** Texts of the notebook beside the sources of its cells: outputs, metadata, names. */
function* otherTexts(value: unknown, name = ''): Generator<{ readonly text: string; readonly of: string }> {
  if (typeof value === 'string') {
    yield { text: value, of: value };
    if (NAMES_SECRET.test(name))
      yield { text: `${JSON.stringify(name)}: ${JSON.stringify(value)}`, of: value };
  } else if (Array.isArray(value)) {
    // Lines of one text, or a list of others: together they show what a line end has broken.
    if (value.every((item) => typeof item === 'string')) yield* otherTexts(value.join(''), name);
    else for (const item of value) yield* otherTexts(item);
  } else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* otherTexts(item, key);
}

/** Looks for secrets in every text. */
function secretsOf(notebook: Notebook, isKnown: (text: string) => boolean): readonly Finding[] {
  const { cells, ...head } = notebook;
  const findings: Finding[] = [];
  // All at once first, with something between that is part of no secret: most notebooks have none.
  const texts = [...otherTexts(notebook)].map(({ text }) => text);
  if (findSecrets(texts.join('\n\0\n')).length === 0) return findings;
  const look = (text: string, cell: number, of?: string): void => {
    for (const { shape, line } of findSecrets(text))
      findings.push({
        kind: 'secret',
        what: shape,
        cell,
        line: of === undefined ? line : 0,
        acknowledged: isKnown(of ?? text),
      });
  };
  for (const { text, of } of otherTexts(head)) look(text, 0, of);
  for (const [index, cell] of cells.entries()) {
    look(sourceOf(cell), index + 1);
    for (const { text, of } of otherTexts({ ...cell, source: undefined })) look(text, index + 1, of);
  }
  return findings;
}

const ESCAPES: Readonly<Record<EscapeKind, string>> = {
  shell: 'a command of the system',
  magic: 'a magic of IPython',
};

/** Reads every code cell, and judges what could be read. */
export async function judgeCode(
  { cells }: Notebook,
  isKnown: (text: string) => boolean,
): Promise<Pick<NotebookFacts, 'unreadable' | 'findings'>> {
  const unreadable: { cell: number; why: string }[] = [];
  const findings: Finding[] = [];
  const program = await Program.open();
  try {
    const read = cells.flatMap((cell, index) => {
      if (cell.cell_type !== 'code' || unreadable.length > 0) return [];
      const source = sourceOf(cell);
      const reading = readCell(source);
      const number = 'unreadable' in reading ? reading : program.add(reading.python);
      if (typeof number !== 'number') unreadable.push({ cell: index + 1, why: number.unreadable });
      if ('unreadable' in reading || typeof number !== 'number') return [];
      return [{ cell: index + 1, source, number, escapes: reading.escapes }];
    });
    for (const { cell, source, number, escapes } of read) {
      let acknowledged: boolean | undefined;
      const enter = (kind: FindingKind, what: string, line: number): void => {
        acknowledged ??= isKnown(source);
        findings.push({ kind, what, cell, line, acknowledged });
      };
      for (const { kind, line } of escapes) enter(kind, ESCAPES[kind], line);
      for (const { kind, what, line } of program.reachesOf(number)) {
        enter(kind, what, line);
        if (findings.length >= MAX_FINDINGS && acknowledged === false) return { unreadable, findings };
      }
    }
  } finally {
    program.close();
  }
  return { unreadable, findings };
}

/** Whether a notebook can be read in about a second. */
function isBounded({ cells }: Notebook): boolean {
  const code = cells.flatMap((cell) => (cell.cell_type === 'code' ? [sourceOf(cell)] : []));
  if (cells.length > MAX_CELLS || code.some(({ length }) => length > MAX_CELL)) return false;
  if (code.reduce((sum, { length }) => sum + length, 0) > MAX_CODE) return false;
  const count = (pattern: RegExp): number =>
    code.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);
  return count(/\w+|[^\w \t]/g) <= MAX_TOKENS && count(/\bimport\b/g) <= MAX_IMPORTS;
}

/** The only look. */
export async function observeNotebook(
  { root, notebook: path, acknowledged = [] }: NotebookRequest,
  signal: AbortSignal,
): Promise<NotebookFacts> {
  const { bytes, ...file } = await observeFile(root, path, { maxBytes: MAX_NOTEBOOK_BYTES, signal });
  const reading = bytes ? readBytes(bytes) : ({ kind: 'unread' } as const);
  const nothing = { file, reading, withinBounds: true, unreadable: [], findings: [] };
  if (reading.kind !== 'read') return nothing;
  const { notebook } = reading;
  const withinBounds = isBounded(notebook);
  if (!withinBounds) return { ...nothing, withinBounds };
  const known = new Set(acknowledged);
  const isKnown = (text: string): boolean => known.size > 0 && known.has(sha256Hex(text));
  const { unreadable, findings } = await judgeCode(notebook, isKnown);
  const all = [...findings, ...secretsOf(notebook, isKnown)];
  // What is open comes first, so that no number of acknowledged ones hides it.
  const open = all.filter((finding) => !finding.acknowledged);
  const rest = all.filter((finding) => finding.acknowledged);
  return { file, reading, withinBounds, unreadable, findings: [...open, ...rest].slice(0, MAX_FINDINGS) };
}
