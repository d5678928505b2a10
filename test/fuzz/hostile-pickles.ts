// Hostile and malformed pickles of our own, by family: names, opcodes, stream structure, and model state. Each says
// which code refuses it; the live ones write a file named `marker` when CPython loads them.
import {
  array,
  boosting,
  type Changes,
  doubles,
  dtype,
  F8,
  forest,
  GOOD_NODES,
  I8,
  leaf,
  loss,
  NODE_FIELDS,
  type Node,
  nodeBytes,
  nodeType,
  O8,
  split,
  type TreeChanges,
  tree,
  treeEstimator,
  U1,
} from './model-writer.ts';
import { joined, op, type Py, pickle, type Token, tokensOf } from './pickle-writer.ts';

export interface Hostile {
  readonly family: 'names' | 'opcodes' | 'structure' | 'state';
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  /** True when loading it in CPython runs its payload. */
  readonly live?: true;
}

const global = (module: string, name: string): Py => ({ global: [module, name] });
const TOUCH = 'touch marker';
const stream = (...tokens: (Token | string)[]): Uint8Array =>
  joined(tokens.map((token) => (typeof token === 'string' ? op(token) : token)));
const proto = (version: number): Token => op(0x80, version);

const live = (what: string, bytes: Uint8Array, code = 'pickle.global-refused'): Hostile => ({
  family: 'names',
  what,
  bytes,
  code,
  live: true,
});
const named = (what: string, value: Py, code = 'pickle.global-refused'): Hostile => ({
  family: 'names',
  what,
  bytes: pickle(value),
  code,
});

