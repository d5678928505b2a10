// AGILAB's environment file beside python-dotenv: what is clear to us it reads the same way.
import { spawnSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { readEnvironmentFile } from '../../../src/guards/agilab-settings/environment-file.ts';
import { PythonOracle } from '../python-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const PYTHON = 'python3';
const oracle = new PythonOracle([PYTHON], new URL('../environment-oracle.py', import.meta.url));

export const target = {
  name: 'environment-file',
  oracle: 'python-dotenv',
  unavailable: spawnSync(PYTHON, ['-c', 'import dotenv']).status !== 0 && 'install python3-dotenv',
  seeds: [
    'A=1\nexport B = two words # note\nC=\'x # y\'\nD="z"\n\n# a comment\n  E=\n',
    'UOAIC_AUTOFIX=1\r\nAGILAB_GENERATED_CODE_SANDBOX=container\r\n',
    'A=1\nA=1\nB=a=b\nC=/x/y:z\nD="a\'b"\nE=\'a"b\'',
  ].map(bytesOf),
  words: [
    ...'= == # \' " \\ ` $ $A {A} {A:-1} export exportA export: A= A=1 =A'.split(' '),
    '\n',
    '\r\n',
    '\r',
    '\t',
    ' ',
    ' #',
    '\u00a0',
    '\ufeff',
    '\u3000',
    '\u0085',
    '\u2028',
    '\u001c',
    '\\n',
    'é',
  ],
  async fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const { settings, unclear } = readEnvironmentFile(text);
    if (unclear.length > 0) return;
    const theirs: unknown = JSON.parse(await oracle.ask(JSON.stringify(text)));
    if (!isDeepStrictEqual({ ...settings }, theirs)) throw new Error('python-dotenv reads other settings');
  },
} satisfies FuzzTarget;
