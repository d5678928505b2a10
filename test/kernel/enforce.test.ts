// The kernel fails closed: whatever goes wrong on the way from request to grant is a refusal with a code, what was
// opened is closed exactly once, and no effect comes before its evidence. Its self-test, the battery, holds the scenarios
// that every kernel must pass (test/proof/self-test runs it); here is what the battery cannot see or would not ask.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { FIRST_SEGMENT } from '../../src/evidence/journal-files.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { EvidenceDraft, EvidenceSink } from '../../src/evidence/record.ts';
import { defineGuard } from '../../src/kernel/define.ts';
import { recordEffect } from '../../src/kernel/effect.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { isGranted } from '../../src/kernel/grants.ts';
import type { Guard, GuardDefinition, Rule } from '../../src/kernel/guard.ts';
import { GuardRefusal } from '../../src/kernel/refusal.ts';
import { scratch } from '../evidence/support.ts';
import { memoryJournal } from '../memory-journal.ts';

interface Request {
  readonly name: string;
}
interface Grant {
  readonly made: number;
}
type Sample = GuardDefinition<Request, { readonly open: true }, Grant>;

const CANARY = 'canary-7f3a9c';
const fail = (): never => {
  throw Object.assign(new Error(CANARY), { code: CANARY });
};
const never = (): Promise<never> => new Promise(() => {});
const later = <T>(ms: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), ms));

let made = 0;
const newGrant = (): Grant => Object.freeze({ made: ++made });

/** A guard that allows, with a log of what the kernel did to it. */
function sample(over: Partial<Sample> = {}): {
  guard: Guard<Request, Grant>;
  log: string[];
  sink: EvidenceSink;
} {
  const log: string[] = [];
  const { grant, release, ...rest } = over;
  const guard = defineGuard<Request, { readonly open: true }, Grant>({
    id: 'test/sample',
    dimension: 'architecture_runtime_guardrails',
    request: z.strictObject({ name: z.string().max(50) }),
    observe: async () => ({ open: true }),
    rules: [{ code: 'sample.never', remedy: 'nothing', refuses: () => false }],
    grant: (facts) => {
      log.push('grant');
      return grant ? grant(facts) : newGrant();
    },
    release: async (facts) => {
      log.push('release');
      await release?.(facts);
    },
    ...rest,
  });
  const sink: EvidenceSink = {
    append: async (draft) => {
      await later(1, 0);
      log.push(`recorded ${draft.mode === 'effect' ? draft.outcome : draft.decision}`);
    },
  };
  return { guard, log, sink };
}

async function refusalOf(promise: Promise<unknown>): Promise<GuardRefusal> {
  const error = await promise.then(
    () => 'granted',
    (reason: unknown) => reason,
  );
  if (!(error instanceof GuardRefusal)) throw new Error(`no refusal: ${String(error)}`);
  return error;
}

it('grants only after the record is durable, and releases nothing that it granted', async () => {
  const { guard, log, sink } = sample();
  expect(isGranted(guard, await enforce(guard, { name: 'a' }, { journal: sink }))).toBe(true);
  expect(log).toEqual(['recorded allow', 'grant']);
});

it.each<[string, unknown]>([
  ['no object', null],
  ['a key that is a secret', { name: 'a', [CANARY]: CANARY }],
  [
    'a throwing getter',
    {
      get name(): string {
        return fail();
      },
    },
  ],
  ['a proxy that throws', new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail, has: fail })],
  ['toJSON instead of fields', { toJSON: () => ({ name: 'a' }) }],
])('refuses %s as invalid, without looking at the world', async (_what, request) => {
  const { guard, log, sink } = sample();
  const refusal = await refusalOf(enforce(guard, request as Request, { journal: sink }));
  expect(refusal).toMatchObject({ code: 'guard.request-invalid', guard: 'test/sample' });
  expect(refusal.message).not.toContain(CANARY);
  expect(log).toEqual(['recorded refuse']);
});

it('shows the look what the schema returned, never the object of the caller, who could change it afterwards', async () => {
  const seen: Request[] = [];
  const { guard, sink } = sample({
    observe: async (request) => {
      seen.push(request);
      return { open: true };
    },
  });
  const request = { name: 'a' };
  await enforce(guard, request, { journal: sink });
  await judge(guard, request);
  expect(seen).toEqual([{ name: 'a' }, { name: 'a' }]);
  for (const parsed of seen) expect(parsed).not.toBe(request);
});

