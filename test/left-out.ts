// Tests that not every machine can run. They say what is missing, and the summary of a run repeats it.
import { existsSync } from 'node:fs';
import type { TestOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test was left out. */
    leftOut?: string;
    /** The folder beside the project that a test reads. */
    beside?: string;
  }
}

/** A part that this machine lacks fails a test, and does not leave it out: for a machine that is said to have all of them. */
export const requiresReal: boolean = process.env['GUARDRAILS_REQUIRE_REAL'] === '1';

/** Options for a test or a suite that cannot run here, if there is a reason. */
export function leftOut(reason: string | false): TestOptions {
  return reason === false ? {} : { skip: true, meta: { leftOut: reason } };
}

/** Folder beside the project with files that are not ours to copy: AGILAB's own, and models that others wrote. */
export const beside = (name: 'agilab' | 'corpora'): URL => new URL(`../../shared/${name}/`, import.meta.url);

/** Options for a test that reads what lies beside the project, where it does. */
export function withBeside(name: 'agilab' | 'corpora'): TestOptions {
  const { meta, ...options } = leftOut(!existsSync(beside(name)) && `no ../shared/${name} here`);
  return { ...options, meta: { ...meta, beside: name } };
}
