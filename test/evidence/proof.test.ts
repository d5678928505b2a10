// Proofs and notes, with the Go checksum database as the other opinion, and our own recomputation where there is no Go.
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint, signCheckpoint, signedBy } from '../../src/evidence/checkpoint.ts';
import { verifyConsistency } from '../../src/evidence/consistency.ts';
import { processIdentity } from '../../src/evidence/identity.ts';
import { readJournal, segmentName, segmentsIn } from '../../src/evidence/journal-files.ts';
import { generateSigner, parseVerifierKey } from '../../src/evidence/keys.ts';
import { leafHash, MerkleTree } from '../../src/evidence/merkle.ts';
import { native } from '../../src/evidence/native.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type { Pin } from '../../src/evidence/pin.ts';
import { portable } from '../../src/evidence/primitives.ts';
import {
  checkConsistency,
  checkInclusion,
  consistencyProof,
  inclusionProof,
} from '../../src/evidence/proof.ts';
import { proveConsistency, proveRecord } from '../../src/evidence/prove.ts';
import { verifyProof } from '../../src/evidence/tlog-proof.ts';
import { leftOut } from '../left-out.ts';
import { type Answer, goOracle, type Question, withoutGo } from './go-oracle.ts';
import { bytesOf, draft, IN_MEMORY, scratch } from './support.ts';

const { sha256 } = native;
const coded = (code: string): unknown => expect.objectContaining({ code });
const signer = generateSigner('agilab-guardrails/test');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

interface Tree {
  readonly entries: readonly Buffer[];
  readonly leaves: readonly Uint8Array[];
  readonly root: (size: number) => Uint8Array;
}

function treeOf(size: number): Tree {
  const entries = Array.from({ length: size }, () => randomBytes(1 + Math.floor(Math.random() * 40)));
  const tree = new MerkleTree(sha256);
  const roots = [tree.root()];
  for (const entry of entries) {
    tree.append(entry);
    roots.push(tree.root());
  }
  const leaves = entries.map((entry) => leafHash(sha256, entry));
  return { entries, leaves, root: (at) => roots[at] ?? new Uint8Array() };
}

const random = (below: number): number => Math.floor(Math.random() * below);

it('proves every leaf and every earlier tree of all small trees, and nothing else', () => {
  const wrong: string[] = []; // an assertion for each of the 45,000 would take most of the time
  const see = (held: boolean, expected: boolean, what: string): void => {
    if (held !== expected) wrong.push(`${what}: ${held}`);
  };
  for (let size = 1; size <= 40; size++) {
    const { leaves, root } = treeOf(size);
    for (let index = 0; index < size; index++) {
      const path = inclusionProof(sha256, leaves, index);
      const leaf = leaves[index] ?? new Uint8Array();
      const holds = (at: number, of: number, by = path): boolean =>
        checkInclusion(sha256, leaf, at, of, root(size), by);
      see(holds(index, size), true, `leaf ${index} of ${size}`);
      for (let at = 0; at <= size; at++)
        if (at !== index) see(holds(at, size), false, `leaf ${index} as ${at} of ${size}`);
      see(holds(index, size, [...path, leaf]), false, `leaf ${index} of ${size} by a longer path`);
      if (path.length > 0)
        for (const shorter of [path.slice(1), path.slice(0, -1)])
          see(holds(index, size, shorter), false, `leaf ${index} of ${size} by a shorter path`);
    }
    for (let before = 1; before <= size; before++) {
      const path = before === size ? [] : consistencyProof(sha256, leaves, before);
      const holds = (of: number, old = root(before), by = path): boolean =>
        checkConsistency(sha256, of, old, size, root(size), by);
      see(holds(before), true, `${before} of ${size}`);
      for (let of = 0; of <= size + 1; of++)
        if (of !== before) see(holds(of), false, `${before} as ${of} of ${size}`);
      see(holds(before, randomBytes(32)), false, `another root of ${before} of ${size}`);
      if (path.length > 0)
        see(holds(before, root(before), path.slice(1)), false, `${before} of ${size} by a shorter path`);
    }
  }
  expect(wrong).toEqual([]);
});

