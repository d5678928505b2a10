// What is found in text, line by line, and that whatever lies in a tree is answered by a decision.
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findSecrets } from '../../../src/guards/find-secrets.ts';
import { GUESSED_SHAPES, INNER_SHAPES, PREFIXED_SHAPES } from '../../../src/guards/secret-shapes.ts';
import { observeSecrets, type SecretsRequest, secrets } from '../../../src/guards/secrets/secrets.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { liveSecrets } from '../../../src/proof/drills/secrets/live-secrets.ts';
import { INNOCENT, SECRETS } from '../../../src/proof/drills/secrets/samples.ts';
import { buildPackage } from '../../built-package.ts';
import { growthOf, LINEAR } from '../../growth.ts';

let root = '';
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'secrets-')));
});
afterAll(() => rm(root, { recursive: true }));

describe('what is found', () => {
  it.each(SECRETS)('%s', (_what, line) => {
    expect(findSecrets(`first\n${line}\nlast`).map((found) => found.line)).toContain(2);
  });

  it.each(INNOCENT)('nothing in: %s', (line) => expect(findSecrets(line)).toEqual([]));

  it('names each line, in order', () => {
    const lineOf = (what: string): string => SECRETS.find(([name]) => name === what)?.[1] ?? '';
    const [first, second] = [lineOf('a PGP private key'), lineOf('npm')];
    const lines = findSecrets(`${second}\n\n${first}\n${first}`).map(({ line }) => line);
    expect([...new Set(lines)]).toEqual([1, 3, 4]);
  });

  it('says of each shape whose it is, and looks for all of them', () => {
    for (const { name, why, pattern } of [
      ...INNER_SHAPES.values(),
      ...PREFIXED_SHAPES.values(),
      ...GUESSED_SHAPES.values(),
    ]) {
      expect(`${name}: ${why}`).toMatch(/^[a-z-]+: ./);
      expect(pattern.global).toBe(true);
    }
  });

  // As fast-check reads it: without the edges of words, what stands before as a part of the match, and nothing around it. What
  // fast-check puts there by itself is letters mostly, and beside a letter no word ends: then hardly any text holds a match.
  const matchesOf = ({ source }: RegExp): fc.Arbitrary<string> =>
    fc.stringMatching(new RegExp(`^(?:${source.replaceAll(String.raw`\b`, '').replace('(?<=', '(?:')})$`));

  it('is looked for wherever its pattern could match: every match holds one of the words', () => {
    for (const { name, has, pattern } of [...INNER_SHAPES.values(), ...GUESSED_SHAPES.values()]) {
      if (has.length === 0) continue;
      const without = fc
        .sample(matchesOf(pattern), 200)
        .filter((text) => !has.some((word) => text.includes(word)));
      expect([name, without]).toEqual([name, []]);
    }
  });

  it('is found by what goes first wherever its own pattern finds it, whatever stands around it', () => {
    const unit = fc.constantFrom('a', '9', '-', '_', '.', ' ', '\n', '"', '=', ':', 'é');
    const around = fc.oneof(fc.constantFrom('', ' '), fc.string({ unit }));
    for (const { name, pattern } of [...INNER_SHAPES.values(), ...PREFIXED_SHAPES.values()]) {
      let matched = 0;
      fc.assert(
        fc.property(around, matchesOf(pattern), around, (before, match, after) => {
          const text = `${before}${match}${after}`;
          const isThere = [...text.matchAll(pattern)].length > 0;
          matched += Number(isThere);
          return findSecrets(text).some(({ shape }) => shape === name) === isThere;
        }),
        { numRuns: 100 },
      );
      expect([name, matched > 10]).toEqual([name, true]);
    }
  });

  it('is looked for behind whatever may stand between a name and what assigns', () => {
    const names =
      'password passwd passphrase secret secret_key secretkey token credential credentials auth api_key access-key'
        .concat(' privatekey account_key signing-key encryption_key')
        .split(' ');
    const quotes = ['', '"', "'", ']', `"]`, `']"`, ']]]'];
    const blanks = ['', ' ', '\t', '\n', '\u00a0', '\u2003 ', ' '.repeat(8)];
    const missed: string[] = [];
    for (const name of names.flatMap((each) => [each, each.toUpperCase(), `DB_${each}`]))
      for (const quote of quotes)
        for (const blank of blanks)
          for (const sign of ['=', ':', ':=', '=>']) {
            const text = `x.${name}${quote}${blank}${sign}${blank}"Zx8kQ2mP9vL4tR7w"`;
            if (!findSecrets(text).some(({ shape }) => shape === 'assignment')) missed.push(text);
          }
    expect(missed).toEqual([]);
  });

  it('takes time that grows with the text only', async () => {
    const units = [
      'eyJ',
      '-eyJaaaaaaaa',
      'eyJaaaaaaaa.-',
      '://a:',
      'token = ',
      'basic  ',
      '-----BEGIN A',
      'sk-',
      'password',
      'a.-_',
      'AccountKey=A',
      "token: '",
      'xox',
    ];
    for (const [, line] of SECRETS.slice(0, 20)) units.push(`${line} `);
    const scan = (size: number): void => {
      for (const unit of units) findSecrets(unit.repeat(size / unit.length));
    };
    expect(await growthOf(scan, 10_000)).toBeLessThan(LINEAR);
  });
});

