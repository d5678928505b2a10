// Ends a test run with what was left out and why, and one plain line, `N passed, N failed`, which any script can read.
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import './left-out.ts';

/** The reason that a skipped test gives: when it ran, in its options, or in the title of a suite. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  const [titled] =
    /(?<=\()(?:when|where|needs|left out|without)[^)]*(?=\))|left out: .*/.exec(test.fullName) ?? [];
  return note ?? test.meta().leftOut ?? titled ?? 'no reason given';
}

export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    const reasons = new Map<string, string[]>();
    const beside = new Map<string, number>();
    for (const module of modules) {
      if (module.state() === 'failed' && module.children.size === 0) count.failed++; // did not even load
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++;
        const folder = test.meta().beside;
        if (folder && state === 'passed') beside.set(folder, (beside.get(folder) ?? 0) + 1);
        if (state !== 'skipped') continue;
        const reason = reasonOf(test);
        reasons.set(reason, [...(reasons.get(reason) ?? []), `${module.relativeModuleId}: ${test.fullName}`]);
      }
    }
    for (const [reason, tests] of reasons) {
      process.stdout.write(`\nskipped, ${reason}:\n${tests.map((test) => `  ${test}\n`).join('')}`);
    }
    for (const [folder, passed] of beside) process.stdout.write(`\n${passed} passed on ../shared/${folder}`);
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped}\n`);
  }
}