describe('on a real journal', () => {
  /** 700 lines in files of some hundred, so that some leaves come from tiles and some from lines. */
  async function journal(): Promise<{ directory: string; ids: readonly string[]; notes: readonly string[] }> {
    const directory = await scratch(IN_MEMORY);
    const ids: string[] = [];
    const notes: string[] = [];
    for (const count of [1, 300, 399]) {
      const open = await openJournal({ directory, signer, segmentBytes: 200_000 });
      const records = await Promise.all(Array.from({ length: count }, () => open.append(draft(), '')));
      ids.push(...records.map(({ id }) => id));
      notes.push((await open.checkpoint()) ?? '');
      await open.close();
    }
    return { directory, ids, notes };
  }

  it('proves a record to somebody who has the key alone, and no changed record', async () => {
    const { directory, ids } = await journal();
    const lines = (await bytesOf(await readJournal(directory))).toString('utf8').split('\n');
    for (const id of [ids[0], ids[255], ids[256], ids[500], ids.at(-1)]) {
      const text = await proveRecord(directory, id ?? '');
      for (const primitives of [portable, native]) {
        const { record, key } = verifyProof(text, [signer.vkey], primitives);
        expect([record.id, key.vkey]).toEqual([id, signer.vkey]);
        expect(record).toEqual(JSON.parse(lines[record.seq] ?? ''));
      }
      expect(() => verifyProof(text, [generateSigner('x').vkey])).toThrow(coded('proof.unpinned'));
    }
    await expect(proveRecord(directory, 'nobody')).rejects.toThrow(coded('prove.no-such-record'));
  });

  it('proves records of the machine and the time that its key is pinned for, and no others', async () => {
    const { directory, ids } = await journal();
    const { vkey } = signer;
    const { host, machine } = processIdentity();
    const text = await proveRecord(directory, ids[300] ?? '');
    const run = JSON.parse((await bytesOf(await readJournal(directory))).toString().split('\n')[0] ?? '');
    const opening = await proveRecord(directory, run.id);
    const hour = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const good: Pin[] = [
      { vkey, host },
      { vkey, host: 'renamed since', machine },
      { vkey, host, notBefore: hour(-1), notAfter: hour(1), revoked: hour(1) },
    ];
    for (const pin of machine === 'unknown' ? good.toSpliced(1, 1) : good)
      for (const each of [text, opening]) expect(verifyProof(each, [pin]).key.vkey).toBe(vkey);
    for (const [pin, code] of [
      [{ vkey, host: 'elsewhere' }, 'proof.wrong-producer'],
      [{ vkey, host, notBefore: hour(1) }, 'proof.outside-validity'],
      [{ vkey, host, notAfter: hour(-1) }, 'proof.outside-validity'],
      [{ vkey, host, revoked: hour(-1) }, 'proof.unpinned'],
    ] as const)
      expect(() => verifyProof(text, [pin]), code).toThrow(coded(code));
    if (machine !== 'unknown')
      expect(() => verifyProof(opening, [{ vkey, host, machine: 'f'.repeat(32) }])).toThrow(
        coded('proof.wrong-producer'),
      );
  });

  it('proves a record that the keys before and after a rotation both seal by the one that may', async () => {
    const directory = await scratch(IN_MEMORY);
    const next = generateSigner('agilab-guardrails/test');
    const handed = await openJournal({ directory, signer });
    const { id } = await handed.append(draft(), '');
    await handed.rotateTo(next);
    const text = await proveRecord(directory, id);
    await handed.close();
    const { host } = processIdentity();
    const past = new Date(Date.now() - 3_600_000).toISOString();
    const old: Pin = { vkey: signer.vkey, host, notAfter: past };
    expect(() => verifyProof(text, [old])).toThrow(coded('proof.outside-validity'));
    for (const pins of [
      [old, { vkey: next.vkey, host }],
      [{ vkey: next.vkey, host }, old],
    ])
      expect(verifyProof(text, pins).key.vkey).toBe(next.vkey);
    const strange = { vkey: next.vkey, host: 'elsewhere' };
    expect(() => verifyProof(text, [old, strange])).toThrow(coded('proof.outside-validity'));
  });

  it('is not believed with any one character changed', async () => {
    const { directory, ids } = await journal();
    const text = await proveRecord(directory, ids[300] ?? '');
    const believed: number[] = [];
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
      try {
        verifyProof(changed, [signer.vkey], native);
        believed.push(at);
      } catch {}
    }
    expect(believed).toEqual([]);
  });

  it('makes no proof from lines that were changed, nor of a record that is not sealed', async () => {
    const { directory, ids } = await journal();
    const last = segmentName((await segmentsIn(directory)).at(-1) ?? 0);
    const open = await openJournal({ directory, signer });
    const { id } = await open.append(draft(), '');
    await expect(proveRecord(directory, id)).rejects.toThrow(coded('prove.unsealed'));
    await open.close();
    const path = join(directory, last);
    const { readFileSync } = await import('node:fs');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"allow"', '"error"'), { mode: 0o600 });
    await expect(proveRecord(directory, ids[3] ?? '')).rejects.toThrow(coded('journal.tampered'));
  });

  it('proves that it extends each earlier checkpoint, also where its tiles are gone', async () => {
    const { directory, notes } = await journal();
    for (const tiles of [true, false]) {
      if (!tiles) rmSync(join(directory, 'tile'), { recursive: true });
      for (const note of notes) {
        const text = await proveConsistency(directory, note);
        const later = verifyConsistency(note, text, [signer.vkey]);
        expect(later.claimed).toEqual(parseCheckpoint(notes.at(-1) ?? '').claimed);
      }
    }
    const { claimed } = parseCheckpoint(notes[1] ?? '');
    const fork = signCheckpoint({ ...claimed, root: randomBytes(32) }, signer);
    await expect(proveConsistency(directory, fork)).rejects.toThrow(coded('consistency.not-extended'));
    const stranger = signCheckpoint({ ...claimed, origin: 'another' }, signer);
    await expect(proveConsistency(directory, stranger)).rejects.toThrow(coded('consistency.foreign-origin'));
  });
});

