// What can go wrong between request and grant, played through a kernel with a tiny guard and a sink in memory. Says
// what came out of each scenario and what should have; the guard in fail-closed.ts judges it.
import * as z from 'zod';
import { type EvidenceDraft, isDecisionDraft } from '../../evidence/record.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import { type EnforceOptions, enforce } from '../../kernel/enforce.ts';
import { evidenceIdOf } from '../../kernel/grants.ts';
import type { GuardDefinition, Rule } from '../../kernel/guard.ts';
import { GuardRefusal } from '../../kernel/refusal.ts';

interface Wish {
  readonly name: string;
}
interface Found {
  readonly name: string;
}

export type Sample = GuardDefinition<Wish, Found, Found>;

/** Takes a guard from request to grant: {@link soundKernel}, or one that misbehaves. */
export type Kernel = (guard: Sample, request: Wish, options: EnforceOptions) => Promise<Found>;

/** The kernel in use. */
export const soundKernel: Kernel = (guard, request, options) =>
  enforce(defineHouseGuard(guard), request, options);

/** What a kernel must never do. */
export type Property =
  | 'refusal-granted'
  | 'error-granted'
  | 'unrecorded-grant'
  | 'invalid-accepted'
  | 'deadline-ignored'
  | 'abort-ignored'
  | 'codes-lost'
  | 'grant-wrong'
  | 'commit-skipped'
  | 'release-wrong'
  | 'record-wrong';

interface Scenario {
  readonly id: string;
  readonly shows: Property;
  /** Decision and codes: `allow`, `refuse sample.one`. */
  readonly expects: string;
  /** Every record that must be kept, when it is not just the one of what is expected. */
  readonly kept?: readonly string[];
  readonly request?: unknown;
  readonly rules?: readonly Rule<Found>[];
  readonly look?: (abort: () => void, over: Promise<void>) => Promise<void>;
  readonly keep?: (abort: () => void, over: Promise<void>) => Promise<unknown>;
  readonly commits?: (abort: () => void, over: Promise<void>) => Promise<void>;
  /** Replaces what is granted. */
  readonly grants?: () => Found;
  readonly subject?: () => never;
  readonly aborted?: true;
  readonly timeoutMs?: number;
}

/**
 * What came out of one scenario. Steps: `look`, `raw look`, `stopped`, `found`, `kept <record>`, `commit`, `grant`,
 * `release`.
 */
export interface Finding extends Pick<Scenario, 'id' | 'shows' | 'expects'> {
  /** `allow`, the codes of the refusal, or words for what should be impossible. */
  readonly ended: string;
  readonly steps: readonly string[];
  readonly expectedRecords: readonly string[];
  /** Whether grant or refusal named the last record kept by then, or none when there was none. */
  readonly named: boolean;
}

// A deadline, and an answer that comes once the kernel has given up, or far behind the deadline if it does not: a busy
// machine must not make a sound kernel look broken.
const DEADLINE_MS = 5;
const LATE_MS = 250;
/** For kernels that never answer at all; no other scenario comes near it. */
const PATIENCE_MS = 2_000;

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const late = async (_abort: () => void, over: Promise<void>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LATE_MS);
  });
  await Promise.race([over, limit]);
  clearTimeout(timer);
};
const fail = (): never => {
  throw new Error('part of the scenario');
};
const rule = (code: string, answer: () => unknown): Rule<Found> => ({
  code,
  remedy: 'None: this is a scenario.',
  refuses: answer as Rule<Found>['refuses'],
});
const rejecting = (): Promise<never> => {
  const promise = Promise.reject(new Error('part of the scenario'));
  promise.catch(() => {}); // a kernel that drops it is to be judged, not to end the process
  return promise;
};
const one = rule('sample.one', () => 'no');
const two = rule('sample.two', () => 'no');
const fine = rule('sample.fine', () => false);

const odd = (id: string, answer: () => unknown): Scenario => ({
  id,
  shows: 'error-granted',
  expects: 'error guard.rule-failed',
  rules: [rule('sample.odd', answer)],
});
const invalid = (id: string, request: unknown): Scenario => ({
  id,
  shows: 'invalid-accepted',
  expects: 'refuse guard.request-invalid',
  request,
});
const unkept = (id: string, keep: () => Promise<unknown>): Scenario => ({
  id,
  shows: 'unrecorded-grant',
  expects: 'error guard.journal-failed',
  kept: [],
  keep,
});
const blind = (id: string, look: () => Promise<void>): Scenario => ({
  id,
  shows: 'error-granted',
  expects: 'error guard.observe-failed',
  look,
});
const ungranted = (id: string, grants: () => Found): Scenario => ({
  id,
  shows: 'error-granted',
  expects: 'error guard.grant-failed',
  kept: ['allow', 'error guard.grant-failed'],
  grants,
});
const ABORTED = { shows: 'abort-ignored', expects: 'error guard.aborted' } as const;

