// Compressed files: one stream, whole, alone in its file, and no larger than any real model.
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openContainer } from '../../../src/capacity/container/open.ts';
import { inspectPickle } from '../../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../../src/capacity/forest/model.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { HOSTILE } from '../../fuzz/hostile-pickles.ts';
import { forest } from '../../fuzz/model-writer.ts';
import { pickle } from '../../fuzz/pickle-writer.ts';

const code = (expected: string): unknown => expect.objectContaining({ code: expected });
const model = pickle(forest());
const COMPRESSIONS = [
  ['zlib', deflateSync],
  ['gzip', gzipSync],
] as const;
const concat = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const MIB = 2 ** 20;

describe.each(COMPRESSIONS)('a file compressed with %s', (name, compress) => {
  const file = Uint8Array.from(compress(model));

  it('is the model in it', () => {
    for (const level of [1, 3, 6, 9]) {
      const opened = decodeModel(compress(model, { level }));
      expect(opened.description.format).toBe(`pickle protocol 4, ${name}`);
      expect(opened.predict([[0, 1]])).toEqual(decodeModel(model).predict([[0, 1]]));
    }
  });

  it('is refused where anything follows', () => {
    for (const more of [Uint8Array.of(0), Uint8Array.of(10), new Uint8Array(64), file, gzipSync('')])
      expect(() => decodeModel(concat(file, more))).toThrow(code('container.trailing-bytes'));
  });

  it('is refused at every length but its own', () => {
    for (let length = 2; length < file.length; length++)
      expect(() => decodeModel(file.subarray(0, length))).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^container\.(?:truncated|damaged)$/) }),
      );
  });

  it('is refused where a bit of it differs, unless it is one of the few that say nothing', () => {
    // gzip has a time, a system and flags of its writer that say nothing of the content.
    const said = new Set(name === 'gzip' ? [4, 5, 6, 7, 8, 9] : []);
    for (let at = 2; at < file.length; at++) {
      if (said.has(at)) continue;
      const other = file.with(at, (file[at] ?? 0) ^ 0x10);
      try {
        expect(Buffer.from(model).equals(openContainer(other).stream)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(CodedError);
      }
    }
  });

  it('is refused inside another, whichever that is', () => {
    for (const [, outer] of COMPRESSIONS)
      expect(() => decodeModel(outer(file))).toThrow(code('container.nested'));
  });

  it('is refused beyond 32 MiB, unless it is large itself', () => {
    const bomb = compress(Buffer.alloc(64 * MIB), { level: 9 });
    expect(bomb.length).toBeLessThan(100_000);
    expect(() => openContainer(bomb)).toThrow(code('container.too-large'));
    expect(openContainer(compress(Buffer.alloc(32 * MIB), { level: 9 })).stream).toHaveLength(32 * MIB);
    expect(() => openContainer(compress(Buffer.alloc(32 * MIB + 1), { level: 9 }))).toThrow(
      code('container.too-large'),
    );
    const large = Buffer.concat([Buffer.alloc(40 * MIB), noise(3 * MIB)]);
    expect(openContainer(compress(large)).stream).toHaveLength(43 * MIB);
  });

  it('of something else is named as that', () => {
    expect(() => decodeModel(compress('PK\x03\x04 and so on'))).toThrow(code('container.format'));
    expect(() => decodeModel(compress(''))).toThrow(code('pickle.truncated'));
  });

  it('is refused as its content is, with a place in the inflated stream', () => {
    for (const { what, bytes, code: expected } of HOSTILE) {
      if (expected.startsWith('container.')) continue;
      const { reason } = inspectPickle(compress(bytes));
      expect([what, reason?.code.startsWith('container.')]).toEqual([what, false]);
      expect(reason?.reason).toMatch(/\(byte [0-9]+ of the inflated stream\)$/);
      expect(() => decodeModel(compress(bytes))).toThrow(CodedError);
    }
  });
});

/** Bytes that do not compress. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

describe('a gzip file', () => {
  it('is refused with a second member, also where the first is empty', () => {
    const [full, empty] = [gzipSync(model), gzipSync('')];
    for (const file of [concat(full, empty), concat(empty, full), concat(full, full)])
      expect(() => decodeModel(file)).toThrow(code('container.trailing-bytes'));
  });

  it('may name the file it was made of', () => {
    const [header, rest] = [Buffer.from(gzipSync(model).subarray(0, 10)), gzipSync(model).subarray(10)];
    header[3] = 8;
    expect(decodeModel(concat(header, Buffer.from('model.pkl\0'), rest)).description.features).toBe(2);
    expect(() => decodeModel(concat(header, Buffer.from('no end')))).toThrow(code('container.truncated'));
  });
});

describe('nothing', () => {
  it('is an empty file, and compressed a stream without an end', () => {
    expect(() => decodeModel(Buffer.alloc(0))).toThrow(code('container.truncated'));
    for (const file of [gzipSync(''), deflateSync('')])
      expect(() => decodeModel(file)).toThrow(code('pickle.truncated'));
  });
});

describe('a file that is no pickle', () => {
  it.each<[string, RegExp]>([
    ['', /empty/],
    ['BZh91AY&SY', /bz2/],
    ['\xfd7zXZ\0', /xz/],
    [']\0\0\x80\0', /lzma/],
    ['\x04"M\x18', /lz4/],
    ['(\xb5/\xfd', /zstd/],
    ['ZF0x123             x', /joblib before 0.10/],
    ['\x89HDF\r\n\x1a\n', /HDF5/],
    ['version https://git-lfs.github.com/spec/v1\n', /Git LFS/],
    ['PK\x03\x04....schema.json', /skops/],
    ['PK\x03\x04....archive/data.pkl', /PyTorch/],
    ['\x93NUMPY', /numpy array/],
    ['\x08\x07\x12\x07skl2onnx', /ONNX/],
    ['{"model": 1}', /JSON/],
    ['<html>', /HTML/],
    ['a few words about a model\n', /text, not a pickle/],
  ])('is told by how it begins: %j', (head, expected) => {
    const { reason, format } = inspectPickle(Buffer.from(head, 'latin1'));
    expect(reason?.reason).toMatch(expected);
    expect(reason?.code).toMatch(/^container\./);
    expect(reason?.remedy).not.toMatch(/Do not load/);
    expect(format === undefined || /text/.test(`${reason?.reason}`)).toBe(true);
  });
});
