// Models that are hostile in an array: in the nodes of a tree, in the type of its items, in shape or content.

import {
  bytes5,
  fieldEntries,
  fieldNames,
  global,
  type Hostile,
  inNodes,
  inTree,
  nodeState,
  values5,
} from './hostile.ts';
import {
  array,
  doubles,
  dtype,
  F8,
  GOOD_NODES,
  I8,
  leaf,
  NODE_FIELDS,
  nodeBytes,
  nodeType,
  O8,
  split,
  U1,
} from './model-writer.ts';
import type { Py } from './pickle-writer.ts';

const nodes: readonly Hostile[] = [
  inNodes('a child before its parent', 'model.tree-child', 1, { left: 0 }),
  inNodes('a node that is its own child', 'model.tree-child', 1, { left: 1 }),
  inNodes('a child beyond the tree', 'model.tree-child', 0, { right: 5 }),
  inNodes('a child 4 GiB away', 'model.tree-child', 0, { right: 2n ** 32n + 4n }),
  inNodes('a child at -2', 'model.tree-child', 0, { right: -2 }),
  inNodes('a child at the least int64', 'model.tree-child', 0, { left: -(2n ** 63n) }),
  inNodes('the same child twice', 'model.tree-child', 0, { right: 1 }),
  inNodes('the child of another node', 'model.tree-child', 1, { right: 4 }),
  inTree('a node that nothing reaches', 'model.tree-child', { nodes: [...GOOD_NODES, leaf(9)] }),
  inNodes('a node with one child', 'model.tree-leaf', 0, { left: -1 }),
  inNodes('a leaf with a right child', 'model.tree-leaf', 2, { right: 4 }),
  inNodes('a leaf with a feature', 'model.tree-leaf', 2, { feature: 0 }),
  inNodes('a leaf with a threshold', 'model.tree-leaf', 2, { threshold: 0 }),
  inNodes('a leaf with a NaN threshold', 'model.tree-leaf', 2, { threshold: Number.NaN }),
  inNodes('a feature beyond the row', 'model.tree-feature', 0, { feature: 2 }),
  inNodes('a feature at -1', 'model.tree-feature', 0, { feature: -1 }),
  inNodes('a feature 4 GiB away', 'model.tree-feature', 0, { feature: 2n ** 32n }),
  inNodes('a NaN threshold', 'model.tree-threshold', 0, { threshold: Number.NaN }),
  inNodes('a threshold of -Infinity', 'model.tree-threshold', 0, { threshold: -Infinity }),
  inNodes('a NaN leaf', 'model.tree-value', 2, { value: Number.NaN }),
  inNodes('an infinite leaf', 'model.tree-value', 2, { value: Infinity }),
  inNodes('a NaN value above the leaves', 'model.tree-value', 0, { value: Number.NaN }),
  inNodes('a missing-value flag of 2', 'model.tree-missing-flag', 0, { missing: 2 }),
  inNodes('a missing-value flag of 255', 'model.tree-missing-flag', 1, { missing: 255 }),
  inNodes('a node of no samples', 'model.tree-samples', 3, { samples: 0 }),
  inNodes('a node of -1 samples', 'model.tree-samples', 3, { samples: -1 }),
  inNodes('a left child at 2^32 - 1', 'model.tree-child', 0, { left: 2n ** 32n - 1n }),
  inNodes('a left child 4 GiB away', 'model.tree-child', 0, { left: 2n ** 32n + 1n }),
  inNodes('a left child beyond the tree', 'model.tree-child', 0, { left: 5 }),
  inNodes('a right child before its parent', 'model.tree-child', 1, { right: 0 }),
  inNodes('a node that is its own right child', 'model.tree-child', 1, { right: 1 }),
  inNodes('the left child of another node', 'model.tree-child', 1, { left: 4 }),
  inNodes('a leaf with a left child at -2', 'model.tree-child', 2, { left: -2 }),
  inNodes('a leaf with a right child at -2', 'model.tree-leaf', 2, { right: -2 }),
  inNodes('a leaf with a feature at -1', 'model.tree-leaf', 2, { feature: -1 }),
  inNodes('a feature at 2^31', 'model.tree-feature', 0, { feature: 2n ** 31n }),
  inNodes('a leaf with a right child at 2^32 - 1', 'model.tree-leaf', 2, { right: 2n ** 32n - 1n }),
  inNodes('a leaf with a feature at 2^32 - 2', 'model.tree-leaf', 2, { feature: 2n ** 32n - 2n }),
  // Nothing is left unreached here: only that a node is named twice is wrong.
  inTree('a left child of two nodes', 'model.tree-child', {
    nodes: [split(1, 2, 0, 0.5), split(3, 4, 0, 0.5), split(3, 5, 0, 0.5), leaf(1), leaf(2), leaf(3)],
  }),
  inTree('a right child of two nodes', 'model.tree-child', {
    nodes: [split(1, 2, 0, 0.5), split(3, 4, 0, 0.5), split(5, 4, 0, 0.5), leaf(1), leaf(2), leaf(3)],
  }),
  inTree('children that are one node', 'model.tree-child', {
    nodes: [split(1, 1, 0, 0.5), leaf(1)],
  }),
];

