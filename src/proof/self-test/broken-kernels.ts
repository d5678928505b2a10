// Kernels that misbehave in exactly one way, for the drills of the fail-closed guard alone. Each is the real kernel,
// misled about its guard, its request or its sink, as a careless edit of it would be.
import * as z from 'zod';
import type { Rule } from '../../kernel/guard.ts';
import { type Kernel, type Property, type Sample, soundKernel } from './kernel-battery.ts';

interface BrokenKernel {
  readonly id: string;
  readonly fault: string;
  readonly does: Property;
  readonly kernel: Kernel;
}

type Parts = Parameters<Kernel>;
type Append = Parts[2]['journal']['append'];

const broken = (id: string, does: Property, fault: string, kernel: Kernel): BrokenKernel => ({
  id,
  does,
  fault,
  kernel,
});
const misled =
  (change: (guard: Sample, request: Parts[1]) => Partial<Sample>): Kernel =>
  (guard, request, options) =>
    soundKernel({ ...guard, ...change(guard, request) }, request, options);
const asking = (ask: (rule: Sample['rules'][number], facts: never) => unknown): Kernel =>
  misled(({ rules }) => ({
    rules: rules.map((rule) => ({
      ...rule,
      refuses: ((facts: never) => ask(rule, facts)) as Rule<unknown>['refuses'],
    })),
  }));
const recording =
  (record: (append: Append, ...entry: Parameters<Append>) => Promise<unknown>): Kernel =>
  (guard, request, options) =>
    soundKernel(guard, request, {
      ...options,
      journal: { append: (...entry) => record((...kept) => options.journal.append(...kept), ...entry) },
    });
const quietly = async (step: () => Promise<unknown>): Promise<void> => {
  try {
    await step();
  } catch {}
};

