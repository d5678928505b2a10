// Whatever an answer of this package names can be asked about; and the list of codes misses none that a drill ever saw.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/cli/explain.ts';
import { parseClaims } from '../../src/scorecard/claims.ts';
import { parseRegister } from '../../src/scorecard/register.ts';

const claims = parseClaims(readFileSync('data/claims.json'));
const { gaps } = parseRegister(readFileSync('data/hardening-gaps.json'));
const { codes } = JSON.parse(readFileSync('data/codes.json', 'utf8'));
const known = { claims, gaps, codes };

describe('explain', () => {
  it.each([
    ['bind', 'guard', 'guardrails drill bind --mutants'],
    ['bind.wildcard', 'code', /^guardrails drill bind --only /],
    ['bind/star', 'drill', 'guardrails drill bind --only star'],
    ['drill:bind/star', 'drill', 'guardrails drill bind --only star'],
    ['bind/bind.wildcard', 'mutant', 'guardrails drill bind --mutants'],
    ['RG', 'row', /^guardrails drill .*bind/],
    ['E3', 'grade', 'guardrails drill --mutants --scorecard'],
    ['tenant-isolation', 'gap', ''],
    ['gap:capacity-model-signature', 'gap', 'guardrails drill capacity-model capacity-origin --mutants'],
    ['guard.timeout', 'code', ''],
    ['register.invalid', 'code', ''],
  ])('%s is a %s', (id, kind, replay) => {
    const found = explain(id, known);
    expect(found.kind).toBe(kind);
    expect(found.replay.join(' ')).toEqual(
      typeof replay === 'string' ? replay : expect.stringMatching(replay),
    );
    expect(found.remedy).not.toBe('');
  });

  it('names what is near to a name that there is not, and repeats nothing of it', () => {
    expect(() => explain('wildcard', known)).toThrow(
      expect.objectContaining({ code: 'explain.unknown', remedy: expect.stringContaining('bind.wildcard') }),
    );
    const hostile = '\u001b[31m__proto__';
    expect(() => explain(hostile, known)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(hostile) }),
    );
  });

  it('knows every guard, drill and code that the claims name', () => {
    for (const { guard, drills, mutants } of claims.claims) {
      expect(explain(guard, known).refusedBy.length).toBeGreaterThan(0);
      for (const { id, expects } of drills) {
        expect(explain(`${guard}/${id}`, known).kind).toBe('drill');
        if (expects !== 'allow') expect(explain(expects, known).kind).toBe('code');
      }
      for (const id of mutants) expect(['mutant', 'drill']).toContain(explain(`${guard}/${id}`, known).kind);
    }
  });
});

describe('docs/reference/codes.md', () => {
  it('has a row for each code, once', () => {
    const page = readFileSync('docs/reference/codes.md', 'utf8');
    const rows = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, code]) => code);
    expect(rows).toEqual(codes.map(({ code }: { code: string }) => code));
    expect(new Set(rows).size).toBe(rows.length);
  });
});
