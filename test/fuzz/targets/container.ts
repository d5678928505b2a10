// The reader of compressed files: what it opens, Python's own zlib reads to the same bytes, to the end and with nothing
// left over.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { openContainer } from '../../../src/capacity/container/open.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { missing } from '../../ssh/support.ts';
import type { FuzzTarget } from '../target.ts';

const PYTHON = `
import hashlib, sys, zlib
data = sys.stdin.buffer.read()
reader = zlib.decompressobj(int(sys.argv[1]))
content = reader.decompress(data) + reader.flush()
print(hashlib.sha256(content).hexdigest(), reader.eof, reader.unused_data == b"")`;
const text = 'a model is a few numbers, '.repeat(9);

export const target = {
  name: 'container',
  oracle: 'zlib of Python',
  unavailable: missing('python3'),
  seeds: [
    deflateSync(text),
    deflateSync(text, { level: 0 }),
    deflateSync(''),
    gzipSync(text),
    gzipSync(''),
    Buffer.concat([gzipSync(text), gzipSync('')]),
    Buffer.concat([gzipSync(''), gzipSync(text)]),
    Buffer.concat([deflateSync(text), Buffer.from('more')]),
    deflateSync(gzipSync(text)),
  ].map((bytes) => Uint8Array.from(bytes)),
  words: ['\0', '\0\0\0\0', 'x', '\x1f', 'name\0', '\x08'],
  fuzz(bytes) {
    let stream: Uint8Array;
    let compression: string | undefined;
    try {
      ({ stream, compression } = openContainer(bytes));
    } catch (error) {
      if (error instanceof CodedError) return;
      throw error;
    }
    if (compression === undefined) return;
    const wanted = `${createHash('sha256').update(stream).digest('hex')} True True`;
    const { stdout } = spawnSync('python3', ['-c', PYTHON, compression === 'gzip' ? '31' : '15'], {
      input: bytes,
    });
    if (stdout.toString().trim() !== wanted) throw new Error('Python reads something else');
  },
} satisfies FuzzTarget;
