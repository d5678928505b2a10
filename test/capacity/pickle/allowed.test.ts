// The allow-list holds pairs that real models mention, each once, each with a reason.
import { describe, expect, it } from 'vitest';
import { ALLOWED, findAllowed } from '../../../src/capacity/pickle/allowed.ts';
import { inspectStream } from '../../../src/capacity/pickle/inspect.ts';
import { Global, List, Made } from '../../../src/capacity/pickle/values.ts';
import { askOracle, DEBIAN_PYTHON, hasSklearn } from '../forest/oracle.ts';

const newer = process.env['GUARDRAILS_SKLEARN_14']?.split(' ') ?? [];
const both = newer.length > 0 && hasSklearn(DEBIAN_PYTHON);

describe('the allow-list', () => {
  it('gives a reason for every pair, and finds each by both halves only', () => {
    for (const allowed of ALLOWED) {
      expect(allowed.why.length).toBeGreaterThan(15);
      expect(findAllowed(allowed.module, allowed.name)).toBe(allowed);
      expect(findAllowed(allowed.module, `${allowed.name}.`)).toBeUndefined();
      expect(findAllowed(`${allowed.module}.${allowed.name}`, '')).toBeUndefined();
    }
    expect(findAllowed('__proto__', 'constructor')).toBeUndefined();
  });

  it('checks every argument of every call: none takes a list, a fraction, or a stranger’s object', () => {
    const stranger = new Made(
      { module: 'os', name: 'system', by: 'REDUCE', takes: [], state: 'none', why: '' },
      [],
      0,
    );
    for (const { takes, by } of ALLOWED) {
      expect(takes.length > 0).toBe(by !== 'argument');
      for (const check of takes.flat())
        expect(
          [new List({ itemsFrom: () => [] }, 0, 0, 0), 0.5, stranger, new Global(stranger.allowed)].map(
            check,
          ),
        ).toEqual([false, false, false, false]);
    }
  });

  it.skipIf(!both)('names nothing that no real model mentions (left out without both scikit-learns)', () => {
    const seen = new Set(
      [DEBIAN_PYTHON, newer]
        .flatMap((command) => askOracle(command).models)
        .flatMap(({ pickles }) => pickles)
        .flatMap((pickle) => inspectStream(pickle).globals.map(({ name }) => name)),
    );
    expect(ALLOWED.map(({ module, name }) => `${module} ${name}`).filter((name) => !seen.has(name))).toEqual(
      [],
    );
  });
});