const answers = (value: unknown): Partial<Sample> => ({
  rules: [{ code: 'sample.odd', remedy: 'r', refuses: () => value as string }],
});
it.each<[string, Partial<Sample>, string]>([
  [
    'a look that throws what cannot be looked at',
    {
      observe: () => {
        throw new Proxy({}, { has: fail, get: fail });
      },
    },
    'guard.observe-failed',
  ],
  ['a rule that answers null', answers(null), 'guard.rule-failed'],
  ['a rule that answers an empty sentence', answers(''), 'sample.odd'],
  ['a rule that answers a promise of false', answers(Promise.resolve(false)), 'guard.rule-failed'],
  ['a subject that rejects', { subject: (async () => fail()) as never }, 'guard.rule-failed'],
  [
    'a subject that throws when it is read',
    {
      subject: () => ({
        kind: 'k',
        get name(): string {
          return fail();
        },
      }),
    },
    'guard.rule-failed',
  ],
  ['a grant that rejects', { grant: (async () => fail()) as never }, 'guard.grant-failed'],
  ['a grant that is no object', { grant: () => 7 as never }, 'guard.grant-failed'],
  ['a commit that throws at once', { commit: fail }, 'guard.commit-failed'],
])('refuses after %s, once recorded, with everything closed', async (_what, over, code) => {
  const { guard, log, sink } = sample(over);
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: sink, timeoutMs: 500 }));
  expect(refusal.code).toBe(code);
  expect(refusal.evidenceId).toMatch(/^[0-9a-f-]{36}$/);
  expect(refusal.remedy).toBeTypeOf('string');
  expect(refusal.message).not.toContain(CANARY);
  expect(log.filter((step) => step === 'release')).toHaveLength(over.observe ? 0 : 1);
  expect(log.findLast((step) => step.startsWith('recorded'))).not.toBe('recorded allow');
});

it('looks at nothing for a decision that nobody could keep', async () => {
  const { guard, log } = sample();
  for (const options of [undefined, {}, { journal: undefined }, { journal: {} }])
    await expect(enforce(guard, { name: 'a' }, options as never)).rejects.toThrow(/needs \{ journal \}/);
  expect(log).toEqual([]);
});

it('lists every rule that refused, the first as the headline', async () => {
  const rule = (code: string): Rule<unknown> => ({
    code,
    remedy: `do ${code}`,
    refuses: () => code,
  });
  const { guard, sink } = sample({ rules: [rule('one'), rule('two'), rule('three')] });
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: sink }));
  expect(refusal).toMatchObject({
    code: 'one',
    codes: ['one', 'two', 'three'],
    reason: 'one',
    remedy: 'do one',
  });
});

it('tells the sink when nobody waits any more', async () => {
  const { guard } = sample();
  let signal: AbortSignal | undefined;
  const append: EvidenceSink['append'] = (_draft, _input, given) => {
    signal = given;
    return never();
  };
  await refusalOf(enforce(guard, { name: 'a' }, { journal: { append }, timeoutMs: 20 }));
  expect(signal?.aborted).toBe(true);
});

it('gives the sink a signal that can be listened to and combined with others', async () => {
  const { guard } = sample();
  const heard: unknown[] = [];
  let combined: AbortSignal | undefined;
  const append: EvidenceSink['append'] = (_draft, _input, signal) => {
    expect(signal).toBeInstanceOf(AbortSignal);
    expect([signal?.aborted, signal?.reason]).toEqual([false, undefined]);
    if (signal) combined = AbortSignal.any([signal]);
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        heard.push(signal.reason);
        reject(signal.reason);
      });
    });
  };
  const refused = await refusalOf(enforce(guard, { name: 'a' }, { journal: { append }, timeoutMs: 20 }));
  expect(refused.code).toBe('guard.journal-timeout');
  expect(heard).toEqual([expect.objectContaining({ code: 'guard.timeout' })]);
  expect(combined?.aborted).toBe(true);
});

it('keeps the record of a decision whose caller gives up meanwhile, grants nothing, and says so', async () => {
  const { guard, log } = sample();
  const caller = new AbortController();
  const drafts: EvidenceDraft[] = [];
  const append: EvidenceSink['append'] = async (draft, _input, signal) => {
    caller.abort();
    await later(1, 0);
    expect(signal?.aborted).toBe(false);
    drafts.push(draft);
  };
  const options = { journal: { append }, signal: caller.signal };
  expect((await refusalOf(enforce(guard, { name: 'a' }, options))).code).toBe('guard.aborted');
  expect(drafts).toMatchObject([{ decision: 'allow' }, { decision: 'error', of: drafts[0]?.id }]);
  expect(log).toEqual(['release']);
});