const inNodeType = (what: string, index: number, item: Py): Hostile =>
  inTree(`a node dtype with ${what}`, 'model.array', {
    nodeArray: array(nodeState(index, item), [5], bytes5),
  });

const nodeTypes: readonly Hostile[] = [
  inNodeType('another version', 0, 4),
  inNodeType('a byte order', 1, '<'),
  inNodeType('a subarray', 2, { tuple: [F8, { tuple: [8] }] }),
  inNodeType('its names in a list', 3, { list: fieldNames }),
  inNodeType('a name more', 3, { tuple: [...fieldNames, 'spare'] }),
  inNodeType('names in another order', 3, { tuple: fieldNames.toReversed() }),
  inNodeType('no fields', 4, null),
  inNodeType('a field more', 4, { dict: [...fieldEntries, ['spare', { tuple: [U1, 57] }]] }),
  inNodeType('fields under other names', 4, { dict: fieldEntries.map(([, field], i) => [`f${i}`, field]) }),
  inNodeType('a field with a title', 4, {
    dict: fieldEntries.map(([name, field], i) => [name, i === 0 ? { tuple: [I8, 0, 'title'] } : field]),
  }),
  inNodeType('a field in a list', 4, {
    dict: fieldEntries.map(([name, field], i) => [name, i === 0 ? { list: [I8, 0] } : field]),
  }),
  inNodeType('a field of no type', 4, {
    dict: fieldEntries.map(([name, field], i) => [name, i === 0 ? { tuple: [null, 0] } : field]),
  }),
  inNodeType('a field whose type has no state', 4, {
    dict: fieldEntries.map(([name, field], i) => [
      name,
      i === 0 ? { tuple: [{ reduce: [global('numpy', 'dtype'), 'i8', false, true] }, 0] } : field,
    ]),
  }),
  inTree('numbers that are records', 'model.array', {
    valueArray: array(
      dtype('f8', { tuple: [3, '|', null, { tuple: fieldNames }, { dict: fieldEntries }, 64, 1, 16] }),
      [5, 1, 1],
      values5,
    ),
  }),
  inNodeType('another width', 5, 72),
  inNodeType('another alignment', 6, 8),
  inNodeType('other flags', 7, 0),
];

/** The state of the dtype `<f8`, one item of which is another, or with one more. */
const inPlainType = (what: string, index: number, item: Py): Hostile =>
  inTree(`a dtype of numbers with ${what}`, 'model.array', {
    valueArray: array(
      dtype('f8', {
        tuple: [3, '<', null, null, null, -1, -1, 0, ...(index === 8 ? [item] : [])].map((old, i) =>
          i === index ? item : old,
        ),
      }),
      [5, 1, 1],
      values5,
    ),
  });
const inArrayState = (what: string, ...items: readonly Py[]): Hostile =>
  inTree(what, 'model.array', {
    valueArray: {
      reduce: [
        global('numpy.core.multiarray', '_reconstruct'),
        global('numpy', 'ndarray'),
        { tuple: [0] },
        Uint8Array.of(0x62),
      ],
      state: { tuple: items },
    },
  });

