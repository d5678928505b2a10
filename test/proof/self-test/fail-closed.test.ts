// The self-test of the kernel: the kernel in use passes, and every way to gut it that a reviewer would try is refused
// under its own code.
import { expect, it } from 'vitest';
import { definitionOf } from '../../../src/kernel/define.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { failClosed } from '../../../src/proof/self-test/fail-closed.ts';
import { runBattery } from '../../../src/proof/self-test/kernel-battery.ts';
import { memoryJournal } from '../../memory-journal.ts';

it('grants a self-test of the kernel in use, under a record that names it', async () => {
  const journal = memoryJournal();
  const granted = await enforce(failClosed, { kernel: 'this' }, { journal });
  expect(granted.scenarios).toContain('a rule throws');
  expect(journal.drafts).toMatchObject([{ decision: 'allow', subject: { kind: 'kernel', name: 'this' } }]);
});

it.each([
  ['a thrown rule is an allow', 'forgives-thrown-rules', 'error-granted'],
  ['an unclear answer is an allow', 'takes-no-answer-for-yes', 'error-granted'],
  ['a failed look is an allow', 'forgives-failed-looks', 'error-granted'],
  ['a failed journal is a success', 'forgives-the-journal', 'unrecorded-grant'],
  ['the record is not waited for', 'records-afterwards', 'unrecorded-grant'],
  ['a refusal is ignored', 'grants-refusals', 'refusal-granted'],
  ['there is no deadline', 'has-no-deadline', 'deadline-ignored'],
  ['an abort is ignored', 'ignores-the-abort', 'abort-ignored'],
  ['nothing is ever released', 'never-releases', 'release-wrong'],
  ['only the first rule is asked', 'asks-one-rule', 'refusal-granted'],
  ['an invalid request is accepted', 'takes-any-request', 'invalid-accepted'],
  ['the record says other than the decision', 'records-allow', 'record-wrong'],
])('refuses a kernel in which %s', async (_edit, kernel, code) => {
  const decision = await judge(failClosed, { kernel });
  expect(decision).toMatchObject({ decision: 'refuse' });
  expect(decision.codes[0]).toBe(`fail-closed.${code}`);
});

it('finds fault with a kernel that never refuses in its own words', async () => {
  const findings = await runBattery(() => {
    throw new Error('at once');
  });
  const { rules } = definitionOf(failClosed);
  const codes = rules.filter((rule) => rule.refuses({ kernel: 'throws', findings }) !== false);
  expect(codes.map(({ code }) => code)).toContain('fail-closed.grant-wrong');
  expect(new Set(findings.map(({ ended }) => ended))).toEqual(new Set(['an error that is no refusal']));
});

it('takes no request for a kernel that it does not know', async () => {
  const decision = await judge(failClosed, { kernel: 'toString' });
  expect(decision.codes).toEqual(['guard.request-invalid']);
});
