// The sidecar `NAME.sha256.json`: which bytes a model file must hold. AGILAB's own format, read strictly, because its
// reader takes 1942056.0 for a size, the last of two digests for the digest, and a 3 GiB sidecar whole.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { hex64 } from '../evidence/hex64.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';

/** `agilab.capacity_model_manifest.v1`. */
export interface Sidecar {
  readonly schema: 'agilab.capacity_model_manifest.v1';
  readonly algorithm: 'sha256';
  /** 64 lowercase hex digits. */
  readonly digest_sha256: string;
  /** Name of the model file, without directories. */
  readonly model_file: string;
  readonly size_bytes: number;
}

/** Largest sidecar that is read, in bytes. */
export const MAX_SIDECAR_BYTES = 65_536;

/** Returns the name of the sidecar beside a model file. */
export const sidecarName = (modelFile: string): string => `${modelFile}.sha256.json`;

const sidecar: z.ZodType<Sidecar> = z.strictObject({
  schema: z.literal('agilab.capacity_model_manifest.v1'),
  algorithm: z.literal('sha256'),
  digest_sha256: hex64,
  model_file: z.string().regex(/^(?!\.{1,2}$)[^/\\\p{Cc}]{1,255}$/u),
  size_bytes: z.int().nonnegative(),
});

/**
 * Returns the sidecar in these bytes.
 *
 * @throws StrictJsonError `json.*`; CodedError `sidecar.schema-mismatch` for a missing, unknown or malformed key.
 */
export function parseSidecar(bytes: Uint8Array): Sidecar {
  const parsed = sidecar.safeParse(parseStrictJson(bytes, { maxBytes: MAX_SIDECAR_BYTES, maxDepth: 4 }));
  if (parsed.success) return parsed.data;
  const problems = new Set(parsed.error.issues.map(({ code }) => code));
  const message = `the sidecar does not match its schema (${[...problems].join(', ')})`;
  throw new CodedError('sidecar.schema-mismatch', message, 'Seal the model again: guardrails model seal.');
}

/** Returns the bytes of a sidecar, exactly as Python's `json.dumps(indent=2, sort_keys=True)` and a newline write them. */
export function encodeSidecar({ algorithm, digest_sha256, model_file, schema, size_bytes }: Sidecar): string {
  const text = JSON.stringify({ algorithm, digest_sha256, model_file, schema, size_bytes }, null, 2);
  const ascii = text.replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${ascii}\n`;
}
