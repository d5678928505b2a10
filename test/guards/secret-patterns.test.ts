// What comes after redaction: what it must find, what it must let through, and that its cost grows in line with its input.
import { describe, expect, it } from 'vitest';
import { isBareSecret, SECRET_PATTERNS, secretFindings } from '../../src/guards/secret-patterns.ts';
import { growthOf, LINEAR } from '../growth.ts';

// Assembled here, so that no scanner takes this file for a leak.
const reference = ['$', '{KEY}'].join('');
const filler = 'Abcd0123'.repeat(6);

/** The name of the first that is found. */
const findSecret = (data: unknown): string | undefined => secretFindings(data).next().value?.name;

describe('secretFindings', () => {
  it.each([
    ['a PEM private key', `-----BEGIN RSA ${'PRIVATE'} KEY-----\nMIIE`, 'private-key'],
    ['an OpenSSH private key', `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----`, 'private-key'],
    ['an OpenPGP private key', `-----BEGIN PGP ${'PRIVATE'} KEY BLOCK-----`, 'private-key'],
    ['a value that begins as a reference', `password=${reference}hunter2`, 'assignment'],
    ['a value that begins as the name of a token', 'token: "eos-hunter2"', 'assignment'],
    ['a bearer header', `curl -H 'Authorization: Bearer ${filler}'`, 'authorization-header'],
    ['a basic header', 'authorization: basic dXNlcjpwYXNzd29yZA==', 'authorization-header'],
    ['a password in a URL', 'postgres://app:hunter2@db.example/x', 'url-password'],
    ['a password without a user in a URL', 'redis://:hunter2@cache', 'url-password'],
    ['a JSON web token', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx${filler}.x`, 'json-web-token'],
    ['an AWS key id', `id ${'AKIA'}ABCDEFGHIJKLMNOP`, 'aws-key-id'],
    ['a GitHub token', `${'ghp'}_${filler}`, 'github'],
    ['a fine-grained GitHub token', `${'github_pat'}_${filler}`, 'github'],
    ['a GitLab token', `${'glpat'}-${filler}`, 'gitlab'],
    ['a Slack token', `${'xoxb'}-1234567890-${filler}`, 'slack'],
    ['a Hugging Face token', `${'hf'}_${filler}`, 'hugging-face-token'],
    ['an API key', `${'sk'}-ant-api03-${filler}`, 'model-api-key'],
    ['a Google API key', `${'AIza'}${filler.slice(0, 35)}`, 'google-key'],
    ['a key of a payment provider', `run ${'sk'}_live_${filler}`, 'stripe'],
    ['an assignment', 'export PGPASSWORD=hunter2', 'assignment'],
    ['a secret behind the mark of a redaction', 'PASSWORD=<redacted>hunter2', 'assignment'],
    ['an option with its value', '--api-key=abc', 'assignment'],
    ['JSON in a string', '{"password": "x"}', 'assignment'],
    ['a sentence', 'password: x', 'assignment'],
    ['JSON in a string, *** for redaction', '{"token": "***"}', 'assignment'],
    ['an option and the word after it', ['psql', '--password', 'hunter2'], 'named-value'],
    ['a field', { db: { apiToken: 'x' } }, 'named-value'],
    ['a key of an object', { [`${'ghp'}_${filler}`]: 1 }, 'github'],
    ['a secret among what is not there', [`${'ghp'}_${filler}`, undefined], 'github'],
    ['the last of many', [...Array(1_000).fill('ok'), { deep: [['PASSWORD=x']] }], 'assignment'],
  ])('finds %s', (_why, data, name) => {
    expect(findSecret(data)).toBe(name);
  });

  it.each([
    ['a digest', 'a'.repeat(64)],
    ['redacted text', 'PASSWORD=<redacted> TOKEN="<redacted>" SECRET='],
    ['a redacted field', { password: '<redacted>', token: '' }],
    ['a redacted option', ['run', '--token', '<redacted>']],
    ['counts and models', { max_tokens: 512, tokenizer: 'bert', token_count: 3 }],
    ['a URL with a port and a user', 'ssh://git@host:22/repo'],
    ['ordinary words', 'basic checks passed; bearer of good news; the secret is out'],
    ['a reference to a variable', [`api_key: ${reference}`, 'token={{ token }}', { password: reference }]],
    ['the name of a token of a language model', ['token: "eos"', "token: 'pad'", { token: 'eos' }]],
    ['a directory of a partition', '/data/token=abc/part-0.parquet'],
    ['nothing', [null, true, 1.5, {}]],
  ])('lets %s through', (_why, data) => {
    expect(findSecret(data)).toBeUndefined();
  });

  it('does not fall over deep nesting', () => {
    let data: unknown = 'PASSWORD=x';
    for (let depth = 0; depth < 100_000; depth += 1) data = [data];
    expect(findSecret(data)).toBe('assignment');
  });

  it('says why each pattern is there', () => {
    for (const { name, why } of SECRET_PATTERNS.values())
      expect(`${name}: ${why}`).toMatch(/^[a-z-]+: .{10}/);
  });

  it.each([...SECRET_PATTERNS].map(([name, { pattern }]) => [name, pattern] as const))(
    'scans text made to make %s backtrack in time that grows with its length only',
    async (_name, pattern) => {
      const units = ['eyJ', '://a:', 'token" :', 'basic  ', '-----BEGIN A', 'sk-', 'password'];
      const scan = (size: number): void => {
        for (const unit of units) pattern.test(unit.repeat(size / unit.length));
      };
      expect(await growthOf(scan, 40_000)).toBeLessThan(LINEAR);
    },
  );
});

describe('isBareSecret', () => {
  it.each([
    ['OPENAI_API_KEY', 'x', true],
    ['db_passwd', 'x', true],
    ['SERVICE_AUTH', 'x', true],
    ['OPENAI_API_KEY', '***', true],
    ['OPENAI_API_KEY', ' ', true],
    ['OPENAI_API_KEY', '<redacted>', false],
    ['OPENAI_API_KEY', '', false],
    ['PYTHONPATH', '/src', false],
  ])('%s=%s: %s', (name, value, bare) => {
    expect(isBareSecret(name, value)).toBe(bare);
  });
});