const scenarios: readonly Scenario[] = [
  { id: 'no rule refuses', shows: 'grant-wrong', expects: 'allow' },
  { id: 'the last rule refuses', shows: 'refusal-granted', expects: 'refuse sample.one', rules: [fine, one] },
  { id: 'two rules refuse', shows: 'codes-lost', expects: 'refuse sample.one sample.two', rules: [one, two] },
  odd('a rule throws', fail),
  odd('a rule answers undefined', () => undefined),
  odd('a rule answers true', () => true),
  odd('a rule rejects', rejecting),
  invalid('the request has an unknown key', { name: 'a', more: true }),
  invalid('the request has a wrong type', { name: 1 }),
  blind('the look throws', fail),
  blind('the look rejects', rejecting),
  {
    id: 'the look outlasts its deadline',
    shows: 'deadline-ignored',
    expects: 'error guard.timeout',
    timeoutMs: DEADLINE_MS,
    look: late,
    keep: async () => {}, // at once, or the short deadline would race with the record
  },
  {
    id: 'the sink outlasts its deadline',
    shows: 'deadline-ignored',
    expects: 'error guard.journal-timeout',
    timeoutMs: DEADLINE_MS,
    keep: late,
    kept: ['allow', 'error guard.journal-timeout'], // it came all the same, and must not read as a grant
  },
  {
    id: 'the commit outlasts its deadline',
    shows: 'deadline-ignored',
    expects: 'error guard.timeout',
    timeoutMs: DEADLINE_MS,
    keep: async () => {},
    commits: late,
    kept: ['allow', 'error guard.timeout'],
  },
  { id: 'the caller aborts first', ...ABORTED, aborted: true },
  {
    id: 'the caller aborts during the look',
    ...ABORTED,
    look: (abort) => {
      abort();
      return turn();
    },
  },
  {
    id: 'the caller aborts during the record',
    ...ABORTED,
    kept: ['allow', 'error guard.aborted'],
    keep: async (abort) => abort(),
  },
  unkept('the sink throws', fail),
  unkept('the sink rejects', rejecting),
  {
    id: 'a refusal cannot be recorded',
    shows: 'codes-lost',
    expects: 'error guard.journal-failed sample.one',
    kept: [],
    rules: [one],
    keep: rejecting,
  },
  {
    id: 'what is refused cannot be named',
    shows: 'codes-lost',
    expects: 'error guard.rule-failed sample.one',
    rules: [one],
    subject: fail,
  },
  {
    id: 'the commit throws',
    shows: 'error-granted',
    expects: 'error guard.commit-failed',
    kept: ['allow', 'error guard.commit-failed'],
    commits: rejecting,
  },
  {
    id: 'the caller aborts during the commit',
    ...ABORTED,
    kept: ['allow', 'error guard.aborted'],
    commits: async (abort) => abort(),
  },
  ungranted('the grant throws', fail),
  ungranted('the grant can be changed', () => ({ name: 'what was found' })),
  ungranted('the grant is a promise', () => Object.assign(rejecting(), { name: '' })),
];

async function play(kernel: Kernel, scenario: Scenario): Promise<Finding> {
  const { id, shows, expects, kept = [expects], request = { name: 'a' }, rules = [fine] } = scenario;
  const steps: string[] = [];
  const pending: Promise<unknown>[] = [];
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (scenario.aborted) abort();
  let end = (): void => {};
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const found: Found = { name: 'what was found' };
  let lastId: string | undefined;
  let made: Found | undefined;
  const guard: Sample = {
    id: 'sample',
    dimension: 'architecture_runtime_guardrails',
    request: z.strictObject({ name: z.string() }),
    observe: (parsed, stop) => {
      stop.addEventListener('abort', () => void steps.push('stopped'));
      steps.push(parsed === request ? 'raw look' : 'look');
      const looking = scenario.look?.(abort, over) ?? Promise.resolve();
      pending.push(looking);
      return looking.then(() => {
        steps.push('found');
        return found;
      });
    },
    rules,
    commit: async () => {
      steps.push('commit');
      const committing = scenario.commits?.(abort, over) ?? Promise.resolve();
      pending.push(committing);
      await committing;
    },
    grant: (facts) => {
      steps.push('grant');
      made = scenario.grants?.() ?? Object.freeze({ name: facts.name });
      return made;
    },
    release: async () => void steps.push('release'),
    ...(scenario.subject ? { subject: scenario.subject } : {}),
  };
  const append = (draft: EvidenceDraft): Promise<void> => {
    const { codes, id: recordId } = draft;
    const decision = isDecisionDraft(draft) ? draft.decision : 'an effect';
    // By default a turn of the event loop: a kernel that does not wait is seen to grant before it.
    const keeping = (scenario.keep ?? turn)(abort, over);
    pending.push(keeping);
    return keeping.then(() => {
      steps.push(`kept ${[decision, ...codes].join(' ')}`);
      lastId = recordId;
    });
  };
  const options: EnforceOptions = {
    journal: { append },
    signal: controller.signal,
    timeoutMs: scenario.timeoutMs ?? 2 * PATIENCE_MS,
  };
  let watchdog: NodeJS.Timeout | undefined;
  const silence = new Promise<'no answer'>((resolve) => {
    watchdog = setTimeout(() => resolve('no answer'), PATIENCE_MS);
  });
  let named = true;
  const answer = (async () => kernel(guard, request as Wish, options))().then(
    (grant) => {
      named = evidenceIdOf(grant) === lastId;
      return grant === made && grant.name === found.name
        ? 'allow'
        : 'allow, with something else than was found';
    },
    (error: unknown) => {
      if (!(error instanceof GuardRefusal)) return 'an error that is no refusal';
      named = error.evidenceId === lastId;
      return error.codes.join(' ');
    },
  );
  const ended = await Promise.race([answer, silence]);
  clearTimeout(watchdog);
  end();
  // What was late arrives now, and the kernel must still do right by it.
  for (let settled = -1; settled !== pending.length; ) {
    settled = pending.length;
    await Promise.allSettled(pending);
    await turn();
  }
  return { id, shows, expects, ended, steps, expectedRecords: kept, named };
}

/** Plays every scenario through `kernel`. Takes some 10 ms when the kernel is sound. */
export async function runBattery(kernel: Kernel): Promise<readonly Finding[]> {
  return await Promise.all(scenarios.map((scenario) => play(kernel, scenario)));
}
