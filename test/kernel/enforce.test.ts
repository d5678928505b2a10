// The kernel fails closed: whatever goes wrong on the way from request to grant is a refusal with a code, what was
// opened is closed exactly once, and no effect comes before its evidence. Proved here once, for every guard.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as z from 'zod';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { JOURNAL_FILE } from '../../src/evidence/journal-files.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { EvidenceDraft, EvidenceSink } from '../../src/evidence/record.ts';
import { enforce, judge } from '../../src/kernel/enforce.ts';
import { type Guard, GuardRefusal } from '../../src/kernel/guard.ts';
import { scratch } from '../evidence/support.ts';

interface Request {
  readonly name: string;
}
type Sample = Guard<Request, { readonly open: true }, string>;

const CANARY = 'canary-7f3a9c';
const fail = (): never => {
  throw Object.assign(new Error(CANARY), { code: CANARY });
};
const never = (): Promise<never> => new Promise(() => {});
const later = <T>(ms: number, value: T): Promise<T> =>
  new Promise((resolve) => setTimeout(() => resolve(value), ms));

/** A guard that allows, with a log of what the kernel did to it. */
function sample(over: Partial<Sample> = {}): { guard: Sample; log: string[]; sink: EvidenceSink } {
  const log: string[] = [];
  const { grant, release, ...rest } = over;
  const guard: Sample = {
    id: 'sample',
    dimension: 'architecture_runtime_guardrails',
    request: z.strictObject({ name: z.string().max(50) }),
    observe: async () => ({ open: true }),
    rules: [{ code: 'sample.never', remedy: 'nothing', refuses: () => false }],
    grant: (facts) => {
      log.push('grant');
      return grant ? grant(facts) : 'granted';
    },
    release: async (facts) => {
      log.push('release');
      await release?.(facts);
    },
    drills: [],
    ...rest,
  };
  const sink = {
    append: async ({ decision }: EvidenceDraft) => {
      await later(1, 0);
      log.push(`recorded ${decision}`);
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
  expect(await enforce(guard, { name: 'a' }, { journal: sink })).toBe('granted');
  expect(log).toEqual(['recorded allow', 'grant']);
});

it.each<[string, unknown]>([
  ['no object', null],
  ['an unknown key', { name: 'a', extra: CANARY }],
  ['a wrong type', { name: 1 }],
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
  expect(refusal).toMatchObject({ code: 'guard.request-invalid', guard: 'sample' });
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
  ['a look that throws at once', { observe: fail }, 'guard.observe-failed'],
  ['a look that rejects', { observe: async () => fail() }, 'guard.observe-failed'],
  [
    'a look that throws what cannot be looked at',
    {
      observe: () => {
        throw new Proxy({}, { has: fail, get: fail });
      },
    },
    'guard.observe-failed',
  ],
  ['a look that never answers', { observe: never }, 'guard.timeout'],
  ['a rule that throws', { rules: [{ code: 'x', remedy: '', refuses: fail }] }, 'guard.rule-failed'],
  ['a rule that answers undefined', answers(undefined), 'guard.rule-failed'],
  ['a rule that answers true', answers(true), 'guard.rule-failed'],
  ['a rule that answers null', answers(null), 'guard.rule-failed'],
  ['a rule that answers an empty sentence', answers(''), 'sample.odd'],
  ['a rule that answers a promise of false', answers(Promise.resolve(false)), 'guard.rule-failed'],
  [
    'a rule that answers a promise that rejects',
    { rules: [{ code: 'x', remedy: '', refuses: (async () => fail()) as never }] },
    'guard.rule-failed',
  ],
  ['a subject that throws', { subject: fail }, 'guard.rule-failed'],
  ['a grant that throws', { grant: fail }, 'guard.grant-failed'],
  ['a grant that rejects', { grant: (async () => fail()) as never }, 'guard.grant-failed'],
])('refuses after %s, once recorded, with everything closed', async (_what, over, code) => {
  const { guard, log, sink } = sample(over);
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: sink, timeoutMs: 40 }));
  expect(refusal.code).toBe(code);
  expect(refusal.evidenceId).toMatch(/^[0-9a-f-]{36}$/);
  expect(refusal.remedy).toBeTypeOf('string');
  expect(refusal.message).not.toContain(CANARY);
  expect(log.filter((step) => step === 'release')).toHaveLength(over.observe ? 0 : 1);
  expect(log.findLast((step) => step.startsWith('recorded'))).not.toBe('recorded allow');
});