const system: Py = { reduce: [global('os', 'system'), TOUCH] };
const names: readonly Hostile[] = [
  live('os.system by STACK_GLOBAL and REDUCE', pickle(system)),
  live('os.system by GLOBAL in protocol 0', stream('cos\nsystem\n(Vtouch marker\ntR.')),
  live('posix.system', pickle({ reduce: [global('posix', 'system'), TOUCH] })),
  live('builtins.exec', pickle({ reduce: [global('builtins', 'exec'), "open('marker','w')"] })),
  live('builtins.eval under its Python 2 name', stream("c__builtin__\neval\n(Vopen('marker','w')\ntR.")),
  live(
    'subprocess.Popen',
    pickle({ reduce: [global('subprocess', 'Popen'), { list: ['touch', 'marker'] }] }),
  ),
  live(
    'a function reached through a dotted name',
    pickle({ reduce: [global('shutil', 'os.system'), TOUCH] }),
  ),
  live('pty.spawn', pickle({ reduce: [global('pty', 'spawn'), { list: ['touch', 'marker'] }] })),
  live('a payload beside a good model', pickle({ tuple: [system, forest()] })),
  live('a payload inside a setting of a good model', pickle(forest({ n_jobs: system }))),
  live(
    'a payload as a state key',
    pickle({
      newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
      state: { dict: [[system, 1]] },
    }),
  ),
  live(
    'getattr on an imported module',
    pickle({
      reduce: [
        {
          reduce: [
            global('builtins', 'getattr'),
            { reduce: [global('importlib', 'import_module'), 'os'] },
            'system',
          ],
        },
        TOUCH,
      ],
    }),
  ),
  live(
    'map over a payload, drawn from by list',
    pickle({
      reduce: [
        global('builtins', 'list'),
        { reduce: [global('builtins', 'map'), global('os', 'system'), { list: [TOUCH] }] },
      ],
    }),
  ),
  ...[
    ['a dot moved between module and name', 'sklearn.ensemble', '_forest.RandomForestRegressor'],
    ['a module with the name in it', 'sklearn.ensemble._forest.RandomForestRegressor', ''],
    ['the name of an object’s prototype', '__proto__', 'toString'],
    ['a constructor', 'constructor', 'constructor'],
    ['a name from an allowed module', 'sklearn.tree._classes', 'export_text'],
    ['a module of an allowed module', 'numpy', 'core.multiarray._reconstruct'],
    ['other letters that look the same', 'sklearn.tree._tree', 'Τree'],
    ['a NUL behind an allowed name', 'numpy', 'dtype\0'],
    ['a space before an allowed name', ' numpy', 'dtype'],
    ['upper case', 'Numpy', 'dtype'],
    ['a classifier', 'sklearn.ensemble._forest', 'RandomForestClassifier'],
    ['joblib’s array wrapper', 'joblib.numpy_pickle', 'NumpyArrayWrapper'],
    ['numpy.load', 'numpy', 'load'],
    ['operator.attrgetter', 'operator', 'attrgetter'],
    ['functools.partial', 'functools', 'partial'],
    ['pip.main', 'pip', 'main'],
    ['_codecs.decode', '_codecs', 'decode'],
    ['copyreg.add_extension', 'copyreg', 'add_extension'],
    ['pickle.loads', 'pickle', 'loads'],
    ['ctypes', 'ctypes', 'CDLL'],
  ].map(([what = '', module = '', name = '']) => named(what, global(module, name))),
  named(
    'a name that is not text',
    { raw: [...tokensOf(1), ...tokensOf('dtype'), op(0x93)] },
    'pickle.wrong-type',
  ),
  ...(
    [
      [
        'an estimator called with REDUCE',
        { reduce: [global('sklearn.tree._classes', 'DecisionTreeRegressor')] },
      ],
      ['dtype made by NEWOBJ', { newobj: global('numpy', 'dtype') }],
      ['Tree made by NEWOBJ', { newobj: global('sklearn.tree._tree', 'Tree') }],
      ['a class that is only an argument', { reduce: [global('numpy', 'ndarray'), { tuple: [1] }] }],
    ] as const
  ).map(([what, value]) => named(what, value, 'pickle.call-refused')),
  ...(
    [
      [
        'an estimator made with arguments',
        { newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'), args: [1] },
      ],
      ['dtype of Python source', { reduce: [global('numpy', 'dtype'), { list: [] }, false, true] }],
      ['dtype that is aligned', { reduce: [global('numpy', 'dtype'), 'f8', true, true] }],
      [
        'an array of a given size',
        {
          reduce: [
            global('numpy.core.multiarray', '_reconstruct'),
            global('numpy', 'ndarray'),
            { tuple: [2 ** 30] },
            Uint8Array.of(0x62),
          ],
        },
      ],
      [
        'an array of another class',
        {
          reduce: [
            global('numpy.core.multiarray', '_reconstruct'),
            global('numpy', 'dtype'),
            { tuple: [0] },
            Uint8Array.of(0x62),
          ],
        },
      ],
      [
        'a buffer in Fortran order',
        { reduce: [global('numpy.core.numeric', '_frombuffer'), Uint8Array.of(1), U1, { tuple: [1] }, 'F'] },
      ],
      ['encode with a codec that inflates', { reduce: [global('_codecs', 'encode'), 'x', 'zlib'] }],
      ['encode with its default codec', { reduce: [global('_codecs', 'encode'), 'x'] }],
      [
        'a reconstructor of an array',
        {
          reduce: [
            global('copy_reg', '_reconstructor'),
            global('numpy', 'ndarray'),
            global('__builtin__', 'object'),
            null,
          ],
        },
      ],
      [
        'a reconstructor with a state of its base',
        {
          reduce: [
            global('copy_reg', '_reconstructor'),
            global('sklearn.tree._classes', 'DecisionTreeRegressor'),
            global('__builtin__', 'object'),
            1,
          ],
        },
      ],
      [
        'a generator of another kind',
        { reduce: [global('numpy.random._pickle', '__bit_generator_ctor'), 'PCG64'] },
      ],
      ['a Tree without its arguments', { reduce: [global('sklearn.tree._tree', 'Tree')] }],
    ] as const
  ).map(([what, value]) => named(what, value, 'pickle.arguments')),
  named(
    'a name that is a number',
    { raw: [...tokensOf('numpy'), ...tokensOf(1), op(0x93)] },
    'pickle.wrong-type',
  ),
  named('a call of a number', { reduce: [1, 2] }, 'pickle.wrong-type'),
  named('a call of a call', { reduce: [F8, 2] }, 'pickle.wrong-type'),
];

const opcode = (what: string, code: string, ...tokens: (Token | string)[]): Hostile => ({
  family: 'opcodes',
  what,
  bytes: stream(...tokens),
  code,
});
const REFUSED = 'pickle.opcode-refused';
const dotted = tokensOf('touch marker');
const opcodes: readonly Hostile[] = [
  { ...opcode('INST', REFUSED, '(Vtouch marker\nios\nsystem\n.'), live: true },
  { ...opcode('OBJ', 'pickle.global-refused', '(cos\nsystem\nVtouch marker\no.'), live: true },
  {
    ...opcode('BUILD on a payload’s result', 'pickle.global-refused', 'cos\nsystem\n(Vtouch marker\ntR}b.'),
    live: true,
  },
  opcode('OBJ of an allowed class', REFUSED, '(csklearn.tree._classes\nDecisionTreeRegressor\no.'),
  opcode(
    'NEWOBJ_EX',
    REFUSED,
    proto(4),
    ...tokensOf(global('sklearn.tree._classes', 'DecisionTreeRegressor')),
    ')}',
    op(0x92),
    '.',
  ),
  opcode('PERSID', REFUSED, 'P1\n.'),
  opcode('BINPERSID', REFUSED, 'K\x01Q.'),
  opcode('EXT1', REFUSED, proto(2), op(0x82, 1), '.'),
  opcode('EXT2', REFUSED, proto(2), op(0x83, 1, 0), '.'),
  opcode('EXT4', REFUSED, proto(2), op(0x84, 1, 0, 0, 0), '.'),
  opcode('STRING', REFUSED, "S'a'\n."),
  opcode('BINSTRING', REFUSED, 'T', op(1, 0, 0, 0), 'a.'),
  opcode('SHORT_BINSTRING', REFUSED, 'U\x01a.'),
  opcode('POP', REFUSED, 'NN0.'),
  opcode('POP_MARK', REFUSED, 'N(N1.'),
  opcode('DUP', REFUSED, 'N2.'),
  opcode('EMPTY_SET', REFUSED, proto(4), op(0x8f), '.'),
  opcode('ADDITEMS', REFUSED, proto(4), 'N(N', op(0x90), '.'),
  opcode('FROZENSET', REFUSED, proto(4), '(N', op(0x91), '.'),
  opcode('LONG4', REFUSED, proto(2), op(0x8b, 255, 255, 255, 127), '.'),
  opcode('BINUNICODE8', REFUSED, proto(4), op(0x8d, 1, 0, 0, 0, 0, 0, 0, 0), 'a.'),
  opcode('BINBYTES8', REFUSED, proto(4), op(0x8e, 255, 255, 255, 255, 255, 255, 255, 255), '.'),
  opcode('NEXT_BUFFER', REFUSED, proto(5), op(0x97), '.'),
  opcode('READONLY_BUFFER', REFUSED, proto(5), 'N', op(0x98), '.'),
  {
    ...opcode(
      'a memoised payload called late',
      'pickle.global-refused',
      proto(4),
      ...tokensOf(global('os', 'system')),
      op(0x94),
      'h\0',
      ...dotted,
      op(0x85),
      'R',
      op(0x86),
      '.',
    ),
    live: true,
  },
];

const good = pickle(forest());
const body = good.subarray(2);
const length8 = (value: number): number[] => [...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)];
const framed = (length: number): Token => op(0x95, length8(length));
const shaped = (what: string, code: string, ...tokens: (Token | string)[]): Hostile => ({
  family: 'structure',
  what,
  bytes: stream(...tokens),
  code,
});
const shared = (value: Py, uses: (get: Token) => Token[]): Py => ({
  raw: [...tokensOf(value), op('q', 0), ...uses(op('h', 0))],
});
const structure: readonly Hostile[] = [
  shaped('nothing', 'pickle.truncated'),
  shaped('zeros', 'pickle.unknown-opcode', op(Array.from({ length: 4096 }, () => 0))),
  shaped('a zip container', REFUSED, 'PK\x03\x04', op(Array.from({ length: 64 }, () => 0x0a)), good),
  shaped('a 7z container', 'pickle.unknown-opcode', op(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), good),
  shaped('a good model, then a payload', 'pickle.trailing-bytes', good, pickle(system)),
  { ...shaped('a payload, then a good model', 'pickle.global-refused', pickle(system), good), live: true },
  shaped('a good model, then one byte', 'pickle.trailing-bytes', good, '\0'),
  shaped('a good model without STOP', 'pickle.truncated', good.subarray(0, -1)),
  shaped('a good model above a leftover', 'pickle.leftover', proto(4), 'N', body),
  shaped('a good model above a mark', 'pickle.leftover', proto(4), '(', body),
  shaped('PROTO late', 'pickle.proto-position', proto(4), 'N', proto(4), body),
  shaped('PROTO lowered midway', 'pickle.proto-position', proto(4), proto(2), body),
  shaped('a protocol too low for what follows', 'pickle.opcode-newer', proto(2), body),
  shaped('a frame that ends inside an opcode', 'pickle.frame-straddled', proto(4), framed(20), body),
  shaped(
    'a frame in a frame',
    'pickle.frame-nested',
    proto(4),
    framed(body.length + 9),
    framed(body.length),
    body,
  ),
  shaped('a frame beyond the end', 'pickle.truncated', proto(4), framed(body.length + 1), body),
  shaped('a frame of 2^63 bytes', 'pickle.truncated', proto(4), op(0x95, 0, 0, 0, 0, 0, 0, 0, 128), body),
  shaped('bytes of 2^32 - 1', 'pickle.truncated', proto(4), 'B', op(255, 255, 255, 255), body),
  shaped('a memo index of 2^31', 'pickle.memo-order', 'Nr', op(0, 0, 0, 128), '.'),
  shaped('a billion laughs in lists', 'pickle.changed-after-use', ']', 'q\0', '(h\0h\0e.'),
  shaped(
    'lists nested a million deep',
    'pickle.stack-limit',
    ']'.repeat(1_000_000),
    'a'.repeat(999_999),
    '.',
  ),
  shaped(
    'tuples nested 200,000 deep',
    'pickle.budget',
    proto(2),
    ')',
    op(Array.from({ length: 200_000 }, () => 0x85)),
    '.',
  ),
  shaped('an integer of a million digits', 'pickle.bad-text', 'I', '9'.repeat(1_000_000), '\n.'),
  shaped(
    'an integer of 255 bytes',
    'pickle.bad-number',
    proto(2),
    op(0x8a, 255),
    op(Array.from({ length: 255 }, () => 1)),
    '.',
  ),
  shaped('a name of a million letters', 'pickle.bad-text', 'c', 'a'.repeat(1_000_000), '\nb\n.'),
  ...Array.from({ length: 40 }, (_, i) => {
    const cut = Math.floor(((i + 1) * good.length) / 41);
    return shaped(`a good model cut after ${cut} bytes`, 'pickle.truncated', good.subarray(0, cut));
  }),
];

