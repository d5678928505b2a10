// What a fuzz target is, which there are, and how inputs for them are made: good inputs, damaged in a few places.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';

export interface FuzzTarget {
  readonly name: string;
  /** Who judges what ours says of an input. Never our own code. */
  readonly oracle: string;
  /** Inputs to start from, good ones and near misses. */
  readonly seeds: readonly Uint8Array[];
  /** Tokens of the format: an edit that puts one in gets further than random bytes. */
  readonly words: readonly string[];
  /** Why it cannot be run here, if so: what judges is missing. */
  readonly unavailable?: string | false;
  /** Throws where ours and the oracle differ, or where ours fails in a way that it does not promise. */
  fuzz(bytes: Uint8Array): void | Promise<void>;
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** Runs `work`, in which no error carries a stack. Where ten thousands are thrown and caught, taking them is most of the time. */
export async function withoutStacks(work: () => unknown): Promise<void> {
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    await work();
  } finally {
    Error.stackTraceLimit = frames;
  }
}

interface Edit {
  readonly at: number;
  readonly drop: number;
  readonly put: Uint8Array;
}

function apply(input: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let bytes = input;
  for (const { at, drop, put } of edits) {
    const from = at % (bytes.length + 1);
    bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + drop)]);
  }
  return Uint8Array.from(bytes);
}

/** Inputs for a target: a seed with up to six edits. Shrinks to fewer edits of the first seeds. */
export function damaged({ seeds, words }: Pick<FuzzTarget, 'seeds' | 'words'>): fc.Arbitrary<Uint8Array> {
  const seed = fc.constantFrom(...seeds);
  const pieceOfSeed = fc
    .tuple(seed, fc.nat(0xffff), fc.nat(16))
    .map(([bytes, at, length]) => bytes.subarray(at % (bytes.length + 1)).subarray(0, length));
  const put = fc.oneof(
    fc.constant(new Uint8Array()),
    fc.constantFrom(...words.map(bytesOf)),
    pieceOfSeed,
    fc.uint8Array({ minLength: 1, maxLength: 3 }),
  );
  const edit = fc.record({ at: fc.nat(0xffff), drop: fc.oneof(fc.nat(2), fc.nat(32)), put });
  return fc.tuple(seed, fc.array(edit, { maxLength: 6 })).map(([bytes, edits]) => apply(bytes, edits));
}

/** Returns all targets, one file each in `targets/`, by name. */
export async function loadTargets(): Promise<readonly FuzzTarget[]> {
  const files = readdirSync(new URL('targets/', import.meta.url)).sort();
  const names = files.map((file) => file.replace(/\.ts$/, ''));
  const modules = await Promise.all(
    names.map(async (name) => (await import(`./targets/${name}.ts`)) as { readonly target: FuzzTarget }),
  );
  return modules.map(({ target }) => target);
}

/** Where what once failed for a target is kept. ORIGIN.md there says of each input where it comes from. */
export const corpusOf = (name: string): URL => new URL(`../corpora/${name}/`, import.meta.url);

/** Returns what once failed for a target, by file name. */
export function readCorpus(name: string): ReadonlyMap<string, Uint8Array> {
  const directory = corpusOf(name);
  try {
    const files = readdirSync(directory).filter((file) => file !== 'ORIGIN.md');
    return new Map(files.map((file) => [file, Uint8Array.from(readFileSync(new URL(file, directory)))]));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map(); // nothing failed yet
    throw error;
  }
}
