import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { SummaryReporter } from './test/summary-reporter.ts';

// biome-ignore lint/style/noDefaultExport: the form that vitest reads
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/build.ts',
    isolate: false, // the modules are loaded once a worker; a test that needs others resets them for itself and after itself
    maxWorkers: 4, // most of what takes long here waits for another process; three left processors idle
    sequence: { sequencer: LongestFirst },
    expect: { requireAssertions: true }, // a test that ran and asserted nothing has failed
    testTimeout: 120_000,
    hookTimeout: 60_000,
    env: { TSX_DISABLE_CACHE: '1' }, // it would leave a directory in /tmp
    reporters: ['default', new SummaryReporter()],
    coverage: { include: ['src/**'], reporter: ['text-summary'] },
  },
});