const reason = withoutGo();
describe('as the Go checksum database sees it', leftOut(reason), () => {
  let ask: (questions: readonly Question[]) => readonly Answer[];
  beforeAll(() => {
    ask = goOracle();
  });

  it('500 journals have the root that it computes, and their proofs hold for it', () => {
    const questions: Question[] = [];
    const expected: boolean[] = [];
    const roots: string[] = [];
    for (let round = 0; round < 500; round++) {
      const size = 1 + random(round < 20 ? round + 1 : 200);
      const { entries, leaves, root } = treeOf(size);
      const index = random(size);
      const before = 1 + random(size);
      const Path = inclusionProof(sha256, leaves, index).map(base64);
      const same = { Size: size, Root: base64(root(size)) };
      questions.push(
        { Ask: 'root', Entries: entries.map(base64) },
        { Ask: 'record', ...same, Index: index, Entry: base64(entries[index] ?? Buffer.of()), Path },
        {
          Ask: 'tree',
          ...same,
          Before: before,
          OldRoot: base64(root(before)),
          Path: consistencyProof(sha256, leaves, before).map(base64),
        },
        // And what does not hold for us does not hold for it.
        {
          Ask: 'record',
          ...same,
          Index: (index + 1) % size,
          Entry: base64(entries[index] ?? Buffer.of()),
          Path,
        },
      );
      expected.push(true, true, true, size === 1);
      roots.push(same.Root);
    }
    const answers = ask(questions);
    expect(answers.map(({ ok }) => ok)).toEqual(expected);
    const saidRoots = answers.filter((_, at) => questions[at]?.Ask === 'root').map(({ said }) => said);
    expect(saidRoots).toEqual(roots);
  });

  it('10,000 changed checkpoints are accepted by both or by neither', () => {
    const note = signCheckpoint(
      { origin: 'agilab-guardrails/test/1', size: 4_711, root: randomBytes(32) },
      signer,
    );
    const other = signCheckpoint(
      { origin: 'agilab-guardrails/test/1', size: 4_711, root: randomBytes(32) },
      generateSigner('other'),
    );
    const both = `${note}${other.split('\n').at(-2)}\n`;
    const extended = note.replace('\n\n', '\nan extension line\n\n');
    const seeds = [note, both, extended];
    const mutate = (text: string): string => {
      const at = random(text.length);
      const kind = random(5);
      if (kind === 0) return text.slice(0, at) + text.slice(at + 1 + random(3));
      if (kind === 1) return text.slice(0, at) + String.fromCharCode(32 + random(95)) + text.slice(at + 1);
      if (kind === 2) return `${text.slice(0, at)}\n${text.slice(at)}`;
      if (kind === 3) return text.slice(0, at) + (text[at] ?? '') + text.slice(at);
      return text;
    };
    const changed = Array.from({ length: 10_000 }, (_, at) => mutate(seeds[at % seeds.length] ?? ''));
    const said = ask(changed.map((Note) => ({ Ask: 'open', Note, Key: signer.vkey })));
    const keys = [parseVerifierKey(signer.vkey)];
    // Go's base64 reader passes over the unused bits at the end of a signature; we accept one spelling only.
    const oneSpelling = (text: string): boolean =>
      text
        .split('\n')
        .filter((line) => line.startsWith('\u2014 '))
        .map((line) => line.split(' ').at(-1) ?? '')
        .every((signature) => Buffer.from(signature, 'base64').toString('base64') === signature);
    const differences = changed.filter((text, at) => {
      let ours = false;
      try {
        ours = signedBy(parseCheckpoint(text), keys, native) !== undefined;
      } catch {}
      // A note of another text that is signed all the same does not exist here, so both see the same checkpoint.
      return ours !== (said[at]?.ok === true && oneSpelling(text));
    });
    expect(differences).toEqual([]);
    expect(said.filter(({ ok }) => ok).length).toBeGreaterThan(500);
  });

  it('opens the checkpoint of a real journal and checks a proof from it', async () => {
    const at = await scratch(IN_MEMORY);
    const journal = await openJournal({ directory: at, signer });
    const records = await Promise.all(Array.from({ length: 20 }, () => journal.append(draft(), '')));
    const note = (await journal.checkpoint()) ?? '';
    await journal.close();
    expect(processIdentity().host).not.toBe('');
    const text = await proveRecord(at, records[7]?.id ?? '');
    const [, extra = '', , ...rest] = text.split('\n');
    const { claimed } = parseCheckpoint(note);
    const [opened, included] = ask([
      { Ask: 'open', Note: note, Key: signer.vkey },
      {
        Ask: 'record',
        Entry: extra.slice('extra '.length),
        Index: records[7]?.seq ?? -1,
        Size: claimed.size,
        Root: base64(claimed.root),
        Path: rest.slice(0, rest.indexOf('')),
      },
    ]);
    expect(opened).toMatchObject({ ok: true, said: expect.stringContaining(`\n${claimed.size}\n`) });
    expect(included?.ok).toBe(true);
  });
});
