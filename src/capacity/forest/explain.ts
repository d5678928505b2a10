// Why a file does not load, in words that help whoever owns it. The strict pass stops at the first thing that it does
// not know; a second look, which only ever words the refusal, says what the file is. Nothing is accepted here.
import type { Buffer } from 'node:buffer';
import { isText } from '../container/formats.ts';
import { ContainerRefusal } from '../container/refusal.ts';
import { inspectStream, type PickleInspection } from '../pickle/inspect.ts';
import { type PickleCode, PickleRefusal } from '../pickle/refusal.ts';
import { parseWriter, VERSION_KEY } from '../state/writer.ts';

/** Larger streams are refused with what the first pass found; a second one would take too long, and memory. */
const LONGEST = 2 ** 21;

/** These say all there is to say, and a second look at such a stream would take as long again. */
const BOUNDS: readonly PickleCode[] = ['pickle.stack-limit', 'pickle.object-limit', 'pickle.budget'];

/** How a text ends as a pickle. */
const TEXT_CODES: readonly PickleCode[] = [
  'pickle.unknown-opcode',
  'pickle.stack-underflow',
  'pickle.no-mark',
  'pickle.leftover',
];

/** Where models come from. A name of any other package is told as it is: it may be anything. */
const PACKAGES =
  /^(?:sklearn|numpy|scipy|pandas|joblib|xgboost|lightgbm|catboost|imblearn|category_encoders|copy_reg|copyreg|functools|_loss)(?:\.|$)/;

const SEARCH = /^sklearn\.model_selection\._search/;

/** What a refused name means for the file that mentions it, and beside which other name alone. */
const HINTS: readonly (readonly [name: RegExp, hint: string, beside?: RegExp])[] = [
  [/ColumnTransformer|OrdinalEncoder/, 'it transforms columns: categorical features, or a ColumnTransformer'],
  [/^scipy\.stats/, 'a search keeps the distributions it drew from: save its best_estimator_', SEARCH],
  [
    /^sklearn\.(?:metrics|model_selection)/,
    'a search keeps its scorer and splits: save its best_estimator_',
    SEARCH,
  ],
  [/^sklearn\.metrics\._scorer/, 'it keeps its scorer: train it again without scoring'],
  [
    /FunctionTransformer|(?:log1p|expm1|log|exp)$/,
    'it goes through a function: none is run here, and the last bits of exp and log depend on the processor',
  ],
  [
    /_hist_gradient_boosting\.loss/,
    'it is histogram boosting of 1.0 or older: train it again with 1.2 or newer',
  ],
  [/Classifier$/, 'it is a classifier'],
  [/NDArrayWrapper$/, 'joblib before 0.10 wrote several files: dump it again with compress=0 or 3'],
  [/^torch/, 'it is a model of PyTorch'],
  [/^(?:xgboost|lightgbm|catboost)/, 'it is a model of another library'],
];

type Names = PickleInspection['globals'];

const STOP = 0x2e;

/** Any letter or digit may be an opcode: a text falls at its first one, and seldom ends as every pickle does. */
const atFirst = (stream: Buffer, { code, offset }: PickleRefusal): boolean =>
  offset === 0 && code !== 'pickle.global-refused' && stream.at(-1) !== STOP;

/** Returns the refusal that the owner of a file is best told, by the names in it where they are known already. */
export function explain(stream: Buffer, refusal: PickleRefusal, names?: Names): Error {
  if (BOUNDS.includes(refusal.code) || (names === undefined && stream.length > LONGEST)) return refusal;
  if ((TEXT_CODES.includes(refusal.code) || atFirst(stream, refusal)) && isText(stream))
    return new ContainerRefusal('container.format', 0, 'the file is text, not a pickle');
  const all = names ?? inspectStream(stream).globals;
  const ours = all.every(({ name, allowed }) => allowed || PACKAGES.test(name));
  return (ours && otherWriter(stream)) || named(refusal, all);
}

/** What follows a key: perhaps a memo opcode, then text with its length before it. */
const SPELLED = /^(?:\x94|q[\s\S]|r[\s\S]{4})?(?:\x8c([\s\S])|X([\s\S])\0\0\0)/;

const PLAIN_VERSION = /^[0-9][0-9A-Za-z.+]{0,31}$/;

/** The version as the stream spells it behind the first key of that name. For a message only. */
export function spelledVersion(stream: Buffer): string | undefined {
  const at = stream.indexOf(VERSION_KEY);
  if (at < 0) return undefined;
  const after = stream.toString('latin1', at + VERSION_KEY.length, at + VERSION_KEY.length + 48);
  const [opcodes = '', short, long] = SPELLED.exec(after) ?? [];
  const length = (short ?? long)?.charCodeAt(0);
  const version = length === undefined ? '' : after.slice(opcodes.length, opcodes.length + length);
  return PLAIN_VERSION.test(version) ? version : undefined;
}

/** Another version writes other names. */
function otherWriter(stream: Buffer): Error | undefined {
  const version = spelledVersion(stream);
  if (version === undefined) return undefined;
  try {
    parseWriter(version, 0);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : undefined;
  }
}

const NAMES_SHOWN = 4;
const NAME_CODES: readonly PickleCode[] = [
  'pickle.global-refused',
  'pickle.call-refused',
  'pickle.arguments',
  'pickle.build-refused',
  'pickle.wrong-type',
];

function named(refusal: PickleRefusal, all: Names): PickleRefusal {
  const refused = all.filter(({ allowed }) => !allowed);
  const mentions = (pattern: RegExp, among: Names = refused): boolean =>
    among.some(({ name }) => pattern.test(name));
  const [first] = refused;
  if (first === undefined || !NAME_CODES.includes(refusal.code)) return refusal;
  const shown = refused.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = refused.length > NAMES_SHOWN ? `, and ${refused.length - NAMES_SHOWN} more` : '';
  const hint = HINTS.find(
    ([pattern, , beside]) => mentions(pattern) && (beside === undefined || mentions(beside, all)),
  )?.[1];
  const why = `the file holds ${shown.join(', ')}${more}, not on the allow-list`;
  return new PickleRefusal(
    'pickle.global-refused',
    first.offset,
    hint === undefined ? why : `${why}; ${hint}`,
  );
}
