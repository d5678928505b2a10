// Reads a ZIP archive (APPNOTE 6.3.10) that has one reading only: what readers differ over (bytes before, between or after members, two
// members of one name, a local header that says something else, descriptors, ZIP64, encryption) is refused, not resolved.
import { crc32, inflateRawSync } from 'node:zlib';

export interface ZipMember {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface ZipLimits {
  readonly maxMembers: number;
  /** Of all members together, unpacked. */
  readonly maxBytes: number;
}

/** Why an archive is not read. The message repeats nothing of it. */
export class ZipError extends Error {}

const END = 0x06054b50;
const END_SIZE = 22;
const CENTRAL = 0x02014b50;
const CENTRAL_SIZE = 46;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const STORED = 0;
const DEFLATED = 8;
/** Bit 11: the name is UTF-8. No other bit changes how a member reads, but for those that compressors set (1, 2). */
const FLAGS = 0x0806;
const UTF8 = 0x0800;
const REGULAR = 0x8;
/** 2.0, for deflated members (section 4.4.3.2): what asks for more uses what is not read here. */
const VERSION = 20;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function need(holds: boolean, why: string): asserts holds {
  if (!holds) throw new ZipError(why);
}

function nameOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ZipError('a name is no UTF-8');
  }
}

/** Returns the members of an archive in their order. @throws ZipError. */
export function readZip(archive: Buffer, limits: ZipLimits): readonly ZipMember[] {
  try {
    return read(archive, limits);
  } catch (error) {
    if (error instanceof RangeError) throw new ZipError('it ends too early');
    throw error;
  }
}

function read(archive: Buffer, { maxMembers, maxBytes }: ZipLimits): readonly ZipMember[] {
  const end = archive.length - END_SIZE;
  need(end >= 0 && archive.readUInt32LE(end) === END, 'it has no end record, or something behind it');
  const count = archive.readUInt16LE(end + 10);
  const directory = archive.readUInt32LE(end + 16);
  const isOneDisk = archive.readUInt32LE(end + 4) === 0 && archive.readUInt16LE(end + 8) === count;
  need(isOneDisk && archive.readUInt16LE(end + 20) === 0, 'it has several parts, or a comment');
  need(count <= maxMembers, 'it has too many members');
  need(directory + archive.readUInt32LE(end + 12) === end, 'its directory is not where it says');
  const members: ZipMember[] = [];
  const names = new Set<string>();
  let at = directory;
  let next = 0;
  let left = maxBytes;
  for (let index = 0; index < count; index += 1) {
    need(at + CENTRAL_SIZE <= end && archive.readUInt32LE(at) === CENTRAL, 'its directory is damaged');
    const lengths = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const [nameLength = 0, extraLength = 0, commentLength = 0] = lengths;
    const [method, flags] = [archive.readUInt16LE(at + 10), archive.readUInt16LE(at + 8)];
    const [crc, packed, size] = [16, 20, 24].map((offset) => archive.readUInt32LE(at + offset));
    need(
      archive.readUInt16LE(at + 6) <= VERSION &&
        (flags & ~FLAGS) === 0 &&
        (method === STORED || method === DEFLATED),
      'a member is packed in another way',
    );
    need(extraLength === 0 && commentLength === 0, 'a member has extra fields or a comment');
    const mode = archive.readUInt32LE(at + 38) >>> 28;
    need(mode === 0 || mode === REGULAR, 'a member is no plain file');
    const nameBytes = archive.subarray(at + CENTRAL_SIZE, at + CENTRAL_SIZE + nameLength);
    const name = nameOf(nameBytes);
    need(nameBytes.length === nameLength && !names.has(name), 'two members have one name');
    // Without the flag a byte above 0x7f is CP437 (appendix D.1), and many readers end a name at NUL.
    need((flags & UTF8) !== 0 || /^\p{ASCII}*$/u.test(name), 'a name is in another character set');
    need(!name.includes('\0'), 'a name holds NUL');
    names.add(name);
    at += CENTRAL_SIZE + nameLength;
    // The member itself: right behind the one before, and its header says the same.
    need(archive.readUInt32LE(next === directory ? end : next) === LOCAL, 'a member is missing');
    const central = archive.subarray(at - CENTRAL_SIZE - nameLength, at);
    const isSame =
      archive.readUInt32LE(central.byteOffset - archive.byteOffset + 42) === next &&
      archive.subarray(next + 6, next + 28).equals(central.subarray(8, 30)) &&
      archive.readUInt16LE(next + 28) === 0 &&
      archive.subarray(next + LOCAL_SIZE, next + LOCAL_SIZE + nameLength).equals(nameBytes);
    need(isSame, 'a member and the directory differ');
    const start = next + LOCAL_SIZE + nameLength;
    next = start + (packed ?? 0);
    need(next <= directory, 'a member reaches into another');
    left -= size ?? 0;
    need(left >= 0, 'it unpacks to too much');
    const bytes = unpack(archive.subarray(start, next), method === DEFLATED, size ?? 0);
    need(crc32(bytes) === crc, 'a member is damaged');
    members.push({ name, bytes });
  }
  need(at === end && next === directory, 'it holds bytes that belong to no member');
  return members;
}

function unpack(packed: Buffer, isDeflated: boolean, size: number): Buffer {
  if (!isDeflated) {
    need(packed.length === size, 'a member is damaged');
    return packed;
  }
  try {
    // zlib says nothing of bytes behind the stream; `info` tells how many it took.
    const { buffer, engine } = inflateRawSync(packed, {
      maxOutputLength: Math.max(1, size),
      info: true,
    }) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    need(buffer.length === size && engine.bytesWritten === packed.length, 'a member is damaged');
    return buffer;
  } catch (error) {
    if (error instanceof ZipError) throw error;
    throw new ZipError('a member is damaged');
  }
}
