// A forest of the size and shape of the model that AGILAB ships, for whoever has not got that file: written here, with a
// sidecar as Python writes it, a table of rows, and what it predicts by a walk over the nodes that were written.
import { createHash } from 'node:crypto';
import { array, forest, I8, leaf, type Node, split, tree, treeEstimator } from './model-writer.ts';
import { pickle } from './pickle-writer.ts';

const TREES = 100;
const LEAVES = 134;
const FEATURES = 6;

/** A number below 1,000 that says nothing about the next one: multiplicative hashing. */
const scattered = (index: number): number => (Math.imul(index + 1, 0x9e3779b1) >>> 0) % 1_000;

/** A tree with `leaves` leaves, written depth first as scikit-learn does; no two trees split alike. */
function grow(number: number, leaves: number, nodes: Node[] = []): Node[] {
  const at = nodes.length;
  if (leaves === 1) {
    nodes.push(leaf(at / 7));
    return nodes;
  }
  nodes.push(leaf(0));
  grow(number, leaves >> 1, nodes);
  const right = nodes.length;
  grow(number, leaves - (leaves >> 1), nodes);
  nodes[at] = split(at + 1, right, at % FEATURES, scattered(number * 2 * LEAVES + at) / 11);
  return nodes;
}

/** The nodes of its trees. */
export const GROWN_TREES: readonly (readonly Node[])[] = Array.from({ length: TREES }, (_, number) =>
  grow(number, LEAVES),
);
export const GROWN_SIZE = { estimators: TREES, nodes: GROWN_TREES.flat().length, features: FEATURES };

/** Returns the file. */
export function grownForest(): Buffer {
  const outputs = array(I8, [1], new Uint8Array(BigInt64Array.of(1n).buffer));
  const estimators = GROWN_TREES.map((nodes) =>
    treeEstimator({
      n_features_in_: FEATURES,
      max_features_: FEATURES,
      tree_: tree({ nodes, args: [FEATURES, outputs, 1], depth: 8 }),
    }),
  );
  return Buffer.from(pickle(forest({ n_features_in_: FEATURES }, estimators)));
}

/** Returns the sidecar of a file as `json.dumps(indent=2, sort_keys=True)` and a newline write it. */
export function grownSidecar(name: string, bytes: Uint8Array): string {
  return `{
  "algorithm": "sha256",
  "digest_sha256": "${createHash('sha256').update(bytes).digest('hex')}",
  "model_file": "${name}",
  "schema": "agilab.capacity_model_manifest.v1",
  "size_bytes": ${bytes.length}
}
`;
}

/** Rows on either side of many thresholds. */
export const GROWN_ROWS: readonly (readonly number[])[] = Array.from({ length: 285 }, (_, row) =>
  Array.from({ length: FEATURES }, (_, feature) => scattered(row * FEATURES + feature) / 11),
);

/** The rows as AGILAB writes its table of measurements. */
export const GROWN_TABLE = `nb_workers,ram_total,ram_available,cpu_count,cpu_frequency,network_speed,label
${GROWN_ROWS.map((row) => `${row.join()},1.5\n`).join('')}`;

/** Returns what the forest predicts for a row: the mean over its trees of the leaf that the row comes to. */
export function grownPrediction(row: readonly number[]): number {
  let sum = 0;
  for (const nodes of GROWN_TREES) {
    let node = nodes[0];
    while (node && Number(node.left) >= 0) {
      const x = Math.fround(row[Number(node.feature)] ?? Number.NaN); // scikit-learn reads rows as float32
      node = nodes[Number(x <= node.threshold ? node.left : node.right)];
    }
    sum += node?.value ?? Number.NaN;
  }
  return sum / TREES;
}
