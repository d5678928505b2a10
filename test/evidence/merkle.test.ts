// The tree against the published certificate-transparency vectors and against the text of RFC 6962, written down again.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { leafHash, MerkleTree } from '../../src/evidence/merkle.ts';
import { native } from '../../src/evidence/native.ts';
import { portable } from '../../src/evidence/primitives.ts';

// Inputs and roots of certificate-transparency's merkletree tests.
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'));
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

// RFC 6962 section 2.1, word for word: k is the largest power of two smaller than n.
function rootOf(entries: readonly Uint8Array[]): Buffer {
  const [first] = entries;
  if (!first) return sha256();
  if (entries.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  return sha256(Buffer.of(1), rootOf(entries.slice(0, k)), rootOf(entries.slice(k)));
}

it.each(ROOTS.map((root, size) => [size, root] as const))(
  'has the published root of %i leaves',
  (size, root) => {
    const tree = new MerkleTree(native.sha256);
    for (const leaf of LEAVES.slice(0, size)) tree.append(leaf);
    expect(Buffer.from(tree.root()).toString('hex')).toBe(root);
    expect(tree.size).toBe(size);
  },
);

it('has the root that the RFC text computes, at every size on the way', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), (entries) => {
      const tree = new MerkleTree(native.sha256);
      for (const [index, entry] of entries.entries()) {
        tree.append(entry);
        expect(Buffer.from(tree.root())).toEqual(rootOf(entries.slice(0, index + 1)));
      }
    }),
    { numRuns: 50 },
  );
});

it('keeps a leaf apart from a node: two hashes glued together are not the tree of two', () => {
  const [a, b] = [Buffer.from('left'), Buffer.from('right')];
  const pair = new MerkleTree(native.sha256);
  pair.append(a);
  pair.append(b);
  const forged = new MerkleTree(native.sha256);
  forged.append(Buffer.concat([leafHash(portable.sha256, a), leafHash(portable.sha256, b)]));
  expect(forged.root()).not.toEqual(pair.root());
});