const state = (what: string, code: string, value: Py): Hostile => ({
  family: 'state',
  what,
  bytes: pickle(value),
  code,
});
const inTree = (what: string, code: string, changes: TreeChanges): Hostile =>
  state(what, code, treeEstimator({ tree_: tree(changes) }));
const inNodes = (what: string, code: string, index: number, change: Partial<Node>): Hostile =>
  inTree(what, code, { nodes: GOOD_NODES.map((node, i) => (i === index ? { ...node, ...change } : node)) });
const inForest = (what: string, code: string, changes: Changes): Hostile =>
  state(what, code, forest(changes));
const bytes5 = nodeBytes(GOOD_NODES);
const values5 = doubles([1, 2, 3, 4, 5]);
const single = treeEstimator();

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
  inNodes('a missing-value flag of 255', 'model.tree-missing-flag', 3, { missing: 255 }),
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

const fieldNames: readonly Py[] = NODE_FIELDS.map(([name]) => name);
const fieldEntries = NODE_FIELDS.map(([name, type, at]): [Py, Py] => [name, { tuple: [type, at] }]);
/** The state of the node dtype, one item of which is another. */
const nodeState = (index: number, item: Py): Py =>
  dtype('V64', {
    tuple: ([3, '|', null, { tuple: fieldNames }, { dict: fieldEntries }, 64, 1, 16] as Py[]).with(
      index,
      item,
    ),
  });
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
      ['half numbers', 'f4', '<', 0],
    ] as const
  ).map(([what, name, order, flags]) =>
    inTree(`an array of ${what}`, 'model.array', {
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
  inTree('values of another byte order', 'model.array', {
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

/** A bytearray, which numpy takes for bytes in one place only. */
const byteArray = (content: Uint8Array): Py => ({
  raw: [op(0x96, new Uint8Array(BigUint64Array.of(BigInt(content.length)).buffer), content)],
});
const protocol5 = (what: string, code: string, value: Py): Hostile => ({
  family: 'state',
  what,
  bytes: stream(proto(5), ...tokensOf(value), '.'),
  code,
});
const one = array(I8, [1], doubles([5e-324]));

/** Where a whole number is due, Python takes 5 and refuses 5.0; numpy does the same with bytes and bytearrays. */
const otherKinds: readonly Hostile[] = [
  inTree('a node_count of 5.0', 'model.state-value', { count: { float: 5 } }),
  inTree('a Tree of 2.0 features', 'pickle.arguments', { args: [{ float: 2 }, one, 1] }),
  inTree('a Tree of 1.0 targets', 'pickle.arguments', { args: [2, one, { float: 1 }] }),
  inTree('a shape of 5.0', 'model.array', { nodeArray: array(nodeType(), [{ float: 5 }], bytes5) }),
  inTree('an array state of version 1.0', 'model.array', {
    valueArray: array(F8, [5, 1, 1], values5, { version: { float: 1 } }),
  }),
  inTree('values whose dtype is of version 3.0', 'model.array', {
    valueArray: array(
      dtype('f8', { tuple: [{ float: 3 }, '<', null, null, null, -1, -1, 0] }),
      [5, 1, 1],
      values5,
    ),
  }),
  inTree('a node field at 8.0', 'model.array', {
    nodeArray: array(
      nodeState(4, {
        dict: fieldEntries.map(([name, field], i) => [name, i === 1 ? { tuple: [I8, { float: 8 }] } : field]),
      }),
      [5],
      bytes5,
    ),
  }),
  state('a forest of 2.0 trees', 'model.state-value', forest({ n_estimators: { float: 2 } })),
  state('a forest of 1.0 jobs', 'model.state-value', forest({ n_jobs: { float: 1 } })),
  protocol5(
    'an array whose state is a bytearray',
    'model.array',
    treeEstimator({ tree_: tree({ valueArray: array(F8, [5, 1, 1], byteArray(values5)) }) }),
  ),
  protocol5('an array of a kind in a bytearray', 'pickle.arguments', {
    reduce: [
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      { tuple: [0] },
      byteArray(Uint8Array.of(0x62)),
    ],
  }),
  protocol5('a scalar in a bytearray', 'pickle.arguments', {
    reduce: [global('numpy.core.multiarray', 'scalar'), F8, byteArray(doubles([1]))],
  }),
];

const cyLoss = (name: string, digest: number, fields: readonly Py[]): Py => ({
  reduce: [
    global('sklearn._loss._loss', `__pyx_unpickle_Cy${name}`),
    global('sklearn._loss._loss', `Cy${name}`),
    digest,
    { tuple: fields },
  ],
});
const key624 = new Uint8Array(4 * 624);
const U4 = dtype('u4', { tuple: [3, '<', null, null, null, -1, -1, 0] });
/** A random generator as numpy 2 pickles it, the lower half of which may be another. */
const generator = (pos: number, key: Py = array(U4, [624], key624), seeds: Py = null): Py => {
  const twister = (at: Py, words: Py): [Py, Py][] => [
    ['bit_generator', 'MT19937'],
    ['state', { dict: Object.entries({ key: words, pos: at }) }],
  ];
  return {
    reduce: [
      global('numpy.random._pickle', '__randomstate_ctor'),
      {
        reduce: [
          global('numpy.random._pickle', '__bit_generator_ctor'),
          global('numpy.random._mt19937', 'MT19937'),
        ],
        state: { tuple: [{ dict: twister(pos, key) }, seeds] },
      },
    ],
    state: {
      dict: [...twister(624, array(U4, [624], key624)), ['has_gauss', 0], ['gauss', { float: 0 }]],
    },
  };
};

/** What predict never looks at, and what a Python that loads the model, or trains with it again, runs into. */
const unread: readonly Hostile[] = [
  state(
    'a loss in C without its quantile: CPython reads behind the tuple and crashes',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('PinballLoss', 0xde00222, []) }) }),
  ),
  state(
    'a loss in C without its delta: the same',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('HuberLoss', 0x4f4a941, []) }) }),
  ),
  state(
    'a loss in C with a dict beside its quantile',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('PinballLoss', 0xde00222, [{ float: 0.5 }, { dict: [] }]) }) }),
  ),
  state(
    'a loss in C of other fields',
    'pickle.arguments',
    boosting({ _loss: loss({ closs: cyLoss('HalfSquaredError', 1, []) }) }),
  ),
  state(
    'a model in the place of a loss in C',
    'model.state-value',
    boosting({ _loss: loss({ closs: single }) }),
  ),
  state(
    'an interval of two lists',
    'model.state-value',
    boosting({
      _loss: loss({
        interval_y_true: {
          newobj: global('sklearn._loss.link', 'Interval'),
          state: { dict: [['low', { list: [] }]] },
        },
      }),
    }),
  ),
  state(
    'a generator that draws behind its key: CPython crashes when it trains again',
    'model.state-value',
    treeEstimator({ random_state: generator(1_000_000) }),
  ),
  state(
    'a generator that draws before its key',
    'model.state-value',
    treeEstimator({ random_state: generator(-1) }),
  ),
  state(
    'a generator with a short key',
    'model.state-value',
    treeEstimator({ random_state: generator(0, array(U4, [1], new Uint8Array(4))) }),
  ),
  state(
    'a generator grown from a model',
    'model.state-value',
    treeEstimator({ random_state: generator(0, undefined, single) }),
  ),
  inForest('a model among the monotonic constraints', 'model.state-value', {
    monotonic_cst: { list: [forest()] },
  }),
  inForest('a model among the names of features', 'model.state-value', {
    feature_names_in_: array(O8, [2], { list: ['a', forest()] }),
  }),
  inForest('a model among the scores', 'model.state-value', {
    oob_prediction_: array(O8, [1], { list: [forest()] }),
  }),
  state(
    'boosting whose unfitted start holds a model',
    'model.state-value',
    boosting({
      init: {
        newobj: global('sklearn.dummy', 'DummyRegressor'),
        state: {
          dict: [
            ['strategy', 'mean'],
            ['constant', forest()],
          ],
        },
      },
    }),
  ),
];

