// DSSE envelopes (github.com/secure-systems-lab/dsse, protocol v1.0.2): what is signed is the payload's bytes and their
// type, so nothing has to be parsed, and nothing re-encoded, before the signature is known to hold.
import * as z from 'zod';
import { CodedError } from './coded-error.ts';
import type { NoteSigner, NoteVerifier } from './keys.ts';
import { parseStrictJson } from './strict-json.ts';

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid?: string | undefined; readonly sig: string }[];
}

/** A payload and the given keys whose signatures over it hold. */
export interface SignedPayload {
  readonly payload: Buffer;
  readonly signers: readonly NoteVerifier[];
}

/** Largest envelope that is read unless the caller expects larger ones, in bytes. */
export const MAX_ENVELOPE_BYTES = 65_536;

// Canonical only: two spellings of one signature would be two envelopes.
const base64 = z
  .string()
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text && text !== '');
const envelope: z.ZodType<Envelope> = z.strictObject({
  payloadType: z.string().min(1).max(200),
  payload: base64,
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(400).optional(), sig: base64 }))
    .min(1)
    .max(16),
});

/** PAE(type, payload) of the protocol. Lengths are in bytes. */
function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const header = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(header), payload]);
}

/** Returns an envelope with one signature, as one line of JSON and a newline. */
export function sealEnvelope(signer: NoteSigner, payloadType: string, payload: Uint8Array): string {
  const sig = Buffer.from(signer.sign(preAuthEncoding(payloadType, payload))).toString('base64');
  const content: Envelope = {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: `${signer.name}+${signer.hash}`, sig }],
  };
  return `${JSON.stringify(content)}\n`;
}

/**
 * Returns the payload of an envelope with those of `keys` that signed it, in the order of `keys`. There may be none:
 * whether that will do is for the caller to judge. `keyid` is a hint that nobody signed, so every key is tried.
 *
 * @throws StrictJsonError `json.*`; CodedError `dsse.malformed` for another shape or another payload type.
 */
export function openEnvelope(
  text: Uint8Array,
  payloadType: string,
  keys: readonly NoteVerifier[],
  maxBytes: number = MAX_ENVELOPE_BYTES,
): SignedPayload {
  const parsed = envelope.safeParse(parseStrictJson(text, { maxBytes, maxDepth: 4 }));
  if (!parsed.success || parsed.data.payloadType !== payloadType) {
    const remedy = `Write a DSSE envelope with the payload type ${payloadType}.`;
    throw new CodedError('dsse.malformed', 'not a DSSE envelope of the expected type', remedy);
  }
  const payload = Buffer.from(parsed.data.payload, 'base64');
  const signed = preAuthEncoding(payloadType, payload);
  const signatures = parsed.data.signatures.map(({ sig }) => Buffer.from(sig, 'base64'));
  return { payload, signers: keys.filter((key) => signatures.some((sig) => key.verify(signed, sig))) };
}
