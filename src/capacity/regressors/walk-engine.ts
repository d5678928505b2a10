// The walk in WebAssembly, over a memory that holds the nodes of one model and one block of rows. The memory is made in
// its final size and never grows: growing, like transferring a buffer, slows every access from JavaScript from then on.
import { Buffer } from 'node:buffer';
import { endianness } from 'node:os';
import { NODE, type PackedNodes } from './tree.ts';
import { WALK } from './walk-binary.ts';
import { PAGE, wasm } from './web-assembly.ts';

/** Bytes of a number. */
const NUMBER = 8;

/** How many rows are walked at once. */
export const GROUP = 7;

export interface Engine {
  /** Where rows go, group after group: of each feature the numbers of all rows in the group, and NaN behind the features. */
  readonly rows: DataView;
  /** What the rows add up to. */
  readonly sums: Float64Array;
  /** Adds to the sums of the first groups what the tree at `root` answers, times `scale`. */
  add(root: number, groups: number, scale: number): void;
}

type Add = (root: number, rows: number, group: number, groups: number, scale: number, sums: number) => void;

let compiled: object | undefined;

/**
 * Returns an engine for up to `most` rows of `width` numbers, a multiple of {@link GROUP}, or `undefined` where there is no
 * room for one: an address space has room for some hundred memories, and the walk in JavaScript answers the same.
 */
export function makeEngine(nodes: PackedNodes, width: number, most: number): Engine | undefined {
  // WebAssembly reads little-endian numbers wherever it runs.
  if (wasm === undefined || endianness() !== 'LE') return undefined;
  const rowsAt = nodes.byteLength;
  const sumsAt = rowsAt + NUMBER * width * most;
  const pages = Math.ceil((sumsAt + NUMBER * most) / PAGE);
  if (pages * PAGE >= 2 ** 31) return undefined;
  try {
    compiled ??= new wasm.Module(Buffer.from(WALK, 'base64'));
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    const { exports } = new wasm.Instance(compiled, { walk: { memory } });
    const add = exports['add'] as Add;
    const packed = new Int32Array(memory.buffer, 0, nodes.byteLength / 4);
    packed.set(new Int32Array(nodes.buffer));
    // What is asked for is that many times as far away; the two flags stay.
    for (let i = 0; i < packed.length; i += NODE / 4) {
      const asks = packed[i] as number;
      packed[i] = GROUP * (asks & ~3) + (asks & 3);
    }
    // The rows of a group that nobody fills are walked, too, and must arrive.
    new Float64Array(memory.buffer, rowsAt, width * most).fill(Number.NaN);
    return {
      rows: new DataView(memory.buffer, rowsAt, NUMBER * width * most),
      sums: new Float64Array(memory.buffer, sumsAt, most),
      add: (root, groups, scale) => add(NODE * root, rowsAt, NUMBER * GROUP * width, groups, scale, sumsAt),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