const arrays: readonly Hostile[] = [
  inPlainType('another version', 0, 4),
  inPlainType('no byte order', 1, '|'),
  inPlainType('a subarray', 2, { tuple: [F8, { tuple: [8] }] }),
  inPlainType('names', 3, { tuple: [] }),
  inPlainType('fields', 4, { dict: [] }),
  inPlainType('an item size', 5, 8),
  inPlainType('an alignment', 6, 8),
  inPlainType('flags', 7, 63),
  inPlainType('metadata', 8, { dict: [] }),
  ...(
    [
      ['bytes in a byte order', 'u1', '<', 0],
      ['bytes with flags', 'u1', '|', 63],
      ['objects in a byte order', 'O8', '<', 63],
      ['objects without flags', 'O8', '|', 0],
      ['complex numbers', 'c16', '<', 0, 'model.dtype'],
      ['half numbers', 'f2', '<', 0, 'model.dtype'],
      ['numbers of half the width', 'f4', '<', 0, 'model.tree-size'],
    ] as const
  ).map(([what, name, order, flags, code = 'model.array']) =>
    inTree(`an array of ${what}`, code, {
      valueArray: array(
        dtype(name, { tuple: [3, order, null, null, null, -1, -1, flags] }),
        [0],
        name === 'O8' ? { list: [] } : Uint8Array.of(),
      ),
    }),
  ),
  inArrayState('an array state with an item more', 1, { tuple: [5, 1, 1] }, F8, false, values5, null),
  inArrayState('an array state without content', 1, { tuple: [5, 1, 1] }, F8, false),
  inArrayState(
    'an array state whose type is a class',
    1,
    { tuple: [5, 1, 1] },
    global('numpy', 'dtype'),
    false,
    values5,
  ),
  inArrayState('an array of numbers in a list', 1, { tuple: [5, 1, 1] }, F8, false, {
    list: [1, 2, 3, 4, 5],
  }),
  inArrayState('an array of objects in bytes', 1, { tuple: [5, 1, 1] }, O8, false, values5),
  inTree('a shape of 33 sides', 'model.array', {
    valueArray: array(F8, [5, ...Array.from({ length: 32 }, () => 1)], values5),
  }),
  inTree('a fractional shape', 'model.array', { valueArray: array(F8, [2.5, 2, 1], values5) }),
  inTree('a shape of words', 'model.array', { valueArray: array(F8, ['5', 1, 1], values5) }),
  inTree('two negative sides', 'model.array', { valueArray: array(F8, [-5, -1, 1], values5) }),
  inTree('values of another length', 'model.tree-size', {
    valueArray: array(F8, [4, 1, 1], values5.subarray(8)),
  }),
  inTree('values in four dimensions', 'model.tree-size', { valueArray: array(F8, [5, 1, 1, 1], values5) }),
  inTree('values of two classes', 'model.tree-size', {
    valueArray: array(F8, [5, 1, 2], doubles([1, 2, 3, 4, 5, 1, 2, 3, 4, 5])),
  }),
  inTree('nodes that are five numbers', 'model.tree-size', { nodeArray: array(F8, [5], values5) }),
  inArrayState('an array of numbers in text', 1, { tuple: [5, 1, 1] }, F8, false, 'x'.repeat(40)),
  inTree('nodes of another length', 'model.tree-size', {
    nodeArray: array(nodeType(), [4], bytes5.subarray(64)),
  }),
  inTree('a node_count above the nodes', 'model.tree-size', { count: 6 }),
  inTree('a node_count below the nodes', 'model.tree-size', { count: 4 }),
  inTree('a node_count of zero', 'model.state-value', { count: 0, nodes: [] }),
  inTree('a node_count of 2^62', 'model.state-value', { count: 2n ** 62n }),
  inTree('a node_count that is text', 'model.state-value', { count: '5' }),
  inTree('a fractional node_count', 'model.state-value', { count: 4.5 }),
  inTree('node bytes cut short', 'model.array', {
    nodeArray: array(nodeType(), [5], bytes5.subarray(0, -1)),
  }),
  inTree('node bytes too long', 'model.array', {
    nodeArray: array(nodeType(), [5], Uint8Array.of(...bytes5, 0)),
  }),
  inTree('a shape whose product overflows', 'model.array', {
    nodeArray: array(nodeType(), [2n ** 62n, 4], bytes5),
  }),
  inTree('a negative shape', 'model.array', { nodeArray: array(nodeType(), [-5], bytes5) }),
  inTree('a shape that is a list', 'model.array', {
    nodeArray: {
      reduce: [
        global('numpy.core.multiarray', '_reconstruct'),
        global('numpy', 'ndarray'),
        { tuple: [0] },
        Uint8Array.of(0x62),
      ],
      state: { tuple: [1, { list: [5] }, nodeType(), false, bytes5] },
    },
  }),
  inTree('a shape of a thousand sides', 'model.array', {
    valueArray: array(F8, [5, ...Array.from({ length: 999 }, () => 1)], values5),
  }),
  inTree('nodes in two dimensions', 'model.tree-size', { nodeArray: array(nodeType(), [5, 1], bytes5) }),
  inTree('nodes of plain numbers', 'model.tree-size', { nodeArray: array(F8, [40], bytes5) }),
  inTree('values in Fortran order', 'model.array', {
    valueArray: array(F8, [5, 1, 1], values5, { fortran: true }),
  }),
  inTree('an array state of version 2', 'model.array', {
    valueArray: array(F8, [5, 1, 1], values5, { version: 2 }),
  }),
  inTree('values of two targets', 'model.array', { valueArray: array(F8, [5, 2, 1], values5) }),
  inTree('values in one dimension', 'model.tree-size', { valueArray: array(F8, [5], values5) }),
  inTree('values as integers', 'model.tree-size', { valueArray: array(I8, [5, 1, 1], values5) }),
  inTree('values as objects', 'model.state-value', {
    valueArray: array(O8, [5, 1, 1], { list: [1, 2, 3, 4, 5] }),
  }),
  inTree('values of another byte order', 'model.dtype', {
    valueArray: array(dtype('f8', { tuple: [3, '>', null, null, null, -1, -1, 0] }), [5, 1, 1], values5),
  }),
  inTree('values whose dtype has no state', 'model.array', {
    valueArray: array({ reduce: [global('numpy', 'dtype'), 'f8', false, true] }, [5, 1, 1], values5),
  }),
  inTree('an array without content', 'model.array', {
    valueArray: {
      reduce: [
        global('numpy.core.multiarray', '_reconstruct'),
        global('numpy', 'ndarray'),
        { tuple: [0] },
        Uint8Array.of(0x62),
      ],
    },
  }),
  inTree('a number for an array', 'model.state-value', { valueArray: 7 }),
  inTree('a number for the nodes', 'model.state-value', { nodeArray: 7 }),
  inTree('a depth in words', 'model.state-value', { depth: 'deep' }),
  inTree('two node fields swapped', 'model.array', {
    nodeArray: array(
      nodeType(NODE_FIELDS.map((f, i) => NODE_FIELDS[i === 0 ? 1 : i === 1 ? 0 : i] ?? f)),
      [5],
      bytes5,
    ),
  }),
  inTree('node fields that overlap', 'model.array', {
    nodeArray: array(
      nodeType(NODE_FIELDS.map(([name, type, at], i) => [name, type, i === 3 ? 16 : at])),
      [5],
      bytes5,
    ),
  }),
  inTree('a threshold stored as an integer', 'model.array', {
    nodeArray: array(
      nodeType(NODE_FIELDS.map(([name, type, at], i) => [name, i === 3 ? I8 : type, at])),
      [5],
      bytes5,
    ),
  }),
  inTree('the node record of 1.2 in a model of 1.4', 'model.parts-disagree', {
    nodeArray: array(nodeType(NODE_FIELDS.slice(0, 7), 56), [1], nodeBytes([leaf(1)]).subarray(0, 56)),
    nodes: [leaf(1)],
  }),
];

export const HOSTILE_ARRAYS: readonly Hostile[] = [...nodes, ...nodeTypes, ...arrays];
