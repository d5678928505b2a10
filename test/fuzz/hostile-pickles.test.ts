// Every hostile pickle is refused, with the code of its own rule, without running anything. The payloads are real:
// CPython runs each live one in a scratch directory, which is how we know that the list is not made of straw.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectPickle } from '../../src/capacity/forest/inspect.ts';
import { decodeModel } from '../../src/capacity/forest/model.ts';
import { CodedError } from '../../src/evidence/coded-error.ts';
import { beside, leftOut, requiresReal, withBeside } from '../left-out.ts';
import { HOSTILE } from './hostile-pickles.ts';
import { GOOD_MODELS } from './model-writer.ts';
import { pickle } from './pickle-writer.ts';

function codeOf(bytes: Uint8Array): string {
  try {
    decodeModel(bytes);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    expect(error.message).toMatch(/\(byte [0-9]+\)$/);
    return error.code;
  }
}

const python = '/usr/bin/python3';
const hasPython = spawnSync(python, ['-V'], { stdio: 'ignore' }).status === 0;
/** Loads each payload in a process and a directory of its own, one after the other. */
const LOAD_EACH = `
import os, pickle, sys
for at in range(int(sys.argv[1])):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    os.chdir(str(at))
    try:
        r = pickle.load(open("payload", "rb"))
        getattr(r, "wait", int)()
    except Exception: pass
    sys.exit()
`;
const corpus = new URL('picklescan/', beside('corpora'));

