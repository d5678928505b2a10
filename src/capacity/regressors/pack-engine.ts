// The pass of packTree in WebAssembly, tree by tree, in one small memory for the process. It says yes or no: a tree that
// it does not take is left to packTree, which says why, or packs what is too large for that memory.
import { Buffer } from 'node:buffer';
import { endianness } from 'node:os';
import { PACK } from './pack-binary.ts';
import { NODE, type Packing, type RawTree } from './tree.ts';
import { PAGE, wasm } from './web-assembly.ts';

/** 1 MiB: some ten thousand nodes. A larger tree is worth compiling the pass in JavaScript for. */
const PAGES = 16;
/** Bytes of a number. */
const NUMBER = 8;
/** Bytes of a place. */
const PLACE = 4;

type Pack = (
  records: number,
  size: number,
  count: number,
  answers: number,
  outputs: number,
  places: number,
  packed: number,
  features: number,
  start: number,
  total: number,
) => number;

interface Engine {
  readonly memory: ArrayBuffer;
  readonly pack: Pack;
}

/** `null` where there is none. */
let engine: Engine | null | undefined;

function makeEngine(): Engine | null {
  // WebAssembly reads little-endian numbers wherever it runs; what is packed is in the order of this processor.
  if (wasm === undefined || endianness() !== 'LE') return null;
  try {
    const memory = new wasm.Memory({ initial: PAGES, maximum: PAGES });
    const { exports } = new wasm.Instance(new wasm.Module(Buffer.from(PACK, 'base64')), { pack: { memory } });
    return { memory: memory.buffer, pack: exports['pack'] as Pack };
  } catch (error) {
    if (error instanceof RangeError) return null; // no address space is left for a memory
    throw error;
  }
}

/** As {@link packTree}, or returns `false` and leaves `packed` as it was. */
export function packByEngine(
  { count, nodes, values }: RawTree,
  features: number,
  outputs: number,
  packed: Packing,
  start: number,
): boolean {
  const answersAt = nodes.bytes.length;
  const packedAt = answersAt + NUMBER * count * outputs;
  const placesAt = packedAt + NODE * count * outputs;
  if (count < 1 || placesAt + PLACE * count > PAGES * PAGE) return false;
  if (engine === undefined) engine = makeEngine();
  if (engine === null) return false;
  const { memory, pack } = engine;
  const bytes = new Uint8Array(memory);
  bytes.set(nodes.bytes);
  bytes.set(values.bytes, answersAt);
  const size = nodes.bytes.length / count;
  if (pack(0, size, count, answersAt, outputs, placesAt, packedAt, features, start, packed.count) !== 1)
    return false;
  const ints = new Int32Array(memory, packedAt, (NODE / PLACE) * count * outputs);
  for (let output = 0; output < outputs; output++)
    packed.nodes.ints.set(
      ints.subarray((NODE / PLACE) * count * output, (NODE / PLACE) * count * (output + 1)),
      (NODE / PLACE) * (output * packed.count + start),
    );
  return true;
}
