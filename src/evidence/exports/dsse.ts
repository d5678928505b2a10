// A record as an in-toto statement in a DSSE envelope, for readers of attestations: the subject is the journal line, by its
// digest, and the predicate is the record.
import { sealEnvelope } from '../dsse.ts';
import type { NoteSigner } from '../keys.ts';
import { native } from '../native.ts';
import type { EvidenceRecord } from '../record.ts';

/** Returns one signed envelope, as one line of JSON and a newline. */
export function toDsse(record: EvidenceRecord, line: Uint8Array, signer: NoteSigner): string {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: record.id, digest: { sha256: native.sha256Hex(line) } }],
    predicateType: 'urn:agilab-guardrails:guard-evidence:v1',
    predicate: record,
  };
  return sealEnvelope(signer, 'application/vnd.in-toto+json', Buffer.from(JSON.stringify(statement)));
}
