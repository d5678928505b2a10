// The power-on self-test of the kernel: a guard whose world is `enforce` itself. Every other guard stands on the kernel
// and its drills ask for decisions only, so a kernel that grants what was refused must be caught here.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { enforce } from '../../kernel/enforce.ts';
import type { Drill, Guard, Rule } from '../../kernel/guard.ts';
import { brokenKernels } from './broken-kernels.ts';
import { type Finding, type Kernel, type Property, runBattery } from './kernel-battery.ts';

export interface FailClosedRequest {
  /** `this` is the kernel in use. Every other name is a kernel broken on purpose, for drills; it is never granted. */
  readonly kernel: string;
}

export interface FailClosedFacts {
  readonly kernel: string;
  readonly findings: readonly Finding[];
}

const kernels: ReadonlyMap<string, Kernel> = new Map([
  ['this', enforce],
  ...brokenKernels.map(({ id, kernel }) => [id, kernel] as const),
]);

async function observe({ kernel }: FailClosedRequest, signal: AbortSignal): Promise<FailClosedFacts> {
  signal.throwIfAborted();
  const chosen = kernels.get(kernel);
  if (!chosen) throw new TypeError('no such kernel');
  return { kernel, findings: await runBattery(chosen) };
}

/** The end that was due: `allow`, or the codes without the decision in front of them. */
const due = ({ expects }: Finding): string => expects.replace(/^(?:refuse|error) /, '');

/** A rule that refuses when a scenario for this property ended otherwise than it should, or `also` finds fault. */
function never(
  property: Property,
  because: string,
  also: (finding: Finding) => boolean = () => false,
): Rule<FailClosedFacts> {
  return {
    code: `fail-closed.${property}`,
    remedy: 'Do not use this build: its kernel cannot be relied on. Install the published package again.',
    refuses: ({ findings }) => {
      const bad = findings.find(
        (finding) => (finding.shows === property && finding.ended !== due(finding)) || also(finding),
      );
      return bad ? `${because} (${bad.id}; it ended with: ${bad.ended})` : false;
    },
  };
}

const recordsOf = ({ steps }: Finding): readonly string[] =>
  steps.flatMap((step) => (step.startsWith('kept ') ? step.slice('kept '.length) : []));

// Worst first. What a rule asks `also` must hold in every scenario, whatever that is there to show.
const rules: readonly Rule<FailClosedFacts>[] = [
  never('refusal-granted', 'the kernel did not refuse what a rule refused'),
  never('error-granted', 'the kernel did not refuse after an error'),
  never('unrecorded-grant', 'the kernel granted what no record shows', ({ steps }) => {
    const granted = steps.indexOf('grant');
    return granted >= 0 && !steps.slice(0, granted).includes('kept allow');
  }),
  never(
    'invalid-accepted',
    'the kernel looked at the world for a request that the schema did not pass',
    ({ shows, steps }) =>
      steps.includes('raw look') || (shows === 'invalid-accepted' && steps.includes('look')),
  ),
  never(
    'deadline-ignored',
    'the kernel did not refuse at the deadline and stop the look',
    ({ ended, steps }) => ended === 'guard.timeout' && !steps.includes('stopped'),
  ),
  never('abort-ignored', 'the kernel did not refuse after an abort'),
  never('codes-lost', 'the refusal does not carry the code of every reason'),
  never('grant-wrong', 'the kernel did not grant exactly what was observed'),
  never(
    'release-wrong',
    'what was observed was not released exactly once, or in spite of a grant',
    (finding) => {
      const held = finding.steps.includes('found') && finding.ended !== 'allow';
      return finding.steps.filter((step) => step === 'release').length !== (held ? 1 : 0);
    },
  ),
  never(
    'record-wrong',
    'the records do not say what was decided',
    (finding) => !finding.named || recordsOf(finding).join('\n') !== finding.expectedRecords.join('\n'),
  ),
];

const granting = Symbol('granted by the fail-closed guard');

/** Says that the kernel in use failed closed in every scenario just now, in this process. */
export class SelfTest {
  // Private, so the class is nominal: no look-alike object can stand in for it.
  readonly #scenarios: readonly string[];

  /** @throws CodedError `fail-closed.not-granted` for everyone but the fail-closed guard. */
  constructor(key: symbol, scenarios: readonly string[]) {
    if (key !== granting) {
      const remedy = "Ask the guard: enforce(failClosed, { kernel: 'this' }, { journal }).";
      throw new CodedError('fail-closed.not-granted', 'only the fail-closed guard makes a SelfTest', remedy);
    }
    this.#scenarios = Object.freeze([...scenarios]);
    Object.freeze(this);
  }

  /** What was played, in words. */
  get scenarios(): readonly string[] {
    return this.#scenarios;
  }
}

const drills: readonly Drill<FailClosedRequest>[] = [
  {
    id: 'this-kernel',
    fault: 'none: the kernel in use',
    expects: 'allow',
    build: async () => ({ kernel: 'this' }),
  },
  ...brokenKernels.map(({ id, fault, does }) => ({
    id,
    fault,
    expects: `fail-closed.${does}`,
    build: async () => ({ kernel: id }),
  })),
];

/** Grants a {@link SelfTest} when the kernel fails closed in every scenario of the battery. */
export const failClosed: Guard<FailClosedRequest, FailClosedFacts, SelfTest> = {
  id: 'fail-closed',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({ kernel: z.enum([...kernels.keys()]) }),
  observe,
  rules,
  grant: ({ findings }) =>
    new SelfTest(
      granting,
      findings.map(({ id }) => id),
    ),
  subject: ({ kernel }) => ({ kind: 'kernel', name: kernel }),
  drills,
};
