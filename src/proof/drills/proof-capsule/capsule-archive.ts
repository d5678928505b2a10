// Writes ZIP archives for drills, as Python's zipfile does, and wrongly where a drill says so.
import { crc32, deflateRawSync } from 'node:zlib';

export interface Member {
  readonly name: string;
  readonly content: string;
  /** The name that the member's own header shows. */
  readonly localName?: string;
  /** Kind and permission, as Unix has them. */
  readonly mode?: number;
  readonly flags?: number;
  readonly deflated?: true;
  /** Bytes behind the member, which belong to none. */
  readonly gap?: string;
  /** What the headers state, in place of the truth. */
  readonly size?: number;
  readonly crc?: number;
}

function header(member: Member, name: Buffer, packed: Buffer): Buffer {
  const { content, flags = 0, deflated } = member;
  const bytes = Buffer.alloc(22);
  bytes.writeUInt16LE(flags, 0);
  bytes.writeUInt16LE(deflated ? 8 : 0, 2);
  bytes.writeUInt16LE(0x5a21, 6); // 2025-01-01
  bytes.writeUInt32LE(member.crc ?? crc32(content), 8);
  bytes.writeUInt32LE(packed.length, 12);
  bytes.writeUInt32LE(member.size ?? Buffer.byteLength(content), 16);
  bytes.writeUInt16LE(name.length, 20);
  return bytes;
}

/** Returns an archive of the members in their order. */
export function zip(members: readonly Member[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const member of members) {
    const name = Buffer.from(member.name);
    const localName = Buffer.from(member.localName ?? member.name);
    const packed = member.deflated ? deflateRawSync(member.content) : Buffer.from(member.content);
    const fields = header(member, name, packed);
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04\x14\0', 'latin1'),
      fields,
      Buffer.alloc(2),
      localName,
      packed,
      Buffer.from(member.gap ?? ''),
    ]);
    const central = Buffer.concat([
      Buffer.from('PK\x01\x02\x14\x03\x14\0', 'latin1'),
      fields,
      Buffer.alloc(16),
      name,
    ]);
    central.writeUInt32LE((member.mode ?? 0o100600) * 0x10000, 38);
    central.writeUInt32LE(at, 42);
    locals.push(local);
    directory.push(central);
    at += local.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, ...directory, end]);
}
