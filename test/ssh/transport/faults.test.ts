// Errors of one connection come in any order; the reason is the same.
import { describe, expect, it } from 'vitest';
import { type Fault, Faults } from '../../../src/ssh/transport/faults.ts';

const fault = (message: string, level?: string): Fault =>
  Object.assign(new Error(message), level === undefined ? {} : { level });
const banner = fault('Bad packet length');
const cut = fault('read ECONNRESET', 'client-socket');
const pipe = fault('write EPIPE', 'client-socket');
const reasonOf = (...order: readonly Fault[]): string | undefined => {
  const faults = new Faults();
  for (const each of order) faults.add(each);
  return faults.reason?.message;
};

describe('the reason why a connection ended', () => {
  it.each([
    ['the protocol first', [banner, cut, pipe]],
    ['the cut first', [cut, banner, pipe]],
    ['the protocol last', [pipe, cut, banner]],
    ['and what was read out of step behind it', [banner, fault('Invalid MAC'), cut]],
  ])('is what the protocol said: %s', (_order, order) => {
    expect(reasonOf(...order)).toBe('Bad packet length');
  });

  it('is the first cut where the protocol said nothing, and never an agent', () => {
    expect(reasonOf(fault('agent', 'agent'), cut, pipe)).toBe('read ECONNRESET');
    expect(reasonOf(fault('agent', 'agent'))).toBeUndefined();
  });
});
