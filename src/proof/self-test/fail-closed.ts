// The power-on self-test of the kernel: a guard whose world is `enforce` itself. Every other guard stands on the kernel
// and its drills ask for decisions only, so a kernel that grants what was refused must be caught here.
import * as z from 'zod';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { defineHouseProof, type Proof } from '../proof.ts';
import { brokenKernels } from './broken-kernels.ts';
import { type Finding, type Kernel, type Property, runBattery, soundKernel } from './kernel-battery.ts';

export interface FailClosedRequest {
  /** `this` is the kernel in use. Every other name is a kernel broken on purpose, for drills; it is never granted. */
  readonly kernel: string;
}

export interface FailClosedFacts {
  readonly kernel: string;
  readonly findings: readonly Finding[];
}

const kernels: ReadonlyMap<string, Kernel> = new Map([
  ['this', soundKernel],
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
  never('commit-skipped', 'the kernel granted before what must last was made to last', ({ steps }) => {
    const granted = steps.indexOf('grant');
    return granted >= 0 && !steps.slice(0, granted).includes('commit');
  }),
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

/** Says that the kernel in use failed closed in every scenario just now, in this process. */
export interface SelfTest {
  /** What was played, in words. */
  readonly scenarios: readonly string[];
}

/** Grants a {@link SelfTest} when the kernel fails closed in every scenario of the battery. */
export const failClosed: Guard<FailClosedRequest, SelfTest> = defineHouseGuard({
  id: 'fail-closed',
  dimension: 'architecture_runtime_guardrails',
  request: z.strictObject({ kernel: z.enum([...kernels.keys()]) }),
  observe,
  rules,
  grant: ({ findings }) => deepFreeze({ scenarios: findings.map(({ id }) => id) }),
  subject: ({ kernel }) => ({ kind: 'kernel', name: kernel }),
});

export const failClosedProof: Proof = defineHouseProof({
  guard: failClosed,
  excused: {
    'findings.*.shows': 'what is due in a scenario, not what was found',
    'findings.*.expects': 'what is due in a scenario, not what was found',
    'findings.*.expectedRecords': 'what is due in a scenario, not what was found',
    'findings.*.id': 'what is due in a scenario, not what was found',
  },
  drills: [
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
  ],
});
