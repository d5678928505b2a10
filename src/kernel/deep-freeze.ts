// Grants are frozen, and what they hold as well: who got one must not be able to change what was judged.

/** Returns `value`, frozen to the bottom. For plain data whose depth the caller has bounded. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
