// Records as OpenTelemetry log records in the JSON encoding of OTLP (opentelemetry-proto 1.5, /v1/logs). Times and other
// 64-bit numbers are text, as protobuf's JSON mapping has them.
import type { EvidenceRecord } from '../record.ts';

// SeverityNumber of the logs data model: INFO 9, WARN 13, ERROR 17.
const INFO = [9, 'INFO'] as const;
const SEVERITY: Readonly<Record<string, readonly [number, string]>> = {
  refuse: [13, 'WARN'],
  error: [17, 'ERROR'],
};

type Value =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly Value[] } };

const text = (value: string): Value => ({ stringValue: value });
const attribute = (key: string, value: Value): { readonly key: string; readonly value: Value } => ({
  key,
  value,
});

function toLogRecord(record: EvidenceRecord): object {
  const decision = 'decision' in record ? record.decision : undefined;
  const [severityNumber, severityText] = SEVERITY[decision ?? ''] ?? INFO;
  const codes: readonly string[] = 'codes' in record ? record.codes : [];
  const nanoseconds = `${BigInt(Date.parse(record.time)) * 1_000_000n}`;
  return {
    timeUnixNano: nanoseconds,
    observedTimeUnixNano: nanoseconds,
    severityNumber,
    severityText,
    eventName: `agilab.guardrails.${record.mode}`,
    body: text('reason' in record ? record.reason : `run of ${record.code.name} ${record.code.version}`),
    attributes: [
      attribute('agilab.evidence.id', text(record.id)),
      attribute('agilab.evidence.seq', { intValue: String(record.seq) }),
      attribute('agilab.evidence.run', text(record.run)),
      ...('guard' in record ? [attribute('agilab.guard.id', text(record.guard.id))] : []),
      ...(decision === undefined ? [] : [attribute('agilab.guard.decision', text(decision))]),
      attribute('agilab.guard.codes', { arrayValue: { values: codes.map(text) } }),
    ],
  };
}

/** Returns the body of one export request. All records are of one host. */
export function toOtlp(records: readonly EvidenceRecord[], version: string): object {
  const host = records[0]?.host ?? '';
  return {
    resourceLogs: [
      {
        resource: {
          attributes: [
            attribute('service.name', text('agilab-guardrails')),
            attribute('host.name', text(host)),
          ],
        },
        scopeLogs: [{ scope: { name: 'agilab-guardrails', version }, logRecords: records.map(toLogRecord) }],
      },
    ],
  };
}
