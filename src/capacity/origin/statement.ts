// The signed sidecar `NAME.intoto.jsonl`: who released which model as which version, and until when. One DSSE envelope
// over an in-toto Statement v1 (github.com/in-toto/attestation). A bare digest says none of this.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { openEnvelope, sealEnvelope } from '../../evidence/dsse.ts';
import { hex64 } from '../../evidence/hex64.ts';
import type { NoteSigner, NoteVerifier } from '../../evidence/keys.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';

/** What a signer vouches for. */
export interface Release {
  /** Name of the model file, without directories. */
  readonly model: string;
  /** SHA-256 of the model, 64 lowercase hex digits. */
  readonly digest: string;
  /** From 1, rising with each release of a model. */
  readonly version: number;
  /** RFC 3339, UTC, in milliseconds. Not to be used afterwards. */
  readonly expires: string;
}

/** The in-toto statement of a {@link Release}. */
interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly [{ readonly name: string; readonly digest: { readonly sha256: string } }];
  readonly predicateType: 'urn:agilab-guardrails:capacity-model-release:v1';
  readonly predicate: { readonly version: number; readonly expires: string };
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** Returns the name of the signed sidecar beside a model file. */
export const statementName = (modelFile: string): string => `${modelFile}.intoto.jsonl`;

const statement: z.ZodType<Statement> = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.tuple([
    z.strictObject({
      name: z.string().min(1).max(255),
      digest: z.strictObject({ sha256: hex64 }),
    }),
  ]),
  predicateType: z.literal('urn:agilab-guardrails:capacity-model-release:v1'),
  predicate: z.strictObject({ version: z.int().min(1), expires: z.iso.datetime({ precision: 3 }) }),
});

/** Returns the signed sidecar of a release. */
export function signRelease(signer: NoteSigner, { model, digest, version, expires }: Release): string {
  const content: Statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: model, digest: { sha256: digest } }],
    predicateType: 'urn:agilab-guardrails:capacity-model-release:v1',
    predicate: { version, expires },
  };
  return sealEnvelope(signer, PAYLOAD_TYPE, Buffer.from(JSON.stringify(statement.parse(content))));
}

/**
 * Returns the release in a signed sidecar, and which of `keys` signed it (perhaps none). Without a signature that holds
 * the payload is not even parsed, and there is no release.
 *
 * @throws StrictJsonError `json.*`; CodedError `dsse.malformed`, `statement.malformed`.
 */
export function readRelease(
  text: Uint8Array,
  keys: readonly NoteVerifier[],
): { readonly release?: Release; readonly signers: readonly NoteVerifier[] } {
  const { payload, signers } = openEnvelope(text, PAYLOAD_TYPE, keys);
  if (signers.length === 0) return { signers };
  const parsed = statement.safeParse(parseStrictJson(payload, { maxBytes: payload.length, maxDepth: 8 }));
  if (!parsed.success) {
    const remedy = 'Sign the model again: guardrails model seal --sign.';
    throw new CodedError('statement.malformed', 'what was signed is not a release of a model', remedy);
  }
  const { subject, predicate } = parsed.data;
  const [{ name, digest }] = subject;
  return { release: { model: name, digest: digest.sha256, ...predicate }, signers };
}
