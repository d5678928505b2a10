// One record as one line of text for people.

import { oneLine } from '../evidence/one-line.ts';
import type { EvidenceRecord } from '../evidence/record.ts';

function whatHappened(record: EvidenceRecord): readonly (string | undefined)[] {
  switch (record.mode) {
    case 'run':
      return [`${record.code.name} ${record.code.version}, Node ${record.node}, on ${record.host}`];
    case 'repair':
      return [...record.codes, record.reason, record.subject?.name];
    case 'effect':
      return [
        record.kind,
        record.outcome,
        ...record.codes,
        record.reason,
        record.subject?.name,
        `of ${record.of}`,
      ];
    default:
      return [record.guard.id, record.decision, ...record.codes, record.reason, record.subject?.name];
  }
}

/** Returns position, time, mode, id and what happened, in this order, separated by blanks. */
export function lineOf(record: EvidenceRecord): string {
  const { seq, time, mode, id } = record;
  const words = whatHappened(record).filter((word) => word !== undefined && word !== '');
  return oneLine([seq, time, mode, id, ...words].join('  '));
}
