// A record as a CloudEvent (CloudEvents 1.0.2, JSON format), with the `sequence` extension.
import type { EvidenceRecord } from '../record.ts';

/** Returns one structured event. Its source names the host and the run, so that source and id are unique. */
export function toCloudEvent(record: EvidenceRecord): object {
  return {
    specversion: '1.0',
    id: record.id,
    source: `urn:agilab-guardrails:${encodeURIComponent(record.host)}:${record.run}`,
    type: `agilab.guardrails.${record.mode}.v1`,
    time: record.time,
    datacontenttype: 'application/json',
    // Extension `sequence`: compared as text, so of one length.
    sequence: String(record.seq).padStart(15, '0'),
    data: record,
  };
}
