// What a gzip file has around its deflate stream, by RFC 1952. Node's own gunzip joins several members into one and goes
// over zeros between them; whoever reads the first only would see another model.
import type { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { ContainerRefusal } from './refusal.ts';

const FIXED = 10;
const DEFLATE = 8;
const HEADER_CHECKSUM = 2;
const EXTRA = 4;
const NAME = 8;
const COMMENT = 16;
const TRAILER = 8;

/** Returns where the deflate stream begins. */
export function gzipHeader(bytes: Buffer): number {
  const [, , method, flags = 0] = bytes;
  if (bytes.length < FIXED) refuseTruncated(bytes);
  if (method !== DEFLATE || flags >= 32)
    throw new ContainerRefusal('container.damaged', 2, 'a gzip header that no writer makes');
  let at = FIXED;
  if ((flags & EXTRA) !== 0)
    at += 2 + (at + 2 <= bytes.length ? bytes.readUInt16LE(at) : refuseTruncated(bytes));
  for (const text of [NAME, COMMENT]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, at);
    at = end < 0 ? refuseTruncated(bytes) : end + 1;
  }
  if ((flags & HEADER_CHECKSUM) !== 0) at += 2;
  return at < bytes.length ? at : refuseTruncated(bytes);
}

/** Checks the sum and size that follow the deflate stream, and returns how many bytes they take. */
export function gzipTrailer(bytes: Buffer, at: number, stream: Buffer): number {
  if (at + TRAILER > bytes.length) refuseTruncated(bytes);
  if (bytes.readUInt32LE(at) !== crc32(stream) || bytes.readUInt32LE(at + 4) !== stream.length)
    throw new ContainerRefusal('container.damaged', at, 'the gzip stream is damaged');
  return TRAILER;
}

function refuseTruncated({ length }: Buffer): never {
  throw new ContainerRefusal('container.truncated', length, 'the gzip stream ends too soon');
}
