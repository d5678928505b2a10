// The exported JSON Schema, compiled by ajv, agrees with the journal on what a record is.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { openJournal } from '../../src/evidence/open-journal.ts';
import { type EvidenceRecord, evidenceRecord, evidenceRecordJsonSchema } from '../../src/evidence/record.ts';
import { draft, scratch } from './support.ts';

it('is accepted by ajv as it was written, and by neither ajv nor us with a field gone, odd or added', async () => {
  const accepts = new Ajv2020({ validateFormats: false }).compile(evidenceRecordJsonSchema());
  const journal = await openJournal({ directory: await scratch() });
  const probe = { drill: 'd', fault: 'f', expected: 'allow', observed: 'allow', passed: true };
  const record: EvidenceRecord = await journal.append(draft({ probe, subject: { kind: 'k' } }), '');
  await journal.close();
  expect(accepts(record)).toBe(true);
  const optional = ['subject', 'probe', 'of'];
  for (const key of Object.keys(record)) {
    const { [key as keyof EvidenceRecord]: _gone, ...without } = record;
    for (const changed of [
      without,
      { ...record, [key]: {} },
      { ...record, [key]: null },
      { ...record, more: 1 },
    ]) {
      const fine = changed === without && optional.includes(key);
      expect(accepts(changed), key).toBe(fine);
      expect(evidenceRecord.safeParse(changed).success, key).toBe(fine);
    }
  }
});

it('has at most 16 KiB, and the journal goes on after one that has more', async () => {
  const journal = await openJournal({ directory: await scratch() });
  const big = draft({ codes: Array.from({ length: 64 }, () => '\u20ac'.repeat(200)) });
  await expect(journal.append(big, '')).rejects.toThrow(
    expect.objectContaining({ code: 'journal.invalid-record' }),
  );
  expect((await journal.append(draft(), '')).seq).toBe(1); // after the run record
  await journal.close();
});
