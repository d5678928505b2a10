// Files that are brought together, against secretlint over each of them by itself.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { extname } from 'node:path';
import { lintSource } from '@secretlint/core';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Found } from '../../../src/guards/find-secrets.ts';
import { loadSecretlint, type TextFile } from '../../../src/guards/secrets/lint.ts';
import { INNOCENT, SECRETS } from '../../../src/proof/drills/secrets/samples.ts';
import { growthOf, LINEAR } from '../../growth.ts';

/** All but the rule of the comments that turn others off. */
const asked = rules
  .filter(({ meta }) => !meta.id.endsWith('-filter-comments'))
  .map((rule) => ({ id: rule.meta.id, rule }));

/** What secretlint finds in one file. */
async function alone({ path, text }: TextFile): Promise<readonly Found[]> {
  const source = { filePath: path, content: text, ext: extname(path), contentType: 'text' as const };
  const options = { config: { rules: asked }, noPhysicFilePath: true };
  const { messages } = await lintSource({ source, options });
  return messages.map(({ ruleId, loc }) => ({
    shape: ruleId.split('/').at(-1) ?? '',
    line: loc.start.line,
  }));
}

const base64 = `MI${'Ab9/'.repeat(64)}`;
const key = ['-----BEGIN RSA PRIVATE KEY-----', base64, '-----END RSA PRIVATE KEY-----'];
const mixed = (length: number): string => 'aB3dE5gH7j'.repeat(13).slice(0, length);
/** One for each rule that looks at text, and what rules look at names for. */
const TEXTS = [
  `ghp_${mixed(36)}`,
  `github_pat_${mixed(82)}`,
  `npm_${mixed(36)}`,
  `xoxb-${mixed(12)}-${mixed(12)}`,
  `https://hooks.slack.com/services/T${mixed(8)}/B${mixed(8)}/${mixed(24)}`,
  `SG.${mixed(22)}.${mixed(43)}`,
  `shpat_${'0123456789abcdef'.repeat(2)}`,
  `AWS_SECRET_ACCESS_KEY=${mixed(40)}`,
  `https://someone:${mixed(12)}@db.company.org/`,
  `mongodb://someone:${mixed(12)}@db.company.org/data`,
  `postgres://someone:${mixed(12)}@db.company.org/data`,
  `mysql://someone:${mixed(12)}@db.company.org/data`,
  `sk-${mixed(20)}T3BlbkFJ${mixed(20)}`,
  `sk-ant-api03-${mixed(93)}AA`,
  `lin_api_${mixed(40)}`,
  `ops_${Buffer.from(JSON.stringify({ a: mixed(101) })).toString('base64')}`,
  key.join('\n'),
  `//npm.company.org/:_authToken=${mixed(36)}`,
  `{"repository": "https://${mixed(20)}:x-oauth-basic@github.com/"}`,
  JSON.stringify({ private_key_id: 'x', private_key: key[0] }),
];
/** What may begin something in one file that another one goes on with, or would turn rules off in what follows. */
const PARTS = [
  '',
  '\n',
  'x',
  'é',
  ...key,
  '_authToken=',
  'AWS_SECRET_ACCESS_KEY=',
  mixed(40),
  'mongodb://someone:',
  `${mixed(12)}@db.company.org/data`,
  'ghp_',
  mixed(36),
  'secretlint-disable',
  'secretlint-enable',
  'secretlint-disable-next-line',
  '\ufeff',
];

const piece = fc.constantFrom(...TEXTS, ...PARTS, ...SECRETS.map(([, line]) => line), ...INNOCENT);
const file = fc.record({
  path: fc.constantFrom('a.txt', 'a.json', 'package.json', 'd/.npmrc', 'a.ts', 'a.p12', 'a'),
  text: fc.array(piece, { maxLength: 4 }).map((parts) => parts.join('\n')),
});
const clean = fc.record({
  path: fc.constantFrom('a.txt', 'a.ts'),
  text: fc.constantFrom(...INNOCENT, ...PARTS),
});

it('finds in each of many files what secretlint finds in it alone', { timeout: 120_000 }, async () => {
  const lint = await loadSecretlint(async () => {});
  let findings = 0;
  const few = fc.array(fc.oneof({ weight: 4, arbitrary: clean }, file), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(few, async (files) => {
      const each = await Promise.all(files.map(alone));
      findings += each.flat().length;
      expect(await lint(files)).toEqual(each);
    }),
    { numRuns: 600 },
  );
  expect(findings).toBeGreaterThan(100);
});

it('finds each text among files that hold nothing, where secretlint finds it alone', async () => {
  const lint = await loadSecretlint(async () => {});
  const around = [
    { path: 'a', text: 'x' },
    { path: 'b', text: '_authToken=' },
  ];
  for (const text of [...TEXTS, ...SECRETS.map(([, line]) => line)])
    for (const path of ['a.txt', 'a.json', 'package.json', '.npmrc']) {
      const given = { path, text };
      const [, , found] = await lint([...around, given, ...around]);
      expect([text, path, found]).toEqual([text, path, await alone(given)]);
    }
  const texts = await Promise.all(TEXTS.slice(0, 17).map((text) => alone({ path: 'a.txt', text })));
  expect(texts.map((found) => found.length > 0)).toEqual(texts.map(() => true));
});

it('finds what is written in UTF-16 as secretlint finds it in the text', async () => {
  const text = `x\n${TEXTS[0]}`;
  const lint = await loadSecretlint(async () => {});
  const [found] = await lint([{ path: 'a.txt', text: `\ufeff${text}` }]);
  expect(found).toEqual(await alone({ path: 'a.txt', text }));
});

it('is turned off by no comment', async () => {
  expect(asked).toHaveLength(rules.length - 1);
  const lint = await loadSecretlint(async () => {});
  for (const comment of ['secretlint-disable', 'secretlint-disable-next-line', 'secretlint-disable-line'])
    for (const text of [`# ${comment}\n${TEXTS[0]}`, `${TEXTS[0]} # ${comment}`]) {
      const found = await lint([
        { path: 'a.ts', text },
        { path: 'b.ts', text: TEXTS[0] ?? '' },
      ]);
      expect([text, found.map(({ length }) => length)]).toEqual([text, [1, 1]]);
    }
});

it('finds something in a text of very many secrets, in a time that grows with the text only', {
  timeout: 120_000,
}, async () => {
  const lint = await loadSecretlint(async () => {});
  const text = (secrets: number): string =>
    TEXTS.slice(0, 19)
      .join('\n')
      .concat('\n')
      .repeat(secrets / 20);
  const [found = []] = await lint([{ path: 'a', text: text(20_000) }]);
  const few = await alone({ path: 'a', text: text(20) });
  expect(new Set(found.map(({ shape }) => shape))).toEqual(new Set(few.map(({ shape }) => shape)));
  expect(await growthOf((size) => lint([{ path: 'a', text: text(size) }]), 2_000)).toBeLessThan(LINEAR);
});

it('opens no file by itself', async () => {
  const lint = await loadSecretlint(async () => {});
  const opened = vi.spyOn(fs, 'readFileSync');
  syncBuiltinESMExports();
  onTestFinished(() => {
    opened.mockRestore();
    syncBuiltinESMExports();
  });
  await lint([{ path: 'a.p12', text: 'x' }]);
  expect(opened).not.toHaveBeenCalled();
});
