// A WeakMap whose methods were taken when this module was loaded. Code that replaces `WeakMap.prototype.get` afterwards
// neither makes a grant nor finds a definition.

type Get = (map: WeakMap<object, unknown>, key: object) => unknown;
type Set = (map: WeakMap<object, unknown>, key: object, value: unknown) => void;
const method = (name: 'get' | 'set'): unknown =>
  Function.prototype.call.bind(Reflect.get(WeakMap.prototype, name));
const get = method('get') as Get;
const set = method('set') as Set;

/** Remembers a value for an object, for as long as the object lives. */
export interface WeakTable<Value> {
  get(key: unknown): Value | undefined;
  set(key: object, value: Value): void;
}

export function weakTable<Value>(): WeakTable<Value> {
  const map = new WeakMap<object, unknown>();
  return {
    get: (key) =>
      typeof key === 'object' && key !== null ? (get(map, key) as Value | undefined) : undefined,
    set: (key, value) => set(map, key, value),
  };
}