it.each([
  ['a system error', Object.assign(new Error(CANARY), { code: 'ENOSPC' }), 'ENOSPC'],
  ['a coded error', new CodedError('sample.late', CANARY, ''), 'sample.late'],
  ['any other', new Error(CANARY), 'unknown'],
])('says why a grant failed: %s', async (_what, error, named) => {
  const { guard, sink } = sample({
    grant: () => {
      throw error;
    },
  });
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: sink }));
  expect(refusal).toMatchObject({ code: 'guard.grant-failed', cause: error });
  expect(refusal.reason).toBe(`the grant could not be built (${named})`);
});

it('refuses a grant that throws also when the journal cannot take the allow back', async () => {
  const { guard, log, sink } = sample({ grant: fail });
  let appends = 0;
  const append: EvidenceSink['append'] = (...entry) => (appends++ === 0 ? sink.append(...entry) : fail());
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: { append } }));
  expect(refusal).toMatchObject({ code: 'guard.grant-failed', evidenceId: undefined });
  expect(log).toEqual(['recorded allow', 'grant', 'release']);
});

it.each<[string, () => Promise<void>]>([
  ['throws', fail],
  ['hangs', never],
])('still refuses with the headline when release %s', async (_what, release) => {
  const { guard, sink } = sample({ rules: [{ code: 'no', remedy: '', refuses: () => 'no' }], release });
  expect((await refusalOf(enforce(guard, { name: 'a' }, { journal: sink, timeoutMs: 500 }))).code).toBe('no');
});

it('closes exactly once on every path without a grant, and never after one', async () => {
  const part = fc.constantFrom('ok', 'throw', 'reject', 'late', 'refuse');
  await fc.assert(
    fc.asyncProperty(part, part, part, part, fc.boolean(), async (look, rule, append, grant, asks) => {
      const act = async <T>(how: string, value: T): Promise<T> =>
        how === 'reject' || how === 'throw' ? fail() : how === 'late' ? later(25, value) : value;
      const { guard, log } = sample({
        observe: () => (look === 'throw' ? fail() : act(look, { open: true as const })),
        rules: [
          {
            code: 'r',
            remedy: '',
            refuses: () => (rule === 'ok' ? false : rule === 'refuse' ? 'no' : fail()),
          },
        ],
        grant: () => (grant === 'ok' ? newGrant() : fail()),
      });
      const journal = { append: () => (append === 'throw' ? fail() : act(append, 0)) };
      const run = asks
        ? judge(guard, { name: 'a' }, { timeoutMs: 10 })
        : enforce(guard, { name: 'a' }, { journal, timeoutMs: 10 });
      const granted = await run.then((value) => isGranted(guard, value)).catch(() => false);
      await later(30, 0);
      const facts = look !== 'throw' && look !== 'reject';
      expect(log.filter((step) => step === 'release')).toHaveLength(facts && !granted ? 1 : 0);
    }),
    { numRuns: 80 },
  );
});

it('leaves no byte of a secret in the journal, whoever throws it', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory });
  const faults: Partial<Sample>[] = [
    { observe: fail },
    { grant: fail },
    { subject: fail },
    { release: fail, rules: [{ code: 'no', remedy: CANARY, refuses: () => 'no' }] },
    { rules: [{ code: 'no', remedy: '', refuses: fail }] },
  ];
  for (const over of faults) await refusalOf(enforce(sample(over).guard, { name: CANARY }, { journal }));
  const odd = { name: 'a', [CANARY]: CANARY } as Request;
  await refusalOf(enforce(sample().guard, odd, { journal }));
  await journal.close();
  const bytes = readFileSync(join(directory, FIRST_SEGMENT), 'utf8');
  expect(bytes.split('\n').length).toBeGreaterThan(faults.length);
  expect(bytes).not.toContain(CANARY);
});

it('keeps a refusal whose words are longer than a record may be, and all codes beside a subject that throws', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory });
  const long = { code: 'sample.long', remedy: 'Be brief.', refuses: () => 'y'.repeat(9_999) };
  const wordy = sample({
    rules: [long],
    subject: () => ({ kind: 'sample', name: `n${'\u{1f512}'.repeat(9_999)}` }),
  });
  const kept = await refusalOf(enforce(wordy.guard, { name: 'a' }, { journal }));
  expect([kept.code, kept.evidenceId]).toEqual(['sample.long', expect.any(String)]);
  const nameless = sample({ rules: [long], subject: fail });
  const refused = await refusalOf(enforce(nameless.guard, { name: 'a' }, { journal }));
  expect(refused.codes).toEqual(['guard.rule-failed', 'sample.long']);
  await journal.close();
});