const keys: readonly Hostile[] = [
  inTree('a Tree with an unlisted key', 'model.state-unlisted', { extra: [['__class__', 1]] }),
  inTree('a Tree with a key twice', 'model.state-duplicate', { extra: [['node_count', 5]] }),
  inTree('a Tree without values', 'model.state-missing', { without: 'values' }),
  inTree('a Tree without a depth', 'model.state-missing', { without: 'max_depth' }),
  inTree('a Tree built twice', 'pickle.second-build', { again: { dict: [] } }),
  inTree('a Tree for three features', 'model.parts-disagree', {
    args: [3, array(I8, [1], doubles([5e-324])), 1],
  }),
  inTree('a Tree of two targets', 'model.unsupported', { args: [2, array(I8, [1], doubles([5e-324])), 2] }),
  inTree('a Tree that counts its classes in floats', 'model.unsupported', {
    args: [2, array(F8, [1], doubles([5e-324])), 1],
  }),
  inTree('a Tree that counts its classes twice', 'model.unsupported', {
    args: [2, array(I8, [1, 1], doubles([5e-324])), 1],
  }),
  inTree('a Tree that counts no classes', 'model.unsupported', {
    args: [2, array(I8, [0], Uint8Array.of()), 1],
  }),
  inTree('a Tree of 257 classes', 'model.unsupported', {
    args: [2, array(I8, [1], Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0)), 1],
  }),
  inTree('a Tree of two classes', 'model.unsupported', { args: [2, array(I8, [1], doubles([1e-323])), 1] }),
  state('an estimator without state', 'model.state-missing', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
  }),
  state('an estimator with a list for state', 'pickle.build-refused', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { list: [] },
  }),
  state('an estimator with slots beside its state', 'pickle.build-refused', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { tuple: [{ dict: [] }, { dict: [] }] },
  }),
  state('an estimator built twice', 'pickle.second-build', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { dict: [] },
    again: { dict: [] },
  }),
  state('an estimator built after it was used', 'pickle.changed-after-use', {
    raw: [
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('q', 0),
      op('h', 0),
      op('}'),
      op('b'),
      op(0x86),
    ],
  }),
  state('a key that is not text', 'model.state-unlisted', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { dict: [[1, 1]] },
  }),
  state('a key that is a prototype', 'model.state-unlisted', treeEstimator({ ['__proto__x']: 1 })),
  state('an unfitted tree', 'model.state-missing', treeEstimator({ tree_: undefined })),
  state('a tree of no version', 'model.state-missing', treeEstimator({ _sklearn_version: undefined })),
  state('a tree of 1.1', 'model.version', treeEstimator({ _sklearn_version: '1.1.3' })),
  state('a tree of 1.5', 'model.version', treeEstimator({ _sklearn_version: '1.5.0' })),
  state('a tree of a development version', 'model.version', treeEstimator({ _sklearn_version: '1.4.dev0' })),
  state(
    'a tree of 1.2 with the nodes of 1.3',
    'model.parts-disagree',
    treeEstimator({ _sklearn_version: '1.2.2' }),
  ),
  state('a tree of two targets', 'model.unsupported', treeEstimator({ n_outputs_: 2 })),
  state(
    'a tree of ten thousand and one features',
    'model.unsupported',
    treeEstimator({ n_features_in_: 10_001 }),
  ),
  state('a tree of no features', 'model.state-value', treeEstimator({ n_features_in_: 0 })),
  state('a tree for which True is a number', 'model.state-value', treeEstimator({ n_features_in_: true })),
  state('a tree whose tree_ is a tree estimator', 'model.state-value', treeEstimator({ tree_: single })),
  ...['x1.4.2', '1x4.2', '1.4.2rc1', '1.4.123', '1.4.2.post123', '1.4'].map((version) =>
    state(`a tree of ${version}`, 'model.version', treeEstimator({ _sklearn_version: version })),
  ),
  inForest('a forest of two targets', 'model.unsupported', { n_outputs_: 2 }),
  state('boosting from a start of two targets', 'model.unsupported', boosting({}, { n_outputs_: 2 })),
  state(
    'boosting whose stages have a third dimension',
    'model.unsupported',
    boosting({ estimators_: array(O8, [2, 1, 1], { list: [single, single] }) }),
  ),
  state('an estimator in its own state', 'pickle.changed-after-use', {
    raw: [
      op('}'),
      op('q', 0),
      ...tokensOf('estimator'),
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('h', 0),
      op('b'),
      op('s'),
    ],
  }),
  state('an estimator whose state is filled after it was given', 'pickle.changed-after-use', {
    raw: [
      ...tokensOf({ newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor') }),
      op('}'),
      op('q', 0),
      op('b'),
      op('h', 0),
      ...tokensOf(1),
      ...tokensOf(1),
      op('s'),
      op(0x86),
    ],
  }),
  inForest('a forest with an unlisted key', 'model.state-unlisted', { predict: 1 }),
  inForest('a forest of no trees', 'model.parts-disagree', { estimators_: { list: [] }, n_estimators: 1 }),
  inForest('a forest without n_jobs', 'model.state-missing', { n_jobs: undefined }),
  inForest('a forest of no jobs', 'model.state-value', { n_jobs: 0 }),
  inForest('a forest without verbose', 'model.state-missing', { verbose: undefined }),
  inForest('a forest that miscounts', 'model.parts-disagree', { n_estimators: 3 }),
  inForest('a forest of numbers', 'model.state-value', { estimators_: { list: [1, 2] } }),
  inForest('a forest of a tuple', 'model.state-value', { estimators_: { tuple: [single, single] } }),
  inForest('a forest of extra trees', 'model.state-value', {
    estimators_: { list: [treeEstimator({}, 'ExtraTreeRegressor'), single] },
  }),
  inForest('a forest of forests', 'model.state-value', { estimators_: { list: [forest(), forest()] } }),
  inForest('a forest of three features over trees of two', 'model.parts-disagree', { n_features_in_: 3 }),
  inForest('a forest of 1.4.1 over trees of 1.4.2', 'model.parts-disagree', { _sklearn_version: '1.4.1' }),
  inForest('a forest whose pattern is fitted', 'model.state-value', { estimator: single }),
  inForest('a forest with one tree twice', 'model.shared', {
    estimators_: { raw: [op(']'), op('('), ...tokensOf(shared(single, (get) => [get])), op('e')] },
  }),
  inForest(
    'a forest with one array twice',
    'model.shared',
    (() => {
      const nodesOnce = array(nodeType(), [5], bytes5);
      const first = treeEstimator({
        tree_: tree({ nodeArray: { raw: [...tokensOf(nodesOnce), op('q', 0)] } }),
      });
      const second = treeEstimator({ tree_: tree({ nodeArray: { raw: [op('h', 0)] } }) });
      return { estimators_: { list: [first, second] } };
    })(),
  ),
  inForest(
    'a forest with one array of values twice',
    'model.shared',
    (() => {
      const once = array(F8, [5, 1, 1], values5);
      const first = treeEstimator({ tree_: tree({ valueArray: { raw: [...tokensOf(once), op('q', 0)] } }) });
      const second = treeEstimator({ tree_: tree({ valueArray: { raw: [op('h', 0)] } }) });
      return { estimators_: { list: [first, second] } };
    })(),
  ),
  state(
    'boosting with two trees per stage',
    'model.unsupported',
    boosting({ estimators_: array(O8, [1, 2], { list: [single, single] }) }),
  ),
  state(
    'boosting whose stages are numbers',
    'model.unsupported',
    boosting({ estimators_: array(F8, [2, 1], doubles([1, 2])) }),
  ),
  state(
    'boosting whose shape lies',
    'model.array',
    boosting({ estimators_: array(O8, [3, 1], { list: [single, single] }) }),
  ),
  state('boosting that miscounts', 'model.parts-disagree', boosting({ n_estimators_: 3 })),
  state('boosting by NaN', 'model.state-value', boosting({ learning_rate: { float: Number.NaN } })),
  state('boosting by text', 'model.state-value', boosting({ learning_rate: '0.1' })),
  state(
    'boosting from infinity',
    'model.state-value',
    boosting({}, { constant_: array(F8, [1, 1], doubles([Infinity])) }),
  ),
  state(
    'boosting from two constants',
    'model.state-value',
    boosting({}, { constant_: array(F8, [1, 2], doubles([1, 2])) }),
  ),
  state('boosting from an estimator', 'model.state-value', boosting({ init_: single })),
  state('boosting from nothing', 'model.state-value', boosting({ init_: null })),
  state(
    'boosting from a start of another version',
    'model.parts-disagree',
    boosting({}, { _sklearn_version: '1.3.0' }),
  ),
  state(
    'boosting that shapes its start for two trees per stage: scikit-learn would answer twice for each row',
    'model.state-value',
    boosting({ init_: 'zero', n_trees_per_iteration_: 2 }),
  ),
  state(
    'boosting that does not shape its start',
    'model.state-missing',
    boosting({ n_trees_per_iteration_: undefined }),
  ),
  state(
    'boosting of 1.4 with a loss of 1.3',
    'model.parts-disagree',
    boosting({
      _loss: {
        newobj: global('sklearn.ensemble._gb_losses', 'LeastSquaresError'),
        state: { dict: [['K', 1]] },
      },
    }),
  ),
  state('boosting without a loss', 'model.state-missing', boosting({ _loss: undefined })),
  state('boosting through another link', 'model.state-value', boosting({ _loss: loss({ link: null }) })),
  state('a number', 'model.not-an-estimator', 42),
  state('a list of models', 'model.not-an-estimator', { list: [forest()] }),
  state('a start on its own', 'model.not-an-estimator', {
    newobj: global('sklearn.dummy', 'DummyRegressor'),
    state: { dict: [['strategy', 'mean']] },
  }),
  state(
    'a class instead of an object',
    'model.not-an-estimator',
    global('sklearn.tree._classes', 'DecisionTreeRegressor'),
  ),
  state(
    'a deep tree of one long chain that ends nowhere',
    'model.tree-child',
    treeEstimator({
      tree_: tree({ nodes: Array.from({ length: 1000 }, (_, i) => split(i + 1, i + 2, 0, i)) }),
    }),
  ),
];

/** Record types each of which has the one before as the type of its first field: who follows them falls off the stack. */
function recordsInRecords(depth: number): Token[] {
  const type = tokensOf({ global: ['numpy', 'dtype'] });
  const records = Array.from({ length: depth }, (_, i): Token[] => [
    op('h', 0),
    ...tokensOf({ tuple: ['V64', false, true] }),
    op('R'),
    ...tokensOf({
      tuple: [
        3,
        '|',
        null,
        { tuple: NODE_FIELDS.map(([name]) => name) },
        {
          dict: NODE_FIELDS.map(([name, , at], field) => {
            const inner: Py =
              field === 0 && i > 0 ? { raw: [op('j', new Uint8Array(Uint32Array.of(i).buffer))] } : null;
            return [name, { tuple: [inner, at] }];
          }),
        },
        64,
        1,
        16,
      ],
    }),
    op('b'),
    op('r', new Uint8Array(Uint32Array.of(i + 1).buffer)),
    op('a'),
  ]);
  // Named once, so that the rest is short; the list is where the records wait.
  return [op(']'), ...type, op('q', 0), op('a'), ...records.flat()];
}

const deep: readonly Hostile[] = [
  // The pass stays within its budget; whoever then reads the state does not, and must refuse it in the same way.
  state('a state of fifty thousand values', 'pickle.budget', {
    newobj: global('sklearn.tree._classes', 'DecisionTreeRegressor'),
    state: { raw: [op('}'), op(`(${'N'.repeat(1000)}u`.repeat(50))] },
  }),
  state(
    'an array of records in records in records',
    'model.array',
    treeEstimator({
      feature_names_in_: array(
        { raw: [op('j', new Uint8Array(Uint32Array.of(5_000).buffer))] },
        [{ raw: recordsInRecords(5_000) }], // what comes before the type that it defines
        new Uint8Array(),
      ),
    }),
  ),
];

export const HOSTILE: readonly Hostile[] = [
  ...names,
  ...opcodes,
  ...structure,
  ...nodes,
  ...nodeTypes,
  ...arrays,
  ...otherKinds,
  ...unread,
  ...keys,
  ...deep,
];
