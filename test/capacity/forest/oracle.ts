// Starts a real scikit-learn, lets it train, pickle and predict, and hands over what it said.

import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface OracleModel {
  readonly name: string;
  readonly estimator: string;
  readonly width: number;
  readonly trees: number;
  readonly nodes: number;
  readonly rows: readonly (readonly number[])[];
  readonly predictions: Float64Array;
  readonly refuses: Readonly<Record<'missing' | 'infinite' | 'huge' | 'edge' | 'narrow' | 'none', boolean>>;
  /** By protocol, 0 to 5. */
  readonly pickles: readonly Buffer[];
}

export interface Oracle {
  readonly sklearn: string;
  readonly numpy: string;
  readonly models: readonly OracleModel[];
}

/** The Python of Debian's python3-sklearn; a Python of another origin comes first on many a PATH. */
export const DEBIAN_PYTHON: readonly string[] = ['/usr/bin/python3'];

export interface OtherSklearn {
  readonly version: string;
  /** The variable that names it, as `.ci/run` sets it: a command, such as `chroot /opt/trixie python3`. */
  readonly variable: string;
  readonly command: readonly string[];
}

/** Other scikit-learns than Debian's. */
export const OTHER_SKLEARNS: readonly OtherSklearn[] = ['1.4', '1.6', '1.9'].map((version) => {
  const variable = `GUARDRAILS_SKLEARN_${version.replace('.', '')}`;
  return { version, variable, command: process.env[variable]?.split(' ') ?? [] };
});

/** Returns whether this Python has scikit-learn. */
export function hasSklearn([program, ...args]: readonly string[]): boolean {
  return (
    program !== undefined &&
    spawnSync(program, [...args, '-c', 'import sklearn'], { stdio: 'ignore' }).status === 0
  );
}

/** Runs a script and returns its standard output. */
export function runPython(command: readonly string[], script: URL, ...input: readonly string[]): string {
  const [program, ...args] = command;
  if (program === undefined) throw new Error('no Python is named: set GUARDRAILS_SKLEARN_14, _16 and _19');
  const source = readFileSync(script, 'utf8');
  // The source goes in on stdin and not as a path: the Python may live in another root directory.
  const { status, stdout, stderr } = spawnSync(program, [...args, '-', ...input], {
    input: source,
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr.slice(-2000)}`);
  return stdout;
}

/** Returns little-endian float64 numbers from base64. */
export function doubles(base64: string): Float64Array {
  return new Float64Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);
}

export function askOracle(command: readonly string[]): Oracle {
  const said = JSON.parse(runPython(command, new URL('sklearn-oracle.py', import.meta.url))) as {
    sklearn: string;
    numpy: string;
    models: (Omit<OracleModel, 'rows' | 'predictions' | 'pickles'> & {
      rows: string;
      predictions: string;
      pickles: string[];
    })[];
  };
  const models = said.models.map((model) => {
    const flat = doubles(model.rows);
    const rows = Array.from({ length: flat.length / model.width }, (_, i) =>
      Array.from(flat.subarray(i * model.width, (i + 1) * model.width)),
    );
    const pickles = model.pickles.map((text) => Buffer.from(text, 'base64'));
    return { ...model, rows, predictions: doubles(model.predictions), pickles };
  });
  return { sklearn: said.sklearn, numpy: said.numpy, models };
}

/** Returns the indices at which two results differ in any bit; NaN and -0 count as what they are. */
export function differingBits(
  actual: readonly (number | readonly number[])[],
  expected: Float64Array,
): number[] {
  const a = new BigUint64Array(Float64Array.from(actual.flat()).buffer);
  const b = new BigUint64Array(expected.buffer, expected.byteOffset, expected.length);
  if (a.length !== b.length) return [-1];
  return [...a.keys()].filter((i) => a[i] !== b[i]);
}
