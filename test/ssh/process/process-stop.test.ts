// Records of the process-stop guard, of every wrong shape.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOwnerRecord } from '../../../src/ssh/process/ownership-record.ts';
import { damaged } from '../../fuzz/target.ts';
import { target } from '../../fuzz/targets/ownership-record.ts';

describe('an AGILAB record', () => {
  const right = {
    pid: 12,
    process_start_time: 1.5,
    schema: 'agilab-dask-pid-owner-v1',
    target: '/w "pid": 3',
  };
  it('is read as its writer meant it', () => {
    const record = { kind: 'agilab', pid: 12, startTime: 1.5, target: '/w "pid": 3' };
    expect(parseOwnerRecord(JSON.stringify(right, null, 2))).toEqual(record);
  });
  it.each([
    ['a boolean pid', { ...right, pid: true }],
    ['a negative pid', { ...right, pid: -1 }],
    ['a fractional pid', { ...right, pid: 5.9 }],
    ['no start', { ...right, process_start_time: null }],
    ['a further key', { ...right, more: 1 }],
    ['another schema', { ...right, schema: 'agilab-dask-pid-owner-v2' }],
    ['no target', { ...right, target: '' }],
  ])('with %s proves nothing', (_what, value) => {
    expect(parseOwnerRecord(JSON.stringify(value))).toBeUndefined();
  });
  it.each([
    ['NaN', '{"pid": 1, "process_start_time": NaN, "schema": "agilab-dask-pid-owner-v1", "target": "/w"}'],
    ['a pid twice', `{"pid": 7, ${JSON.stringify(right).slice(1)}`],
    ['a bare number', '12'],
  ])('with %s proves nothing', (_what, text) => {
    expect(parseOwnerRecord(text)).toBeUndefined();
  });
});

it('a damaged record is read as all that it says, or not at all', { timeout: 60_000 }, () => {
  for (const seed of target.seeds) target.fuzz(seed);
  const property = fc.property(damaged(target), (bytes) => target.fuzz(bytes));
  expect(() => fc.assert(property, { numRuns: 20_000 })).not.toThrow();
});
