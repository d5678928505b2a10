// The order of test files: those that take long come first, or the last of them runs alone while other processors rest. The
// size of a file, by which vitest goes where it has not run yet, does not say how long it waits for hosts and processes.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest first. What computes stands beside what waits. */
const LONG = [
  'cli/scorecard',
  'e2e/transport',
  'ssh/quote-shells',
  'ssh/process/ownership',
  'cli/cheats',
  'cli/cli',
  'e2e/copy',
  'cli/model',
  'e2e/login-files',
  'cli/journal',
  'e2e/dask-manager',
  'cli/signals',
  'e2e/cli-ssh',
  'e2e/network',
  'ssh/host-key/known-hosts',
  'new-guard',
  'e2e/race',
  'e2e/jump',
  'fuzz/corpora',
  'e2e/bind-programs',
  'fuzz/pickle-flood',
  'capacity/models',
  'e2e/openssh-transport',
  'e2e/dask-worker',
  'readme',
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONG.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank < 0 ? LONG.length : rank;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b));
  }
}
