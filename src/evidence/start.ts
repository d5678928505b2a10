// Where a journal begins whose first lines were retired: what the tree and the chain need to go on from there. The tree's
// root, which later checkpoints sign, bears out the edge; a sealed record with the digest of this text says that it was the
// writer who took the lines away. Runs anywhere.
import { fromHex, toHex } from './bytes.ts';
import { IdWindow } from './id-window.ts';
import type { EvidenceRecord } from './record.ts';
import type { ScanStart } from './scan.ts';

/** Code of the record that says that lines were retired. */
export const RETIRED_CODE = 'journal.retired';

interface StoredStart {
  readonly schema: 'agilab.journal_start.v1';
  readonly size: number;
  readonly prev: string;
  readonly idFloor: string;
  readonly edge: readonly string[];
  readonly lastPath: readonly string[];
}

/** Returns the text of a start. */
export function encodeStart({ edge: { size, edge, lastPath }, prev, ids }: ScanStart): string {
  const stored: StoredStart = {
    schema: 'agilab.journal_start.v1',
    size,
    prev,
    idFloor: ids.newest,
    edge: edge.map(toHex),
    lastPath: lastPath.map(toHex),
  };
  return `${JSON.stringify(stored)}\n`;
}

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const areHashes = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 53 && value.every(isHash);

/** Returns the start that a text says, in its only spelling; `undefined` for any other text. */
export function decodeStart(text: string): ScanStart | undefined {
  try {
    const { size, prev, idFloor, edge, lastPath } = JSON.parse(text) as StoredStart;
    const sound =
      Number.isSafeInteger(size) && size > 0 && isHash(prev) && areHashes(edge) && areHashes(lastPath);
    if (!sound || typeof idFloor !== 'string') return undefined;
    const start = {
      edge: { size, edge: edge.map(fromHex), lastPath: lastPath.map(fromHex) },
      prev,
      ids: new IdWindow(idFloor),
    };
    return encodeStart(start) === text ? start : undefined;
  } catch {
    return undefined;
  }
}

/** A record that says which lines were retired, and the digest of the start that was left: 64 hex digits. */
export interface RetirementStatement {
  readonly seq: number;
  readonly digest: string;
}

/** Returns the statement in a record; `undefined` when it is none. */
export function retirementIn(record: EvidenceRecord): RetirementStatement | undefined {
  if (record.mode !== 'repair' || !record.codes.includes(RETIRED_CODE)) return undefined;
  const digest = record.subject?.digest?.slice('sha256:'.length);
  return digest === undefined ? undefined : { seq: record.seq, digest };
}
