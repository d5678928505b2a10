// The declarations of secretlint's preset name a package that the preset has bundled, and that nobody installs.
declare module '@secretlint/secretlint-rule-aws' {
  export type Options = object;
}
// Those of its profiler name a type of browsers.
type PerformanceEntry = import('node:perf_hooks').PerformanceEntry;