describe('a guard', () => {
  it('shows its name and its codes, and nothing that looks, judges or grants', () => {
    const { guard } = sample();
    expect(guard).toEqual({ id: 'test/sample', dimension: expect.any(String), codes: ['sample.never'] });
    expect([guard, guard.codes].every(Object.isFrozen)).toBe(true);
    expect(Reflect.ownKeys(guard)).toEqual(['id', 'dimension', 'codes']);
  });

  it.each([
    ['written by hand', { id: 'bind', dimension: 'd', codes: [] }],
    ['copied', { ...sample().guard }],
    ['cloned', structuredClone(sample().guard)],
    ['inherited', Object.create(sample().guard)],
    ['behind a proxy', new Proxy(sample().guard, {})],
    ['null', null],
  ])('%s is none', async (_how, guard) => {
    const journal = memoryJournal();
    const asked = enforce(guard as never, { name: 'a' } as never, { journal });
    await expect(asked).rejects.toThrow(/no guard that defineGuard returned/);
    await expect(judge(guard as never, { name: 'a' } as never)).rejects.toThrow(TypeError);
    expect(journal.drafts).toEqual([]);
  });

  it.each(['bind', 'remote-command', 'Acme/x', '/x', 'acme/', 'a/b/c/d/e', 'acme/x\n', ''])(
    'cannot be defined outside under the id %j',
    (id) => {
      const definition = {
        id,
        dimension: 'architecture_runtime_guardrails',
        request: z.strictObject({}),
        observe: async () => ({}),
        rules: [{ code: 'bind.wildcard', remedy: '', refuses: () => false as const }],
        grant: () => Object.freeze({}),
      };
      expect(() => defineGuard(definition)).toThrow(TypeError);
    },
  );

  it('stays as it was defined when its definition is edited afterwards', async () => {
    const no = { code: 'no', remedy: '', refuses: (): string | false => 'no' };
    const definition: Sample = {
      id: 'test/edited',
      dimension: 'architecture_runtime_guardrails',
      request: z.strictObject({ name: z.string() }),
      observe: async () => ({ open: true }),
      rules: [no],
      grant: newGrant,
    };
    const guard = defineGuard(definition);
    no.refuses = () => false;
    Object.assign(definition, { rules: [], observe: fail });
    expect((await judge(guard, { name: 'a' })).codes).toEqual(['no']);
  });

  it('keeps its private state when it is an instance of a class', async () => {
    class Numbers implements Sample {
      readonly id = 'test/numbers';
      readonly dimension = 'architecture_runtime_guardrails';
      readonly request: z.ZodType<Request> = z.strictObject({ name: z.string() });
      readonly rules = [{ code: 'no', remedy: '', refuses: (): string | false => false }];
      readonly #made = 41;
      async observe(): Promise<{ readonly open: true }> {
        return { open: true };
      }
      grant(): Grant {
        return Object.freeze({ made: this.#made + 1 });
      }
    }
    const journal = memoryJournal();
    expect(await enforce(defineGuard(new Numbers()), { name: 'a' }, { journal })).toEqual({ made: 42 });
  });
});

describe('a grant', () => {
  it('is granted by identity: no copy, no proxy, no other guard', async () => {
    const { guard, sink } = sample();
    const grant = await enforce(guard, { name: 'a' }, { journal: sink });
    expect(isGranted(guard, grant)).toBe(true);
    for (const other of [{ ...grant }, structuredClone(grant), Object.create(grant), new Proxy(grant, {})])
      expect(isGranted(guard, other)).toBe(false);
    for (const other of [null, undefined, 'grant', 1, Symbol('grant')])
      expect(isGranted(guard, other)).toBe(false);
    expect(isGranted(sample().guard, grant)).toBe(false);
    for (const none of [undefined, null]) expect(isGranted(none as never, {})).toBe(false);
  });

  it('is good for one request: the same object is never granted twice', async () => {
    const shared = newGrant();
    const { guard, sink } = sample({ grant: () => shared });
    await enforce(guard, { name: 'a' }, { journal: sink });
    const refusal = await refusalOf(enforce(guard, { name: 'b' }, { journal: sink }));
    expect(refusal.code).toBe('guard.grant-failed');
  });

  it('cannot be talked into existence by replacing the methods of WeakMap', () => {
    const { guard } = sample();
    const spy = vi.spyOn(WeakMap.prototype, 'get').mockReturnValue({ guard });
    const granted = isGranted(guard, {});
    spy.mockRestore();
    expect(granted).toBe(false);
  });

  it('names the record that allowed it, and so do its effects', async () => {
    const { guard } = sample();
    const journal = memoryJournal();
    const grant = await enforce(guard, { name: 'a' }, { journal });
    await recordEffect(journal, grant, { kind: 'sample', outcome: 'done', codes: [], reason: 'ended' });
    expect(journal.effects).toMatchObject([{ mode: 'effect', of: journal.drafts[0]?.id, outcome: 'done' }]);
    const alien = recordEffect(journal, {}, { kind: 'sample', outcome: 'done', codes: [], reason: '' });
    await expect(alien).rejects.toThrow(TypeError);
  });
});

describe('a commit', () => {
  it('runs after the record and before the grant', async () => {
    const steps: string[] = [];
    const { guard } = sample({
      commit: async () => void steps.push('commit'),
      grant: () => {
        steps.push('grant');
        return newGrant();
      },
    });
    const append = async (): Promise<void> => void steps.push('record');
    await enforce(guard, { name: 'a' }, { journal: { append } });
    expect(steps).toEqual(['record', 'commit', 'grant']);
  });

  it('shares its time with look and record', async () => {
    const { guard, sink } = sample({
      observe: () => later(40, { open: true } as const),
      commit: () => later(40, undefined),
    });
    vi.useFakeTimers(); // a busy machine would be late for the record already
    try {
      const refused = refusalOf(enforce(guard, { name: 'a' }, { journal: sink, timeoutMs: 60 }));
      await vi.advanceTimersByTimeAsync(70); // and what is to be recorded of it
      expect((await refused).code).toBe('guard.timeout');
    } finally {
      vi.useRealTimers();
    }
  });
});

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2_147_483_648])(
  'takes %d for no timeout',
  async (timeoutMs) => {
    const { guard, log, sink } = sample();
    const asked = enforce(guard, { name: 'a' }, { journal: sink, timeoutMs });
    await expect(asked).rejects.toMatchObject({ code: 'usage.timeout' });
    await expect(judge(guard, { name: 'a' }, { timeoutMs })).rejects.toMatchObject({ code: 'usage.timeout' });
    expect(log).toEqual([]);
  },
);

