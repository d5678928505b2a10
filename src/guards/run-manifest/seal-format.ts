// The seal that vouches for a run: a file beside AGILAB's untouched manifest, with the digest of the manifest and of every
// file below its directory. AGILAB records no digest of its own. Signed, a DSSE envelope (in-toto Statement v1) lies
// beside the seal and vouches for its bytes.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { openEnvelope, sealEnvelope } from '../../evidence/dsse.ts';
import { hex64 } from '../../evidence/hex64.ts';
import type { NoteSigner, NoteVerifier } from '../../evidence/keys.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';

interface SealedFile {
  /** Names joined by `/`, below the directory of the manifest. */
  readonly path: string;
  readonly size_bytes: number;
  /** 64 lowercase hex digits. */
  readonly sha256: string;
}

export interface Seal {
  readonly schema: 'agilab.run_manifest_seal.v1';
  readonly manifest: SealedFile;
  /** Every other file below, the seal and its signature aside; sorted by path in code units. */
  readonly files: readonly SealedFile[];
}

/** Files below one manifest, and bytes of the seal that lists them. */
export const MAX_SEALED_FILES = 16_384;
export const MAX_SEAL_BYTES = 8 * 1_048_576;

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const PREDICATE_TYPE = 'urn:agilab-guardrails:run-manifest-seal:v1';

const stem = (manifest: string): string => manifest.replace(/\.json$/, '');
/** Returns the name of the seal of a manifest: `run_manifest.seal.json`. */
export const sealName = (manifest: string): string => `${stem(manifest)}.seal.json`;
/** Returns the name of its signature: `run_manifest.seal.intoto.jsonl`. */
export const signatureName = (manifest: string): string => `${stem(manifest)}.seal.intoto.jsonl`;

const sealedFile = z.strictObject({
  path: z.string().min(1).max(4_096),
  size_bytes: z.int().nonnegative(),
  sha256: hex64,
});
const sealFormat: z.ZodType<Seal> = z.strictObject({
  schema: z.literal('agilab.run_manifest_seal.v1'),
  manifest: sealedFile,
  // Strictly rising: no file twice, and one text for one state.
  files: z
    .array(sealedFile)
    .max(MAX_SEALED_FILES)
    .refine((files) => files.every(({ path }, at) => at === 0 || (files[at - 1]?.path ?? '') < path)),
});

/** Returns the seal as it is written: two spaces, a newline at the end. */
export function encodeSeal(seal: Seal): string {
  return `${JSON.stringify(seal, null, 2)}\n`;
}

/** @throws StrictJsonError `json.*`; CodedError `seal.malformed`. */
export function readSeal(bytes: Uint8Array): Seal {
  const parsed = sealFormat.safeParse(parseStrictJson(bytes, { maxBytes: MAX_SEAL_BYTES, maxDepth: 4 }));
  if (parsed.success) return parsed.data;
  throw new CodedError('seal.malformed', 'it departs from the format of a seal', 'Seal the run again.');
}

interface Statement {
  readonly subject: readonly [{ readonly digest: { readonly sha256: string } }];
}
const statement: z.ZodType<Statement> = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.tuple([
    z.strictObject({ name: z.string().min(1).max(255), digest: z.strictObject({ sha256: hex64 }) }),
  ]),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.strictObject({}),
});

/** Returns the signature file for a seal of this digest. */
export function signSeal(signer: NoteSigner, name: string, sha256: string): string {
  const content = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name, digest: { sha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: {},
  };
  return sealEnvelope(signer, PAYLOAD_TYPE, Buffer.from(JSON.stringify(content)));
}

/**
 * Returns those of `keys` that signed a seal of this digest. A text that is no such signature has no signers.
 */
export function signersOf(
  text: Uint8Array,
  sha256: string,
  keys: readonly NoteVerifier[],
): readonly NoteVerifier[] {
  try {
    const { payload, signers } = openEnvelope(text, PAYLOAD_TYPE, keys);
    if (signers.length === 0) return [];
    const parsed = statement.parse(parseStrictJson(payload, { maxBytes: payload.length, maxDepth: 6 }));
    return parsed.subject[0].digest.sha256 === sha256 ? signers : [];
  } catch {
    return []; // whatever is wrong with it, nobody has signed
  }
}
