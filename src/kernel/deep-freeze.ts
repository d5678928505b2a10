// Grants are frozen, and what they hold as well: who got one must not be able to change what was judged.

/** Returns `value`, frozen to the bottom. For plain data whose depth the caller has bounded. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else for (const key in value) deepFreeze(value[key]);
  return Object.freeze(value);
}
