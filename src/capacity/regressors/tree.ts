// One decision tree: checked node by node, then packed for prediction. scikit-learn's own predict trusts these
// arrays blindly (a bad child index reads outside the array), so nothing about them is taken on trust here.
import { Buffer } from 'node:buffer';
import { endianness } from 'node:os';
import { type ModelCode, ModelRefusal } from '../model-refusal.ts';
import { type NumpyArray, readArray } from '../numpy/array.ts';
import { numberAt } from '../numpy/scalar.ts';
import type { Made } from '../pickle/values.ts';
import { readState } from '../state/state.ts';
import { TREE_OBJECT } from '../state/trees.ts';

/** The arrays of one tree, with sizes that fit but nodes not yet looked at. */
export interface RawTree {
  readonly offset: number;
  readonly count: number;
  readonly nodes: NumpyArray;
  /** Of each node, one number per target. */
  readonly values: NumpyArray;
}

/** Returns the arrays of a `Tree` object. Throws `model.tree-size`, `model.parts-disagree`, `model.dtype`, `model.array`. */
export function readTree(tree: Made, features: number, outputs: number): RawTree {
  const { offset } = tree;
  const [ownFeatures, classes, ownOutputs] = tree.args;
  if (ownFeatures !== features || ownOutputs !== outputs)
    throw new ModelRefusal(
      'model.parts-disagree',
      'a tree for another number of features or targets',
      offset,
    );
  requireNumeric(readArray(classes, offset), outputs, offset);
  const state = readState(tree, TREE_OBJECT);
  state.get('max_depth'); // not used here, but no Tree comes to life without it
  const count = state.count('node_count');
  const nodes = readArray(state.get('nodes'), offset);
  const values = readArray(state.get('values'), offset);
  const sides = [count, outputs, 1];
  const fits =
    (nodes.layout === 'node56' || nodes.layout === 'node64') &&
    values.layout === 'f8' &&
    nodes.shape.length === 1 &&
    nodes.shape[0] === count &&
    values.shape.length === 3 &&
    values.shape.every((side, i) => side === sides[i]);
  if (!fits) throw new ModelRefusal('model.tree-size', 'node_count and the arrays of a tree differ', offset);
  return { offset, count, nodes, values };
}

/** A regressor's tree has one class per target: there are no classes. */
function requireNumeric({ layout, shape, bytes }: NumpyArray, outputs: number, offset: number): void {
  if (layout !== 'i8' || shape.length !== 1 || shape[0] !== outputs)
    throw new ModelRefusal('model.parts-disagree', 'a tree for another number of targets', offset);
  for (let i = 0; i < outputs; i++)
    if (numberAt(bytes, 'i8', i) !== 1)
      throw new ModelRefusal('model.unsupported', 'a tree that tells classes apart', offset);
}

/**
 * Checked nodes of all trees, once for each target, siblings side by side and after their parent; 16 bytes a node, because
 * a walk reads them together. An int32: 32 times the feature (which is four times its offset in a row of float64), plus 1
 * in a leaf, plus 2 where a missing value goes left. An int32: the offset of the left child; the right one follows it. A
 * float64: what a value must not exceed to go left; in a leaf, what the tree answers with.
 *
 * A leaf is its own left child, and asks for the number behind the features, which is NaN in every row that is walked:
 * that exceeds nothing, so a walk that has arrived can go on without leaving.
 */
export type PackedNodes = DataView;

/** Bytes of a packed node. */
export const NODE = 16;

const LITTLE_ENDIAN = endianness() === 'LE';

/**
 * Little-endian words of 8 bytes, copied from wherever they lie to where typed arrays read them: of each the lower half
 * first. Whoever decodes once does so in an interpreter, and pays for every call of a view.
 */
class Words {
  readonly ints: Int32Array;
  readonly floats: Float64Array;

  /** Returns those that these bytes hold. */
  static of(bytes: Uint8Array): Words {
    const words = new Words(bytes.length);
    new Uint8Array(words.ints.buffer).set(bytes);
    if (LITTLE_ENDIAN) return words;
    new Uint8Array(words.floats.buffer).set(bytes);
    Buffer.from(words.ints.buffer).swap32();
    Buffer.from(words.floats.buffer).swap64();
    return words;
  }

  constructor(bytes: number) {
    const memory = new ArrayBuffer(bytes);
    this.ints = new Int32Array(memory);
    // Elsewhere the halves of a word are in the one order to be read as two numbers, and in the other to be read as one.
    this.floats = new Float64Array(LITTLE_ENDIAN ? memory : new ArrayBuffer(bytes));
  }
}

/** Where trees are packed, one after the other, and all of them again for each target. */
export interface Packing {
  /** In the order of this processor's bytes. */
  readonly nodes: Words;
  /** Of all trees. */
  readonly count: number;
}