export const brokenKernels: readonly BrokenKernel[] = [
  broken(
    'forgives-the-journal',
    'unrecorded-grant',
    'a journal that fails counts as one that kept the record',
    recording((append, ...entry) => quietly(() => append(...entry))),
  ),
  broken(
    'records-afterwards',
    'unrecorded-grant',
    'the record is begun, but not waited for',
    recording(async (append, ...entry) => void quietly(() => append(...entry))),
  ),
  broken(
    'takes-any-request',
    'invalid-accepted',
    'the schema of the guard is not asked',
    misled(() => ({ request: z.custom<Parts[1]>() })),
  ),
  broken(
    'hands-over-the-request-as-sent',
    'invalid-accepted',
    'the look gets the object of the caller, who may change it after the check',
    misled((guard, request) => ({ observe: (_parsed, signal) => guard.observe(request, signal) })),
  ),
  broken(
    'grants-refusals',
    'refusal-granted',
    'a rule that refuses is not heeded',
    asking((rule, facts) => {
      const answer: unknown = rule.refuses(facts);
      return typeof answer === 'string' ? false : answer;
    }),
  ),
  broken(
    'asks-one-rule',
    'refusal-granted',
    'only the first rule is asked',
    misled(({ rules }) => ({ rules: rules.slice(0, 1) })),
  ),
  broken(
    'forgives-thrown-rules',
    'error-granted',
    'a rule that throws counts as one that allows',
    asking((rule, facts) => {
      try {
        return rule.refuses(facts);
      } catch {
        return false;
      }
    }),
  ),
  broken(
    'takes-no-answer-for-yes',
    'error-granted',
    'any answer but a sentence counts as one that allows',
    asking((rule, facts) => {
      const answer: unknown = rule.refuses(facts);
      return typeof answer === 'string' ? answer : false;
    }),
  ),
  broken(
    'forgives-failed-looks',
    'error-granted',
    'a look that fails counts as one that found nothing wrong',
    misled((guard) => ({
      observe: async (parsed, signal) => {
        try {
          return await guard.observe(parsed, signal);
        } catch {
          return parsed;
        }
      },
    })),
  ),
  broken(
    'forgives-failed-grants',
    'error-granted',
    'a grant that cannot be built is replaced by the bare facts',
    misled((guard) => ({
      grant: (facts) => {
        try {
          return guard.grant(facts);
        } catch {
          return Object.freeze({ ...facts });
        }
      },
    })),
  ),
  broken(
    'has-no-deadline',
    'deadline-ignored',
    'a look or a journal may take for ever',
    (guard, request, { journal, signal }) =>
      soundKernel(guard, request, signal ? { journal, signal } : { journal }),
  ),
  broken(
    'lets-the-look-run-on',
    'deadline-ignored',
    'a look that ran into its deadline is not told to stop',
    misled((guard) => ({ observe: (parsed) => guard.observe(parsed, new AbortController().signal) })),
  ),
  broken(
    'ignores-the-abort',
    'abort-ignored',
    'a caller who gave up still gets a grant',
    (guard, request, { signal: _unheeded, ...options }) => soundKernel(guard, request, options),
  ),
  broken(
    'stops-at-the-first-refusal',
    'codes-lost',
    'the rules after the first that refuses are not asked',
    misled(({ rules }) => {
      let refused = false;
      return {
        rules: rules.map((rule) => ({
          ...rule,
          refuses: (facts) => {
            const answer = refused ? false : rule.refuses(facts);
            refused ||= typeof answer === 'string';
            return answer;
          },
        })),
      };
    }),
  ),
  broken('refuses-everything', 'grant-wrong', 'what is allowed is not granted', async (...parts) => {
    await soundKernel(...parts);
    throw new TypeError('no grant');
  }),
  broken(
    'grants-a-copy',
    'grant-wrong',
    'something else is granted than what was observed and judged',
    misled((guard) => ({
      grant: (facts) => {
        const grant = guard.grant(facts);
        return Object.isFrozen(grant) ? Object.freeze({ ...grant }) : grant;
      },
    })),
  ),
  broken(
    'commits-nothing',
    'commit-skipped',
    'what must last before the grant is not made to last',
    misled(() => ({ commit: async () => {} })),
  ),
  broken(
    'forgives-failed-commits',
    'error-granted',
    'a commit that fails counts as one that lasts',
    misled((guard) => ({
      commit: (facts, signal) => quietly(async () => guard.commit?.(facts, signal)),
    })),
  ),
  broken(
    'never-releases',
    'release-wrong',
    'what the look opened stays open after a refusal',
    misled(() => ({ release: async () => {} })),
  ),
  broken(
    'releases-twice',
    'release-wrong',
    'what the look opened is closed twice, the second time perhaps under another owner',
    misled((guard) => ({
      release: async (facts) => {
        await guard.release?.(facts);
        await guard.release?.(facts);
      },
    })),
  ),
  broken(
    'releases-what-it-granted',
    'release-wrong',
    'the grant is closed under its user',
    async (...parts) => {
      const [guard] = parts;
      const granted = await soundKernel(...parts);
      await guard.release?.(granted);
      return granted;
    },
  ),
  broken(
    'records-allow',
    'record-wrong',
    'the record says allow, whatever was decided',
    recording((append, draft, input) =>
      append(draft.mode === 'effect' ? draft : { ...draft, decision: 'allow', codes: [] }, input),
    ),
  ),
  broken(
    'records-twice',
    'record-wrong',
    'one decision leaves two records',
    recording(async (append, ...entry) => {
      await append(...entry);
      await append(...entry);
    }),
  ),
  broken(
    'takes-nothing-back',
    'record-wrong',
    'what was recorded as allowed and then not granted still reads as allowed',
    recording(async (append, draft, input) => {
      if (draft.mode === 'effect' || draft.of === undefined) await append(draft, input);
    }),
  ),
  broken(
    'names-no-record',
    'record-wrong',
    'the refusal names a record that is not in the journal',
    recording((append, draft, input) => append({ ...draft, id: 'another' }, input)),
  ),
];