it('shows the remedy of the innermost cause', async () => {
  const { guard } = sample();
  const full = new CodedError('journal.full', 'full', 'Start a new journal.');
  const append = async (): Promise<never> => {
    throw new CodedError('journal.write-failed', 'no', 'Free space.', { cause: full });
  };
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: { append } }));
  expect([refusal.code, refusal.remedy]).toEqual(['guard.journal-failed', 'Start a new journal.']);
});

describe('what is said of a request that does not fit the schema', () => {
  it.each([
    ['a missing key', { name: undefined }, 'name: string expected; 1 in all'],
    ['an unknown key, unnamed', { name: 'a', [CANARY]: 1 }, 'an unknown key; 1 in all'],
    ['a wrong type', { name: 1 }, 'name: string expected; 1 in all'],
  ])('names our key of %s', async (_what, request, said) => {
    const { reason } = await judge(sample().guard, request as Request);
    expect(reason).toBe(`the request does not match the schema (${said})`);
  });
});

it.each(['observe', 'commit'] as const)(
  'grants nothing after its deadline when %s keeps the thread busy',
  async (step) => {
    const busy = async (): Promise<{ readonly open: true }> => {
      for (const end = performance.now() + 40; performance.now() < end; );
      return { open: true };
    };
    const { guard, log } = sample({ [step]: busy });
    const journal = { append: async () => {} };
    const { code } = await refusalOf(enforce(guard, { name: 'a' }, { journal, timeoutMs: 10 }));
    expect([code, log]).toEqual(['guard.timeout', ['release']]);
  },
);

it('leaves no timer behind for what is no signal', async () => {
  vi.useFakeTimers();
  try {
    const signal = {} as AbortSignal;
    await expect(judge(sample().guard, { name: 'a' }, { signal })).rejects.toThrow(TypeError);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

it('reads the id of a definition once: a getter cannot take one of the house after the check', () => {
  for (let honest = 0; honest < 4; honest++) {
    let asked = 0;
    const definition = {
      dimension: 'd',
      request: z.strictObject({}),
      observe: async () => ({}),
      rules: [{ code: 'a.b', remedy: 'r', refuses: () => false as const }],
      grant: () => Object.freeze({}),
      get id() {
        return asked++ < honest ? 'acme/x' : 'bind';
      },
    };
    if (honest === 0) expect(() => defineGuard(definition)).toThrow(TypeError);
    else expect(defineGuard(definition).id).toBe('acme/x');
  }
});
