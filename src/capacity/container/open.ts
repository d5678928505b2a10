// From a file to the one pickle in it. joblib compresses a dump as a whole with zlib or gzip; that is undone here, once,
// within bounds that every real model meets, and nothing may follow it.
import { Buffer } from 'node:buffer';
import { inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib';
import { requirePrivate } from '../pickle/reader.ts';
import { type Compression, compressionOf, foreignFormat } from './formats.ts';
import { gzipHeader, gzipTrailer } from './gzip.ts';
import { ContainerRefusal } from './refusal.ts';

/** The pickle in a file. */
export interface Opened {
  readonly stream: Buffer;
  /** How the file was compressed. Offsets are those of the inflated stream then. */
  readonly compression: Compression | undefined;
}

const MIB = 2 ** 20;
/** Bytes that a stream may inflate to: real models inflate to 3 to 30 times their size. */
const boundOf = (bytes: Buffer): number => Math.min(256 * MIB, Math.max(32 * MIB, 16 * bytes.length));
/** Node's own 16 KiB at a time takes a quarter longer; for a small file it is a matter of page faults. */
const chunkOf = (bytes: Buffer): number => Math.min(2 * MIB, Math.max(64 * 1024, 4 * bytes.length));
const LARGEST_FILE = 256 * MIB;

/** Returns the stream in a file. Throws {@link ContainerRefusal}. */
export function openContainer(file: Uint8Array): Opened {
  requirePrivate(file);
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  if (bytes.length === 0) throw new ContainerRefusal('container.truncated', 0, 'the file is empty');
  const compression = compressionOf(bytes);
  if (compression === undefined) {
    refuseForeign(bytes, 'the file is');
    return { stream: bytes, compression };
  }
  const stream = inflated(bytes, compression);
  if (compressionOf(stream) !== undefined)
    throw new ContainerRefusal('container.nested', 0, 'a compressed file inside a compressed file');
  refuseForeign(stream, `the file is compressed with ${compression} and holds`);
  return { stream, compression };
}

function refuseForeign(bytes: Buffer, where: string): void {
  const foreign = foreignFormat(bytes);
  if (foreign !== undefined) throw new ContainerRefusal(foreign.code, 0, `${where} ${foreign.what}`);
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function inflated(bytes: Buffer, compression: Compression): Buffer {
  if (bytes.length > LARGEST_FILE)
    throw new ContainerRefusal('container.too-large', 0, 'a compressed file of over 256 MiB');
  const limit = boundOf(bytes);
  const options: ZlibOptions = { info: true, maxOutputLength: limit, chunkSize: chunkOf(bytes) };
  const start = compression === 'gzip' ? gzipHeader(bytes) : 0;
  const inflate = compression === 'gzip' ? inflateRawSync : inflateSync;
  let result: Inflated;
  try {
    result = inflate(bytes.subarray(start), options) as unknown as Inflated;
  } catch (error) {
    throw refusalOf(error, compression, limit, bytes.length);
  }
  const end = start + result.engine.bytesWritten;
  const trailer = compression === 'gzip' ? gzipTrailer(bytes, end, result.buffer) : 0;
  if (end + trailer !== bytes.length)
    throw new ContainerRefusal(
      'container.trailing-bytes',
      end + trailer,
      `something follows the ${compression} stream`,
    );
  return result.buffer;
}

function refusalOf(error: unknown, compression: Compression, limit: number, length: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ERR_BUFFER_TOO_LARGE':
      return new ContainerRefusal(
        'container.too-large',
        0,
        `the ${compression} stream inflates to over ${limit / MIB} MiB, far beyond any model of its size`,
      );
    case 'Z_BUF_ERROR':
      return new ContainerRefusal('container.truncated', length, `the ${compression} stream ends too soon`);
    case 'Z_DATA_ERROR':
    case 'Z_NEED_DICT':
      return new ContainerRefusal('container.damaged', 0, `the ${compression} stream is damaged`);
    default:
      return error;
  }
}
