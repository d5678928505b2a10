// Claims are data: read strictly, and written one drill a line.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseClaims, writeClaims } from '../../src/scorecard/claims.ts';

const OWN = readFileSync('data/claims.json', 'utf8');
interface File {
  dimensions: { probes: string[]; letters: string; weight: number }[];
  claims: { guard: string; drills: { id: string; expects: string }[]; mutants: string[] }[];
}

describe('the claims file', () => {
  it('has one drill and one mutant a line', () => {
    const { claims } = parseClaims(Buffer.from(OWN));
    const lines = OWN.split('\n');
    for (const id of claims.flatMap(({ drills }) => drills.map((drill) => JSON.stringify(drill))))
      expect(
        lines.filter((line) => line.includes(id)).every((line) => line.trim().length <= id.length + 1),
      ).toBe(true);
    expect(lines.length).toBeGreaterThan(
      claims.flatMap(({ drills, mutants }) => [...drills, ...mutants]).length,
    );
  });

  it('reads back as it was written', () => {
    expect(writeClaims(parseClaims(Buffer.from(OWN)))).toBe(OWN);
  });

  const changes: readonly (readonly [string, (file: File) => unknown])[] = [
    [
      'a drill named twice',
      ({ claims }) => claims[0]?.drills.push(claims[0]?.drills[0] ?? { id: '', expects: '' }),
    ],
    ['a mutant named twice', ({ claims }) => claims[0]?.mutants.push(claims[0]?.mutants[0] ?? '')],
    ['a guard claimed twice', ({ claims }) => claims.push(...claims.slice(0, 1))],
    ['a guard in no row', ({ dimensions }) => dimensions[1]?.probes.pop()],
    ['a guard in two rows', ({ dimensions }) => dimensions[0]?.probes.push('bind')],
    ['a probe that claims nothing', ({ dimensions }) => dimensions[0]?.probes.push('nobody')],
    ['a row without weight', ({ dimensions }) => Object.assign(dimensions[0] ?? {}, { weight: 0 })],
    ['two rows of one name', ({ dimensions }) => Object.assign(dimensions[0] ?? {}, { letters: 'RG' })],
    ['no row', ({ dimensions }) => dimensions.splice(0)],
    ['a key that nobody knows', (file) => Object.assign(file, { note: 'trust me' })],
  ];
  it.each(changes)('is refused with %s', (_what, change) => {
    const file = JSON.parse(OWN) as File;
    change(file);
    expect(() => parseClaims(Buffer.from(JSON.stringify(file)))).toThrow(
      expect.objectContaining({ code: 'claims.invalid' }),
    );
  });

  it('is refused with a key twice, as two branches that were merged line by line leave it', () => {
    const twice = OWN.replace('"schema"', '"schema": "agilab.guard_claims.v1",\n  "schema"');
    expect(() => parseClaims(Buffer.from(twice))).toThrow(
      expect.objectContaining({ code: 'json.duplicate-key' }),
    );
  });
});
