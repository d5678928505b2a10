// A decision as an OCSF Compliance Finding (class 2003, schema.ocsf.io 1.5). Other records are no findings.
import type { DecisionRecord } from '../record.ts';

// status_id of `compliance`: 1 Pass, 2 Warning ("did not yield a result due to missing information"), 3 Fail.
const STATUS = { allow: [1, 'Pass'], error: [2, 'Warning'], refuse: [3, 'Fail'] } as const;
// severity_id: 1 Informational, 3 Medium, 4 High. An error is a refusal whose cause is not known.
const SEVERITY = { allow: [1, 'Informational'], refuse: [3, 'Medium'], error: [4, 'High'] } as const;

/** Returns one finding. Times are milliseconds since 1970. */
export function toOcsf(record: DecisionRecord, version: string): object {
  const [statusId, status] = STATUS[record.decision];
  const [severityId, severity] = SEVERITY[record.decision];
  return {
    activity_id: 1, // Create
    activity_name: 'Create',
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2003,
    class_name: 'Compliance Finding',
    type_uid: 200_301,
    severity_id: severityId,
    severity,
    time: Date.parse(record.time),
    message: record.reason,
    metadata: {
      version: '1.5.0',
      product: { name: 'agilab-guardrails', vendor_name: 'agilab-guardrails', version },
      uid: record.id,
      sequence: record.seq,
      original_time: record.time,
      profiles: [],
    },
    finding_info: {
      uid: record.id,
      title: `${record.guard.id}: ${record.decision}`,
      types: [...record.codes],
    },
    compliance: {
      control: record.guard.id,
      requirements: [record.dimension],
      standards: ['agilab.architecture_scorecard'],
      status_id: statusId,
      status,
      ...(record.codes[0] === undefined ? {} : { status_code: record.codes[0] }),
      status_detail: record.reason,
    },
    resources: [
      {
        type: record.subject?.kind ?? 'request',
        ...(record.subject?.name ? { name: record.subject.name } : {}),
      },
    ],
    unmapped: { mode: record.mode, run: record.run, policy_digest: record.policyDigest },
  };
}
