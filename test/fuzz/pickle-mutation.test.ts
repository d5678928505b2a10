// Mutates valid models opcode by opcode and byte by byte. Whatever comes out is refused with a code, or is a model
// whose predictions are finite; never another exception, and never more memory than the machine's allowance.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { Machine } from '../../src/capacity/pickle/machine.ts';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { askOracle, DEBIAN_PYTHON, hasSklearn, runPython } from '../capacity/forest/oracle.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { GOOD_MODELS } from './model-writer.ts';
import { joined, op, type Token } from './pickle-writer.ts';

/** mulberry32: a small generator, so that a run can be repeated from its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Returns the opcodes of a valid stream, each with its argument, as the machine itself reads them. */
function tokensIn(pickled: Uint8Array): Token[] {
  const bytes = Uint8Array.from(pickled); // a Buffer's slice() would share memory with the seed
  const starts: number[] = [];
  const machine = new Machine(bytes);
  Object.defineProperty(machine, 'offset', {
    set(offset: number) {
      starts.push(offset);
    },
    get: () => starts.at(-1),
  });
  machine.run();
  return starts.map((start, i) => bytes.slice(start, starts[i + 1]));
}

/** BINBYTES or BYTEARRAY8: an array, once it is long enough. */
const isArray = (token: Token): boolean => token.length >= 24 && (token[0] === 0x42 || token[0] === 0x96);
const isFrame = (token: Token): boolean => token[0] === 0x95;

const INTERESTING_INTEGERS = [
  0n,
  1n,
  -1n,
  -2n,
  2n,
  4n,
  7n,
  255n,
  2n ** 31n,
  2n ** 32n,
  2n ** 62n,
  -(2n ** 63n),
];
const INTERESTING_DOUBLES = [
  0,
  -0,
  -2,
  1,
  Infinity,
  -Infinity,
  Number.NaN,
  5e-324,
  1.7976931348623157e308,
  -1e308,
];

/** Changes one aligned 8-byte field of a big argument: where arrays keep children, thresholds and values. */
function changeField(token: Token, random: (below: number) => number): Token {
  const header = token.length - 8 * Math.floor((token.length - 5) / 8);
  const at = header + 8 * random((token.length - header) / 8);
  const copy = token.slice();
  const view = new DataView(copy.buffer);
  if (random(2) === 0)
    view.setBigInt64(at, INTERESTING_INTEGERS[random(INTERESTING_INTEGERS.length)] ?? 0n, true);
  else view.setFloat64(at, INTERESTING_DOUBLES[random(INTERESTING_DOUBLES.length)] ?? 0, true);
  return copy;
}

type Mutation = (tokens: Token[], random: (below: number) => number, pool: readonly Token[]) => void;
const some = (tokens: readonly Token[], random: (below: number) => number): Token =>
  tokens[random(tokens.length)] ?? op('N');
const MUTATIONS: readonly Mutation[] = [
  (tokens, random) => {
    tokens.splice(random(tokens.length), 1);
  },
  (tokens, random) => {
    tokens.splice(random(tokens.length), 0, some(tokens, random));
  },
  (tokens, random, pool) => {
    tokens.splice(random(tokens.length), 1, some(pool, random));
  },
  (tokens, random, pool) => {
    tokens.splice(random(tokens.length), 0, some(pool, random));
  },
  (tokens, random) => {
    tokens.splice(random(tokens.length), 0, op(random(256)));
  },
  (tokens, random) => {
    const [a, b] = [random(tokens.length), random(tokens.length)];
    [tokens[a], tokens[b]] = [tokens[b] ?? op('N'), tokens[a] ?? op('N')];
  },
  (tokens, random) => {
    const at = random(tokens.length);
    const copy = (tokens[at] ?? op('N')).slice();
    copy[random(copy.length)] = random(256);
    tokens[at] = copy;
  },
  // Last, because the last is drawn five times as often: an accepted model differs in its arrays.
  (tokens, random) => {
    const big = tokens.flatMap((token, i) => (isArray(token) ? [i] : []));
    const at = big[random(Math.max(1, big.length))] ?? 0;
    const token = tokens[at] ?? op('N');
    if (isArray(token)) tokens[at] = changeField(token, random);
  },
];

interface Tally {
  readonly refused: Map<string, number>;
  readonly accepted: Uint8Array[];
  rounds: number;
}