it('lists every rule that refused, the first as the headline', async () => {
  const rule = (code: string): Sample['rules'][number] => ({
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

it.each<[string, EvidenceSink['append'], string]>([
  ['rejects', async () => fail(), 'guard.journal-failed'],
  ['throws at once', fail, 'guard.journal-failed'],
  ['never answers', never, 'guard.journal-timeout'],
  ['answers too late', () => later(60, 0), 'guard.journal-timeout'],
])('grants nothing when the journal %s', async (_what, append, code) => {
  const { guard, log } = sample();
  const refusal = await refusalOf(enforce(guard, { name: 'a' }, { journal: { append }, timeoutMs: 20 }));
  expect(refusal).toMatchObject({ code, evidenceId: undefined });
  await later(80, 0);
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

it.each(['before', 'during the look', 'during the append'])('refuses an abort %s', async (when) => {
  const controller = new AbortController();
  if (when === 'before') controller.abort();
  const { guard, log } = sample({
    observe: async () => {
      if (when === 'during the look') controller.abort();
      return later(5, { open: true });
    },
  });
  const append = async (): Promise<void> => controller.abort();
  const refusal = await refusalOf(
    enforce(guard, { name: 'a' }, { journal: { append }, signal: controller.signal }),
  );
  expect(refusal.code).toBe('guard.aborted');
  await later(20, 0);
  expect(log).toEqual(when === 'before' ? [] : ['release']); // late facts are closed too
});

it.each<[string, () => Promise<void>]>([
  ['throws', fail],
  ['hangs', never],
])('still refuses with the headline when release %s', async (_what, release) => {
  const { guard, sink } = sample({ rules: [{ code: 'no', remedy: '', refuses: () => 'no' }], release });
  expect((await refusalOf(enforce(guard, { name: 'a' }, { journal: sink, timeoutMs: 30 }))).code).toBe('no');
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
        grant: () => (grant === 'ok' ? 'granted' : fail()),
      });
      const journal = { append: () => (append === 'throw' ? fail() : act(append, 0)) };
      const run = asks
        ? judge(guard, { name: 'a' }, { timeoutMs: 10 })
        : enforce(guard, { name: 'a' }, { journal, timeoutMs: 10 });
      const granted = await run.then((value) => value === 'granted').catch(() => false);
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
  const bytes = readFileSync(join(directory, JOURNAL_FILE), 'utf8');
  expect(bytes.split('\n').length).toBeGreaterThan(faults.length);
  expect(bytes).not.toContain(CANARY);
});

it('keeps a refusal whose words are longer than a record may be, and all codes beside a subject that throws', async () => {
  const directory = await scratch();
  const journal = await openJournal({ directory });
  const long = { code: 'sample.long', remedy: 'Be brief.', refuses: () => 'y'.repeat(9_999) };
  const wordy = sample({ rules: [long], subject: () => ({ kind: 'sample', name: 'n'.repeat(9_999) }) });
  const kept = await refusalOf(enforce(wordy.guard, { name: 'a' }, { journal }));
  expect([kept.code, kept.evidenceId]).toEqual(['sample.long', expect.any(String)]);
  const nameless = sample({ rules: [long], subject: fail });
  const refused = await refusalOf(enforce(nameless.guard, { name: 'a' }, { journal }));
  expect(refused.codes).toEqual(['guard.rule-failed', 'sample.long']);
  await journal.close();
});
