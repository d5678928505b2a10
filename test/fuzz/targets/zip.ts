// The reader of capsules beside Python's zipfile: what it reads, zipfile reads to the same members, in the same order.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { readZip, ZipError } from '../../../src/guards/run-manifest/zip.ts';
import { type Member, zip } from '../../../src/proof/drills/proof-capsule/capsule-archive.ts';
import { missing } from '../../ssh/support.ts';
import { PythonOracle } from '../python-oracle.ts';
import type { FuzzTarget } from '../target.ts';

const zipfile = new PythonOracle(['python3'], new URL('../zip-oracle.py', import.meta.url));

const members: readonly Member[] = [
  { name: 'agipack-manifest.json', content: '{}' },
  { name: 'cards/a.json', content: 'text '.repeat(20), deflated: true },
];

const archives: readonly (readonly Member[])[] = [
  members,
  [],
  [{ name: '\u00e9/\ud83d\ude00', content: 'x', flags: 0x800 }],
  [{ name: 'a', content: '', deflated: true }],
  [...members, ...members],
];

export const target = {
  name: 'zip',
  oracle: 'zipfile of Python',
  unavailable: missing('python3'),
  seeds: archives.map((each) => Uint8Array.from(zip(each))),
  words: [
    'PK\x03\x04',
    'PK\x01\x02',
    'PK\x05\x06',
    'PK\x06\x06',
    '\0',
    '\0\0\0\0',
    '\x08',
    '\x08\x08',
    '\xff\xff',
    '/',
    '..',
  ],
  async fuzz(bytes) {
    let ours: unknown;
    try {
      const read = readZip(Buffer.from(bytes), { maxMembers: 16, maxBytes: 65_536 });
      ours = read.map(({ name, bytes: content }) => [
        name,
        createHash('sha256').update(content).digest('hex'),
      ]);
    } catch (error) {
      if (error instanceof ZipError) return;
      throw error;
    }
    const theirs: unknown = JSON.parse(await zipfile.ask(Buffer.from(bytes).toString('base64')));
    if (!isDeepStrictEqual(ours, theirs))
      throw new Error(theirs === 'refused' ? 'zipfile does not read it' : 'zipfile reads something else');
  },
} satisfies FuzzTarget;