describe('a hostile pickle', () => {
  it('differs from a model that is accepted', () => {
    for (const [, bytes] of GOOD_MODELS) expect(decodeModel(bytes).predict([[0, 0]])).toHaveLength(1);
    expect(HOSTILE.length).toBeGreaterThan(200);
  });

  it.each(HOSTILE.map((hostile) => [hostile.family, hostile.what, hostile] as const))(
    'is refused: %s, %s',
    (_family, _what, { bytes, code }) => {
      expect(codeOf(bytes)).toBe(code);
      const { refusals, description } = inspectPickle(bytes);
      expect(description).toBeUndefined();
      expect(refusals.map((refusal) => refusal.code)).toContain(code);
    },
  );

  it('names the byte at which a wrong model was made, and the first where none was', () => {
    const offsets = ['a start on its own', 'a number'].map((wanted) => {
      const bytes = HOSTILE.find(({ what }) => what === wanted)?.bytes ?? Buffer.of();
      return inspectPickle(bytes).refusals.map(({ offset }) => [offset, bytes[offset]]);
    });
    expect(offsets).toEqual([[[expect.any(Number), 0x81]], [[0, 0x80]]]);
  });

  it('says that one tree comes twice before it looks into any of them', () => {
    const twice = HOSTILE.find(({ what }) => what === 'a forest with one tree twice')?.bytes ?? Buffer.of();
    expect(inspectPickle(twice).refusals).toMatchObject([
      { reason: expect.stringContaining('one tree, array or part twice') },
    ]);
  });

  it(
    'would run in CPython, if it is a live one (left out without python3)',
    leftOut(!hasPython && !requiresReal && 'no python3 here'),
    () => {
      const scratch = mkdtempSync(join(tmpdir(), 'guardrails-pickle-'));
      const alive = HOSTILE.filter(({ live }) => live === true);
      const ofPayload = (at: number, name: string): string => join(scratch, `${at}`, name);
      try {
        for (const [at, { bytes }] of alive.entries()) {
          mkdirSync(ofPayload(at, ''));
          writeFileSync(ofPayload(at, 'payload'), bytes);
          expect(codeOf(bytes)).not.toBe('accepted');
        }
        const marked = (): unknown => alive.filter((_, at) => existsSync(ofPayload(at, 'marker')));
        expect(marked()).toEqual([]);
        // -I: nothing of this machine's Python settings; the payload touches one file in its own directory.
        spawnSync(python, ['-I', '-c', LOAD_EACH, `${alive.length}`], { cwd: scratch, stdio: 'ignore' });
        expect(marked()).toEqual(alive);
      } finally {
        rmSync(scratch, { recursive: true });
      }
    },
  );

  it('of another project’s corpus is refused', withBeside('corpora'), () => {
    const files = readdirSync(corpus);
    expect(files.length).toBeGreaterThan(100);
    for (const file of files)
      expect([file, codeOf(readFileSync(new URL(file, corpus)))]).not.toEqual([file, 'accepted']);
  });

  it('is listed with all its refusals, not only the first', () => {
    const payload = Buffer.from('cos\nsystem\n(Vid\ntR0cposix\nsystem\n(Vid\ntR2.');
    const { refusals, globals, opcodes } = inspectPickle(payload);
    expect(refusals.map(({ code, offset }) => [code, offset])).toEqual([
      ['pickle.global-refused', 0],
      ['pickle.opcode-refused', 18],
      ['pickle.global-refused', 19],
      ['pickle.opcode-refused', 40],
      ['pickle.leftover', 41],
    ]);
    expect(globals).toEqual([
      { name: 'os system', offset: 0, times: 1, allowed: false },
      { name: 'posix system', offset: 19, times: 1, allowed: false },
    ]);
    expect(new Map(opcodes).get('GLOBAL')).toBe(2);
  });

  it('is listed, as a good model is, in what nobody can change', () => {
    const unlisted = HOSTILE.find(({ code }) => code === 'model.state-unlisted')?.bytes ?? Buffer.of();
    for (const bytes of [unlisted, Buffer.from('N0.'), ...GOOD_MODELS.map(([, good]) => good)]) {
      const inspection = inspectPickle(bytes);
      const { refusals, description = refusals } = inspection;
      for (const part of [inspection, refusals, description, ...refusals])
        expect(Object.isFrozen(part)).toBe(true);
    }
    for (const [, bytes] of GOOD_MODELS) expect(Object.isFrozen(decodeModel(bytes))).toBe(true);
  });

  it('is listed on where a call, a state, an element or an item is for what was refused', () => {
    const inner = 'cos\nsystem\n(tR'; // on what this makes, the rest is tried
    for (const rest of ['(tR', '(NNtR', '}b', 'Na', '(Ne', 'NNs', '(NNu', '(NNuNa'])
      expect([rest, inspectPickle(Buffer.from(`${inner}${rest}.`)).refusals.map(({ code }) => code)]).toEqual(
        [rest, ['pickle.global-refused']],
      );
    expect(inspectPickle(Buffer.from('cos\nsystem\n}b.')).refusals).toHaveLength(1);
  });

  it('is listed in order, once for each name, and as it is for good', () => {
    const inspection = inspectPickle(Buffer.from('(cos\nsystem\ncos\nsystem\nt.'));
    expect(inspection.opcodes).toEqual([
      ['GLOBAL', 2],
      ['MARK', 1],
      ['STOP', 1],
      ['TUPLE', 1],
    ]);
    expect(inspection.globals).toEqual([{ name: 'os system', offset: 1, times: 2, allowed: false }]);
    const { opcodes, globals, refusals } = inspection;
    for (const part of [inspection, opcodes, globals, globals[0], refusals, refusals[0]])
      expect(Object.isFrozen(part)).toBe(true);
  });

  it('is not listed without end', () => {
    const names = Array.from({ length: 990 }, (_, i) => `cm\nn${i}\n`).join('');
    expect(inspectPickle(Buffer.from(`(${names}t.`)).globals).toHaveLength(990);
    const allowed = Array.from({ length: 1001 }, (_, i) => `cm${i}\nn\n`).join('');
    expect(inspectPickle(Buffer.from(`(${allowed}t.`)).globals).toHaveLength(1000);
    const { refusals, opcodes } = inspectPickle(Buffer.from(`${'N0'.repeat(500_000)}.`));
    expect(refusals).toHaveLength(1000);
    expect(new Map(opcodes).get('POP')).toBe(1001);
  });

  it('never has its bytes repeated in a message, unless they are a plain name', () => {
    const coloured = Buffer.from('c\x1b[31mevil\nname"<script>\n.', 'latin1');
    expect(JSON.stringify(inspectPickle(coloured))).not.toMatch(/script|\[31m/);
    const evil = '<script>';
    for (const [module, name] of [
      [`${evil}a`, 'b'],
      [`a${evil}`, 'b'],
      ['a', `${evil}b`],
      ['a', `b${evil}`],
    ])
      expect(JSON.stringify(inspectPickle(Buffer.from(`c${module}\n${name}\n.`)))).not.toContain(evil);
    const [inst] = inspectPickle(Buffer.from('(i\xff\n\xff\n.', 'latin1')).globals;
    expect(inst?.name).toBe('an unprintable name');
    expect(inspectPickle(pickle({ global: ['a', 'b'.repeat(81)] })).globals[0]?.name).toBe(
      'an unprintable name',
    );
  });
});
