// What a file is, by its first bytes. No pickle begins like any of these.
import { Buffer } from 'node:buffer';
import type { ContainerCode } from './refusal.ts';

export type Compression = 'zlib' | 'gzip';

/** A file that is something else, by its name. */
export interface Foreign {
  readonly code: ContainerCode;
  readonly what: string;
}

const magic = (...bytes: number[]): Buffer => Buffer.from(bytes);
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const compressed = (name: string): Foreign => ({
  code: 'container.compression',
  what: `a file compressed with ${name}, which is not opened here`,
});
const format = (what: string): Foreign => ({ code: 'container.format', what });

/** joblib/compressor.py has the first five; "ZF" is joblib before 0.10. */
const FOREIGN: readonly (readonly [start: Buffer, what: Foreign])[] = [
  [ascii('BZ'), compressed('bz2')],
  [magic(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00), compressed('xz')],
  [magic(0x5d, 0x00), compressed('lzma')],
  [magic(0x04, 0x22, 0x4d, 0x18), compressed('lz4')],
  [magic(0x28, 0xb5, 0x2f, 0xfd), compressed('zstd')],
  [ascii('ZF0x'), { code: 'container.compression', what: 'a file of joblib before 0.10' }],
  [magic(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), format('an HDF5 file (Keras, PyTables)')],
  [
    ascii('version https://git-lfs.github.com/spec/'),
    { code: 'container.pointer', what: 'a Git LFS pointer, not the file that it stands for' },
  ],
  [magic(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59), format('a numpy array (.npy), not a model')],
  [magic(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), format('a 7z archive')],
  [ascii('PAR1'), format('a Parquet file')],
  [ascii('GGUF'), format('a GGUF file')],
  [ascii('%PDF-'), format('a PDF file')],
  [ascii('tree\nversion='), format('a LightGBM model as text')],
  [ascii('{'), format('text, not a pickle: JSON, it seems')],
  [ascii('<'), format('text, not a pickle: XML or HTML, it seems')],
];
const ZIP = ascii('PK\x03\x04');
/** How far into a file its kind is looked for. */
const HEAD = 4096;

/** Returns how a file is compressed, if it is so in a way that is opened here. joblib tells zlib by its first byte. */
export function compressionOf(bytes: Buffer): Compression | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip';
  return bytes[0] === 0x78 ? 'zlib' : undefined;
}

/** Returns what a file is that no pickle begins like. */
export function foreignFormat(bytes: Buffer): Foreign | undefined {
  if (bytes.subarray(0, ZIP.length).equals(ZIP)) return zip(bytes.subarray(0, HEAD));
  const known = FOREIGN.find(([start]) => bytes.subarray(0, start.length).equals(start));
  return known?.[1] ?? (isOnnx(bytes) ? format('an ONNX model') : undefined);
}

function zip(head: Buffer): Foreign {
  if (head.includes('schema.json')) return format('a zip archive of skops');
  if (head.includes('data.pkl') || head.includes('archive/')) return format('a zip archive of PyTorch');
  return head.includes('.npy') ? format('a zip archive of numpy arrays (.npz)') : format('a zip archive');
}

/** A protobuf: field 1, the version as a varint, then field 2, 7 or 8 (producer, graph, opsets). */
function isOnnx(bytes: Buffer): boolean {
  const [field, version = 0, next = 0] = bytes;
  return field === 0x08 && version >= 1 && version <= 32 && [0x12, 0x3a, 0x42].includes(next);
}

const PROTOCOL = 0x80;

/**
 * Returns whether a file is text that no pickler wrote. Asked only of what could not be decoded: protocol 0 is text,
 * too.
 */
export function isText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, HEAD);
  return (
    head.length > 0 &&
    head[0] !== PROTOCOL &&
    head.every((byte) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 9 && byte <= 13))
  );
}
