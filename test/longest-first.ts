// The order of test files: those that take long come first, or the last of them runs alone while other processors rest. The
// size of a file, by which vitest goes where it has not run yet, does not say how long it waits for hosts and processes.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest first, what waits and what computes in turns. */
const LONG = [
  'e2e/dask-manager',
  'cli/scorecard',
  'e2e/copy',
  'cli/cheats',
  'ssh/process/ownership',
  'ssh/quote-shells',
  'e2e/login-files',
  'e2e/transport',
  'e2e/network',
  'guards/bad-input',
  'ssh/transport/connection',
  'fuzz/pickle-flood',
  'e2e/dead-hosts',
  'cli/cli',
  'e2e/openssh-transport',
  'e2e/dask-worker',
  'ssh/transport/connect',
  'cli/signals',
  'e2e/cli-ssh',
  'fuzz/corpora',
  'e2e/dask-sockets',
  'e2e/race',
  'e2e/bind-precedence',
  'ssh/transport/shell-protocol',
  'ssh/neutral-shells',
  'guards/release-proof/release-proof',
  'ssh/host-key/known-hosts',
  'e2e/jump',
  'e2e/bind-programs',
  'e2e/quoting',
  'merged',
  'cli/two-processes',
  'guards/bind/public-front',
  'fuzz/pickle-mutation',
  'cli/journal',
  'cli/model',
  'new-guard',
  'evidence/segments',
  'scorecard/grade',
  'e2e/service-health',
  'guards/bind/bind',
  'proof/another-day',
  'capacity/models',
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