describe('the guard', () => {
  it('is asked about what npm publishes of this package, and not about what lies beside it', {
    timeout: 120_000,
  }, () => {
    const copy = buildPackage();
    const program = `
      const from = (path) => import(${JSON.stringify(copy.root)} + '/dist/' + path);
      const { judge, secrets } = await from('guards/index.js');
      const { liveSecrets } = await from('proof/drills/secrets/live-secrets.js');
      const { decision, codes } = await judge(secrets, await liveSecrets(), { timeoutMs: 100_000 });
      console.log(decision, codes.join());`;
    const live = (): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim();
    try {
      mkdirSync(join(copy.root, '.cache'));
      writeFileSync(join(copy.root, '.cache/large'), '');
      truncateSync(join(copy.root, '.cache/large'), 64 * 1024 * 1024);
      writeFileSync(join(copy.root, '.env'), `${SECRETS[0]?.[1]}\n`);
      expect(live()).toBe('allow');
      writeFileSync(join(copy.root, 'data/notes.txt'), `${SECRETS[0]?.[1]}\n`);
      expect(live()).toBe('refuse secrets.found');
    } finally {
      copy.remove();
    }
  });

  it('finds none in what npm publishes of this package', { timeout: 120_000 }, async () => {
    expect(await judge(secrets, await liveSecrets(), { timeoutMs: 100_000 })).toMatchObject({
      decision: 'allow',
    });
  });

  it('takes time in proportion to the files', { timeout: 120_000 }, async () => {
    const look = async (files: number): Promise<void> => {
      const { decision } = await judge(secrets, { root: join(root, String(files)) });
      expect(decision).toBe('allow');
    };
    for (const files of [100, 800]) {
      const folder = join(root, String(files));
      await mkdir(folder);
      for (let i = 0; i < files; i += 1) await writeFile(join(folder, String(i)), 'innocent\n');
    }
    expect(await growthOf(look, 100)).toBeLessThan(LINEAR);
  });

  it('finds ASCII in two or four bytes a character, in either order, marked or not, cut or in the middle of something', async () => {
    const line = SECRETS.find(([name]) => name === 'npm')?.[1] ?? '';
    const text = Buffer.from(`\ufeffx\n\n${line}\n`, 'utf16le');
    const wide = Buffer.concat(
      [...text].map((byte, at) => Buffer.from(at % 2 === 0 ? [byte] : [byte, 0, 0])),
    );
    const other = Buffer.from(text).swap16();
    const cut = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('x')]);
    const below = join(root, 'wide');
    await mkdir(below);
    const files = Object.entries({
      text,
      other,
      wide,
      wideOther: Buffer.from(wide).swap32(),
      cut: cut(text),
      cutOther: cut(other),
      unmarked: text.subarray(2),
      unmarkedOther: other.subarray(2),
      unmarkedWide: wide.subarray(4),
      inside: Buffer.concat([Buffer.from('MZ\0\0'), text.subarray(2), Buffer.from('\0\0\0\x01')]),
      markedOnly: Buffer.from(`\xff\xfex\n\n${line}`, 'latin1'),
      markedOnlyOther: Buffer.from(`\xfe\xffx\n\n${line}`, 'latin1'),
      chinese: Buffer.from(`\ufeff\u7801\n\n\u7801${line}`, 'utf16le'),
    });
    for (const [name, bytes] of files) await writeFile(join(below, name), bytes);
    const { findings } = await observeSecrets({ root: below }, new AbortController().signal);
    for (const [name] of files)
      expect([name, findings.find(({ path, shape }) => path === name && shape === 'npm')]).toMatchObject([
        name,
        { line: 3 },
      ]);
  });

  it('answers about a file that is nothing but secrets', { timeout: 60_000 }, async () => {
    const below = join(root, 'many');
    await mkdir(below);
    await writeFile(join(below, 'x'), `${'sk'}_live_${'a1B2'.repeat(4)}\n`.repeat(300_000));
    expect(await judge(secrets, { root: below })).toMatchObject({
      decision: 'refuse',
      codes: ['secrets.found'],
    });
  });

  it('answers whatever lies in a tree, and whatever is asked', { timeout: 120_000 }, async () => {
    await mkdir(join(root, 'tree'));
    const pieces = fc.constantFrom(
      ...SECRETS.map(([, line]) => line),
      ...INNOCENT,
      '\n',
      '\0',
      '"',
      'password=',
    );
    const content = fc.oneof(
      fc.array(pieces, { maxLength: 6 }).map((parts) => Buffer.from(parts.join(' '))),
      fc.uint8Array({ maxLength: 200 }),
    );
    const asked = fc.record(
      { root: fc.constantFrom(join(root, 'tree'), root, '/dev/null', '/nowhere', 'tree') },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(content, fc.oneof(asked, fc.anything()), async (bytes, request) => {
        await writeFile(join(root, 'tree/file'), bytes);
        const { decision, codes } = await judge(secrets, request as SecretsRequest);
        expect(decision === 'allow' || /^(?:guard|secrets)\./.test(codes[0] ?? '')).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
