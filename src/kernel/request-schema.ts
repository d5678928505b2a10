// The schema of a guard's request, for callers in other languages.
import * as z from 'zod';
import { definitionOf } from './define.ts';
import type { AnyGuard } from './guard.ts';

/** Returns the JSON Schema (draft 2020-12) of what a guard takes. What only code can check is left open in it. */
export function requestJsonSchema(guard: AnyGuard): Record<string, unknown> {
  const schema = z.toJSONSchema(definitionOf(guard).request, { unrepresentable: 'any', io: 'input' });
  return { $id: `urn:agilab-guardrails:request:${guard.id}`, ...schema };
}
