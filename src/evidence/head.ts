// Where a writer stopped: what it needs to go on without reading what came before. The file is no secret and no proof.
// Its edge is folded and held against the signed checkpoint, and the last line against the edge, before it is believed.
import * as z from 'zod';
import { fromHex, toHex } from './bytes.ts';
import { hex64 } from './hex64.ts';
import type { TreeEdge } from './merkle.ts';

export interface Head {
  readonly tree: TreeEdge;
  /** Position of the first line of the file that holds the last line. */
  readonly segment: number;
  /** Bytes of that file, up to and with the last line's newline. */
  readonly offset: number;
  /** Newest id of the lines before the last thousand. */
  readonly idFloor: string;
}

const position = z.int().nonnegative();
const storedHead = z.strictObject({
  size: position,
  segment: position,
  offset: position,
  idFloor: z.string().max(36),
  edge: z.array(hex64).max(53),
  lastPath: z.array(hex64).max(53),
});
// Two of them: where a crash comes between this file and the checkpoint, the older one belongs to the checkpoint.
const headFile = z.strictObject({
  schema: z.literal('agilab.journal_head.v1'),
  heads: z.array(storedHead).min(1).max(2),
});

const stored = ({ tree, ...rest }: Head): z.infer<typeof storedHead> => ({
  size: tree.size,
  ...rest,
  edge: tree.edge.map(toHex),
  lastPath: tree.lastPath.map(toHex),
});

/** Returns the content of the file for the newest head and the one before it, newest first. */
export function encodeHeads(heads: readonly Head[]): string {
  return `${JSON.stringify({ schema: 'agilab.journal_head.v1', heads: heads.map(stored) })}\n`;
}

/** Returns the heads in a file; none where it is damaged, since then reading all lines says the same. */
export function decodeHeads(content: string): readonly Head[] {
  try {
    const { heads } = headFile.parse(JSON.parse(content));
    return heads.map(({ size, edge, lastPath, ...rest }) => ({
      ...rest,
      tree: { size, edge: edge.map(fromHex), lastPath: lastPath.map(fromHex) },
    }));
  } catch {
    return [];
  }
}
