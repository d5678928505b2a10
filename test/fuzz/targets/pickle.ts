// The pickle machine: a model that predicts finite numbers or a refusal with a code, never another error; and what it
// takes, Python's pickletools reads to its end (which lists opcodes and runs nothing).
import { spawnSync } from 'node:child_process';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { missing } from '../../ssh/support.ts';
import { GOOD_MODELS } from '../model-writer.ts';
import type { FuzzTarget } from '../target.ts';

const DISASSEMBLE = `
import io, pickletools, sys
data = sys.stdin.buffer.read()
stream = io.BytesIO(data)
pickletools.dis(stream, out=io.StringIO())
sys.exit(0 if stream.tell() == len(data) else 3)`;

function predicts(bytes: Uint8Array): boolean {
  try {
    const model = decodeModel(bytes);
    const row = Array.from({ length: model.description.features }, (_, feature) => 31 + feature);
    for (const value of model.predict([row]).flat()) {
      if (!Number.isFinite(value)) throw new Error('a prediction that is not finite');
    }
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

const taken = new Set<string>();

export const target = {
  name: 'pickle',
  oracle: "Python's pickletools",
  unavailable: missing('python3'),
  seeds: GOOD_MODELS.map(([, bytes]) => Uint8Array.from(bytes)),
  words: [
    ...'( ) . 0 1 2 N R b c d e h i j l o p q r s t u a } ] \u0080\u0004 csklearn.tree._tree\nTree\n cos\nsystem\n'.split(
      ' ',
    ),
    ...'builtins numpy sklearn.ensemble._forest eval getattr\n __reduce__ dtype ndarray'.split(' '),
  ],
  fuzz(bytes) {
    inspectPickle(bytes);
    if (!predicts(bytes)) return;
    const key = Buffer.from(bytes).toString('latin1');
    if (taken.has(key)) return;
    taken.add(key); // a process for each is slow, and seeds come often
    const { status } = spawnSync('python3', ['-c', DISASSEMBLE], { input: bytes });
    if (status !== 0) throw new Error('ours takes what pickletools does not read to its end');
  },
} satisfies FuzzTarget;