/** Returns room for these trees. */
export function makeRoom(trees: readonly RawTree[], outputs: number): Packing {
  const count = trees.reduce((all, tree) => all + tree.count, 0);
  // Or an offset would wrap around, to another node.
  if (NODE * count * outputs >= 2 ** 31)
    throw new RangeError('more nodes than an int32 can tell the offset of');
  return { nodes: new Words(NODE * count * outputs), count };
}

/** Returns the nodes once all trees are packed. */
export function packedNodes({ nodes: { ints, floats } }: Packing): PackedNodes {
  const nodes = new DataView(ints.buffer);
  for (let at = 0; !LITTLE_ENDIAN && at < nodes.byteLength; at += NODE) {
    nodes.setInt32(at, ints[at / 4] as number, true);
    nodes.setInt32(at + 4, ints[at / 4 + 1] as number, true);
    nodes.setFloat64(at + 8, floats[at / 8 + 1] as number, true);
  }
  return nodes;
}

const LEAF = -1;
const UNDEFINED = -2;

/**
 * Checks every node of `tree` and writes it to `packed`, from node `start` on.
 * Throws `model.tree-child`, `-leaf`, `-feature`, `-threshold`, `-value`, `-missing-flag`, `-samples`.
 */
export function packTree(
  tree: RawTree,
  features: number,
  outputs: number,
  packed: Packing,
  start: number,
): void {
  const { count, nodes, values } = tree;
  const { ints: packedInts, floats: packedFloats } = packed.nodes;
  const { ints, floats } = Words.of(nodes.bytes);
  const answers = Words.of(values.bytes).floats;
  const flagged = nodes.layout === 'node64';
  /** Words of 8 bytes in a record: left, right, feature, threshold, impurity, samples, their weight, and the flag. */
  const size = flagged ? 8 : 7;
  const refuse = (code: ModelCode, why: string, node: number): never => {
    throw new ModelRefusal(code, `node ${node} of a tree ${why}`, tree.offset);
  };
  // Where each node goes; 0 means that no node above has named it. A child comes after its parent in every tree that
  // scikit-learn grows, so one pass sees every parent first, and a cycle cannot be written down.
  const places = new Int32Array(count);
  places[0] = 1;
  let next = 1;
  for (let node = 0; node < count; node++) {
    const record = node * size;
    const at = 2 * record;
    const place = places[node] as number;
    if (place === 0) refuse('model.tree-child', 'is the child of no node', node);
    // Of each int64 the lower half, then the upper one: 0, or -1 where the lower half is a negative marker.
    const left = ints[at] as number;
    const leftHigh = ints[at + 1] as number;
    const right = ints[at + 2] as number;
    const rightHigh = ints[at + 3] as number;
    const feature = ints[at + 4] as number;
    const featureHigh = ints[at + 5] as number;
    const threshold = floats[record + 3] as number;
    const samples = ints[at + 10] as number;
    const samplesHigh = ints[at + 11] as number;
    for (let output = 0; output < outputs; output++)
      if (!Number.isFinite(answers[node * outputs + output]))
        refuse('model.tree-value', 'has a value that is not finite', node);
    if (samplesHigh < 0 || (samplesHigh === 0 && samples === 0))
      refuse('model.tree-samples', 'was trained on no samples', node);
    // A leaf's flag is whatever memory held in 1.3.0 and 1.3.1 (scikit-learn pull request 27580); nobody reads it.
    const isLeaf = left === LEAF && leftHigh === -1;
    let asks = 32 * features + 1;
    let child = place - 1;
    if (isLeaf) {
      if (right !== LEAF || rightHigh !== -1) refuse('model.tree-leaf', 'has one child', node);
      if (feature !== UNDEFINED || featureHigh !== -1 || threshold !== UNDEFINED)
        refuse('model.tree-leaf', 'is a leaf with a split', node);
    } else {
      const flag = flagged ? (ints[at + 14] as number) & 0xff : 0;
      if (flag > 1) refuse('model.tree-missing-flag', 'has a missing-value flag other than 0 or 1', node);
      const inside = left > node && left < count && right > node && right < count && left !== right;
      if (!inside || leftHigh !== 0 || rightHigh !== 0 || places[left] !== 0 || places[right] !== 0)
        refuse('model.tree-child', 'has children out of order, out of range, or of another node', node);
      if (feature < 0 || feature >= features || featureHigh !== 0)
        refuse('model.tree-feature', 'splits on a feature that the model does not have', node);
      // +Infinity is real: "every value there is, against missing". NaN and -Infinity never are.
      if (!(threshold > Number.NEGATIVE_INFINITY))
        refuse('model.tree-threshold', 'has no threshold that a value could be compared with', node);
      places[left] = next + 1;
      places[right] = next + 2;
      asks = 32 * feature + 2 * flag;
      child = next;
      next += 2;
    }
    for (let output = 0; output < outputs; output++) {
      const first = start + output * packed.count;
      const slot = first + place - 1;
      packedInts[4 * slot] = asks;
      packedInts[4 * slot + 1] = NODE * (first + child);
      packedFloats[2 * slot + 1] = isLeaf ? (answers[node * outputs + output] as number) : threshold;
    }
  }
}
