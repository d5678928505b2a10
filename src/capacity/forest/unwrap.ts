// Where in a file the model is. People save it alone, in the search that found it, or in a dict beside other things;
// what is unambiguous is unwrapped by name, and what is not has to be asked for.
import { ModelRefusal } from '../model-refusal.ts';
import { Dict, List, Made, Tuple, type Value } from '../pickle/values.ts';
import { isRegressor, isTransformer } from '../regressors/read.ts';
import { SEARCHES } from '../regressors/search.ts';
import { readState } from '../state/state.ts';
import { plain, SEARCH } from '../state/wrappers.ts';
import { requireWriter } from '../state/writer.ts';

/** A model, and what was unwrapped to get to it. */
export interface Found {
  readonly model: Made;
  /** As Python would write it after the value: `best_estimator_`, `['model']`, `[0]`. Empty for the value itself. */
  readonly at: string;
  /** What lies beside the model and plays no part in its predictions. */
  readonly beside: readonly string[];
}

interface Place {
  readonly at: string;
  readonly value: Value;
}

/** Far more than anybody puts beside a model. */
const MOST_PLACES = 10_000;
const MOST_LEVELS = 8;
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_ .-]{0,79}$/;

const isSearch = (value: Made): boolean => SEARCHES.includes(value.allowed.name);

/** Every estimator that lies in the lists, tuples and dicts of a value, in their order. */
function estimatorsIn(root: Value): readonly Place[] {
  const found: Place[] = [];
  let places = 0;
  const look = (value: Value, at: string, level: number): void => {
    if (++places > MOST_PLACES || level > MOST_LEVELS)
      throw new ModelRefusal(
        'model.unsupported',
        'the file holds more than a model and a few things beside it',
        0,
      );
    if (value instanceof List || value instanceof Tuple)
      for (const [i, item] of value.items.entries()) look(item, `${at}[${i}]`, level + 1);
    else if (value instanceof Dict) {
      requireKeys(value);
      for (let i = 0; i < value.entries.length; i += 2)
        look(value.entries[i + 1] ?? null, `${at}[${keyText(value.entries[i])}]`, level + 1);
    } else if (isRegressor(value) || isTransformer(value)) found.push({ at, value });
  };
  look(root, '', 0);
  return found;
}

/** Of two equal keys Python keeps the last, and fails for a key that is a list. */
function requireKeys({ entries }: Dict): void {
  const keys = new Set<Value>();
  for (let i = 0; i < entries.length; i += 2) {
    const key = entries[i] ?? null;
    if (typeof key !== 'string' && typeof key !== 'number')
      throw new ModelRefusal('model.state-value', 'a dict has a key that is neither a word nor a number', 0);
    if (keys.has(key)) throw new ModelRefusal('model.state-duplicate', 'a dict holds one key twice', 0);
    keys.add(key);
  }
}

/** Stands for a key that might hold anything; no path leads there. */
const UNNAMED = '?';

const keyText = (key: Value | undefined): string =>
  typeof key === 'number'
    ? String(key)
    : typeof key === 'string' && PLAIN_KEY.test(key)
      ? `'${key}'`
      : UNNAMED;

const isModel = ({ value }: Place): boolean => isRegressor(value);

/**
 * Returns the one model in a value, or the one below `path`. Throws `model.not-an-estimator`, `model.ambiguous`,
 * `model.no-such-path`, and `model.*` for what lies beside it.
 */
export function unwrap(root: Value, path = ''): Found {
  const start = follow(root, path);
  const all = estimatorsIn(start);
  const [first, ...more] = all.filter(isModel);
  if (first === undefined) throw notAnEstimator(start);
  if (more.length > 0) {
    const places = [first, ...more].slice(0, 8).map(({ at }) => joined(path, at));
    throw new ModelRefusal('model.ambiguous', `the file holds several models: at ${places.join(', at ')}`, 0);
  }
  if (first.at.includes(UNNAMED))
    throw new ModelRefusal('model.unsupported', 'the model lies under a key without a plain name', 0);
  if (first.value !== start && !plain(start))
    throw new ModelRefusal('model.state-value', 'something that is no data lies beside the model', 0);
  const beside = all
    .filter((place) => place !== first)
    .map(({ at, value }) => `${value instanceof Made ? value.allowed.name : ''} at ${joined(path, at)}`);
  return winner(first.value as Made, joined(path, first.at), beside);
}

const joined = (path: string, at: string): string => `${path}${at}`;

/** A search predicts with its winner. */
function winner(model: Made, at: string, beside: readonly string[]): Found {
  if (!isSearch(model)) return { model, at, beside };
  requireWriter(model);
  const best = readState(model, SEARCH).fitted('best_estimator_');
  if (!isRegressor(best))
    throw new ModelRefusal(
      'model.unsupported',
      `${model.allowed.name} did not find a regressor`,
      model.offset,
    );
  return { model: best, at: at === '' ? 'best_estimator_' : `${at}.best_estimator_`, beside };
}

function notAnEstimator(value: Value): ModelRefusal {
  if (!(value instanceof Made))
    return new ModelRefusal('model.not-an-estimator', 'the file holds no regressor', 0);
  requireWriter(value);
  const what = `the file holds ${value.allowed.name}, which is no regressor`;
  return new ModelRefusal('model.not-an-estimator', what, value.offset);
}

const STEP = /^(?:\.?([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,9})\]|\['([^']*)'\]|\["([^"]*)"\])/;

/** Follows a path of attributes, indices and keys. */
function follow(root: Value, path: string): Value {
  let value = root;
  let rest = path;
  while (rest !== '') {
    const step = STEP.exec(rest);
    const [all, attribute, index, single, double] = step ?? [];
    if (all === undefined) throw noSuchPath();
    rest = rest.slice(all.length);
    if (attribute !== undefined) value = attributeOf(value, attribute);
    else if (index !== undefined) value = itemOf(value, Number(index));
    else value = entryOf(value, single ?? double ?? '');
  }
  return value;
}

const noSuchPath = (): ModelRefusal =>
  new ModelRefusal('model.no-such-path', 'the file has no such place', 0);

function attributeOf(value: Value, name: string): Value {
  if (!(value instanceof Made) || !(value.state instanceof Dict)) throw noSuchPath();
  return entryOf(value.state, name);
}

function itemOf(value: Value, index: number): Value {
  if (value instanceof Dict) return entryOf(value, index);
  const item = value instanceof List || value instanceof Tuple ? value.items[index] : undefined;
  if (item === undefined) throw noSuchPath();
  return item;
}

function entryOf(value: Value, key: string | number): Value {
  if (!(value instanceof Dict)) throw noSuchPath();
  requireKeys(value);
  const { entries } = value;
  const at = entries.findIndex((entry, i) => i % 2 === 0 && entry === key);
  if (at < 0) throw noSuchPath();
  return entries[at + 1] ?? null;
}