const ROWS: readonly ((feature: number) => number)[] = [
  () => 0,
  () => 0.5,
  (feature) => 31 + feature,
  () => 1e9,
];

/** Returns the predictions as big-endian hexadecimal, or the code of the refusal. */
function predictions(bytes: Uint8Array): string[] | string {
  try {
    const model = decodeModel(bytes);
    const { features } = model.description;
    const rows = ROWS.map((value) => Array.from({ length: features }, (_, i) => value(i)));
    return model
      .predict(rows)
      .flat()
      .map((y) => {
        expect(y).toSatisfy(Number.isFinite);
        const bits = Buffer.alloc(8);
        bits.writeDoubleBE(y);
        return bits.toString('hex');
      });
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

/** Returns a mutated stream. */
function mutant(
  seeds: readonly (readonly Token[])[],
  pool: readonly Token[],
  random: (below: number) => number,
): Uint8Array {
  const seed = seeds[random(seeds.length)] ?? [];
  // With its frames a mutated stream mostly ends at the first straddle; without them it gets further.
  const tokens = random(4) > 0 ? seed.filter((token) => !isFrame(token)) : [...seed];
  const times = 1 + random(3);
  for (let i = 0; i < times; i++)
    MUTATIONS[Math.min(random(MUTATIONS.length + 4), MUTATIONS.length - 1)]?.(tokens, random, pool);
  return joined(tokens);
}

function fuzz(seeds: readonly (readonly Token[])[], seconds: number, fewest: number): Tally {
  const pool = seeds.flat().filter((token) => token.length < 2000);
  const seed = Number(process.env['GUARDRAILS_FUZZ_SEED'] ?? '1');
  const random = generator(seed);
  const tally: Tally = { refused: new Map(), accepted: [], rounds: 0 };
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; round < fewest || performance.now() < end; round++) {
    tally.rounds++;
    const bytes = mutant(seeds, pool, random);
    try {
      const outcome = predictions(bytes);
      if (typeof outcome === 'string') tally.refused.set(outcome, (tally.refused.get(outcome) ?? 0) + 1);
      else tally.accepted.push(bytes);
      if (round % 16 === 0) inspectPickle(bytes);
    } catch (error) {
      throw new Error(`seed ${seed}, round ${round}: ${Buffer.from(bytes).toString('base64')}`, {
        cause: error,
      });
    }
  }
  return tally;
}

describe('a mutated model', () => {
  const sklearn = hasSklearn(DEBIAN_PYTHON) ? askOracle(DEBIAN_PYTHON).models : [];
  const trained = sklearn.filter(({ nodes }) => nodes < 200).flatMap(({ pickles }) => pickles.map(tokensIn));
  const written = GOOD_MODELS.map(([, bytes]) => tokensIn(bytes));
  // A long run by hand: GUARDRAILS_FUZZ_SECONDS=3600 GUARDRAILS_FUZZ_SEED=2 npx vitest run test/fuzz/pickle-mutation
  const long = process.env['GUARDRAILS_FUZZ_SECONDS'] !== undefined;
  const seconds = Number(process.env['GUARDRAILS_FUZZ_SECONDS'] ?? '3');

  it('is refused with a code, or predicts finite numbers', () => {
    const { refused, accepted } = fuzz([...written, ...trained], seconds, 500);
    // A fuzzer that only ever hits one wall proves nothing about the rooms behind it.
    expect(accepted.length).toBeGreaterThan(10);
    expect(refused.size).toBeGreaterThan(20);
  }, 7_200_000);

  it('is accepted only if scikit-learn accepts it, and predicts the same', {
    timeout: 7_200_000,
    ...leftOut(trained.length === 0 && !requiresReal && 'no scikit-learn here'),
  }, () => {
    const { accepted, rounds } = fuzz(trained, seconds, 500);
    const scratch = mkdtempSync(join(tmpdir(), 'guardrails-mutants-'));
    try {
      const list = join(scratch, 'mutants');
      writeFileSync(list, accepted.map((bytes) => `${Buffer.from(bytes).toString('base64')}\n`).join(''));
      const answers = JSON.parse(
        runPython(DEBIAN_PYTHON, new URL('mutants-oracle.py', import.meta.url), list),
      ) as (string[] | string)[];
      expect(answers).toEqual(accepted.map(predictions));
      if (long) console.log(`${rounds} mutants, ${accepted.length} accepted, all as scikit-learn predicts`);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
