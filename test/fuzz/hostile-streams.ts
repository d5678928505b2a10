// Streams that are hostile whatever they are read for: by the names in them, their opcodes, or their structure.

import { global, type Hostile, proto, stream } from './hostile.ts';
import { F8, forest, U1 } from './model-writer.ts';
import { op, type Py, pickle, type Token, tokensOf } from './pickle-writer.ts';

const TOUCH = 'touch marker';

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
    ['joblib’s wrapper of several files', 'joblib.numpy_pickle', 'NDArrayWrapper'],
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
        'a buffer in any order',
        { reduce: [global('numpy.core.numeric', '_frombuffer'), Uint8Array.of(1), U1, { tuple: [1] }, 'A'] },
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
const structure: readonly Hostile[] = [
  shaped('a mark and nothing more', 'pickle.truncated', '('),
  shaped('zeros', 'pickle.unknown-opcode', op(Array.from({ length: 4096 }, () => 0))),
  shaped(
    'a zip container',
    'container.format',
    'PK\x03\x04',
    op(Array.from({ length: 64 }, () => 0x0a)),
    good,
  ),
  shaped('a 7z container', 'container.format', op(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), good),
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

export const HOSTILE_STREAMS: readonly Hostile[] = [...names, ...opcodes, ...structure];
