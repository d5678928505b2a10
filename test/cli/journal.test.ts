// The commands around the journal, as an operator and an auditor use them.
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type CliResult, guardrails, scratch } from './run-cli.ts';

vi.setConfig({ testTimeout: 240_000 }); // each call is a process of its own

const site = scratch();
const at = site.directory;
const run = (...args: readonly string[]): CliResult => guardrails(args, at);
const bind = (value: string): CliResult =>
  run('check', 'bind', '--json', JSON.stringify({ sources: [{ from: 'cli', value }], port: 8501 }));
const checkpoint = (): string => readFileSync(join(at, '.guardrails/journal/checkpoint'), 'utf8');

let allowed: { readonly evidence: string };
let refused: { readonly evidence: string };
let first: string;
beforeAll(() => {
  allowed = JSON.parse(bind('127.0.0.1').stdout);
  first = checkpoint();
  writeFileSync(join(at, 'first'), first);
  refused = JSON.parse(bind('0.0.0.0').stdout);
});
afterAll(() => site.remove());

it('shows the last records, those that fit, counts and files', () => {
  const lines = run('journal', 'tail', '-n', '2').stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(
    new RegExp(`^3 {2}\\S+Z {2}enforce {2}${refused.evidence} {2}bind {2}refuse {2}bind\\.`),
  );
  const records = run('journal', 'grep', '--guard', 'bind', '--decision', 'allow', '--json')
    .stdout.trimEnd()
    .split('\n');
  expect(records.map((line) => JSON.parse(line).id)).toEqual([allowed.evidence]);
  expect(run('journal', 'grep', '--code', 'no.such-code')).toMatchObject({ code: 1, stdout: '' });
  expect(JSON.parse(run('journal', 'stats', '--json').stdout)).toMatchObject({
    records: 4,
    kinds: { run: 2, 'enforce bind allow': 1, 'enforce bind refuse': 1 },
  });
  expect(run('journal', 'segments').stdout).toMatch(
    /^journal-000000000000\.jsonl {2}being written {2}\d+ bytes\n$/,
  );
  expect(run('journal', 'grep', '--since', 'someday')).toMatchObject({ code: 2 });
});

it('proves a record, and that the journal only grew, to somebody who has nothing but the key', () => {
  const proof = run('prove', refused.evidence).stdout;
  const growth = run('prove', '--since', 'first').stdout;
  const key = run('keys', 'show').stdout.trim();
  const elsewhere = scratch();
  try {
    writeFileSync(join(elsewhere.directory, 'proof'), proof);
    writeFileSync(join(elsewhere.directory, 'growth'), growth);
    writeFileSync(join(elsewhere.directory, 'kept'), first);
    const verify = (...args: readonly string[]): CliResult =>
      guardrails(['verify', ...args], elsewhere.directory);
    expect(verify('proof', '--pin', key)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(refused.evidence),
    });
    expect(JSON.parse(verify('proof', '--pin', key, '--json').stdout)).toMatchObject({
      ok: true,
      signer: key,
      record: { id: refused.evidence, decision: 'refuse' },
    });
    expect(verify('growth', '--previous', 'kept', '--pin', key)).toMatchObject({ code: 0 });
    expect(verify('growth', '--pin', key)).toMatchObject({ code: 2 });
    expect(verify('proof')).toMatchObject({ code: 1, stdout: expect.stringContaining('proof.unpinned') });
    writeFileSync(join(elsewhere.directory, 'proof'), proof.replace(/^index \d/m, 'index 1'));
    expect(verify('proof', '--pin', key)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('proof.'),
    });
    writeFileSync(join(elsewhere.directory, 'kept'), first.replace(/\n\d+\n/, '\n1\n'));
    expect(verify('growth', '--previous', 'kept', '--pin', key)).toMatchObject({ code: 1 });
  } finally {
    elsewhere.remove();
  }
  expect(run('prove', 'no-such-id')).toMatchObject({ code: 2 });
  expect(run('prove')).toMatchObject({ code: 2 });
});

it('remembers what it saw: a journal that was rolled back is refused, and not first-seen', () => {
  const [journal, kept] = [join(at, '.guardrails/journal'), join(at, 'kept')];
  cpSync(journal, kept, { recursive: true });
  bind('127.0.0.1');
  expect(run('verify')).toMatchObject({ code: 0 });
  renameSync(journal, `${journal}.newer`);
  renameSync(kept, journal);
  const { code, stdout } = run('verify', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'broken',
    history: 'broken',
    problems: [{ code: 'journal.rolled-back' }],
  });
  expect(run('scorecard')).toMatchObject({ code: 1 });
  rmSync(journal, { recursive: true });
  renameSync(`${journal}.newer`, journal);
  expect(run('verify')).toMatchObject({ code: 0 });
});

it('hands the journal over to another key, and believes a revoked one no more', () => {
  const before = run('keys', 'show').stdout.trim();
  const after = run('keys', 'rotate').stdout.trim();
  expect(after).not.toBe(before);
  expect(run('keys', 'show').stdout.trim()).toBe(after);
  expect(existsSync(join(at, '.guardrails/signing-key.next.pem'))).toBe(false);
  bind('127.0.0.1');
  for (const key of [before, after]) expect(run('verify', '--pin', key)).toMatchObject({ code: 0 });
  expect(run('keys', 'revoke', before)).toMatchObject({ code: 0 });
  expect(run('verify')).toMatchObject({ code: 0 });
  const { evidence } = JSON.parse(bind('127.0.0.1').stdout) as { evidence: string };
  writeFileSync(join(at, 'proof'), run('prove', evidence).stdout);
  expect(run('verify', 'proof')).toMatchObject({ code: 0 });
  expect(run('verify')).toMatchObject({ code: 0 });
  expect(run('keys', 'revoke', after)).toMatchObject({ code: 0 });
  // It was seen before; what comes now is anybody's.
  expect(run('verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('was seen before') });
  bind('127.0.0.1');
  expect(run('verify')).toMatchObject({ code: 1, stdout: expect.stringContaining('nobody vouches') });
  expect(run('verify', 'proof')).toMatchObject({ code: 1 });
  expect(run('keys', 'revoke', after, '--at', '2020-01-01')).toMatchObject({ code: 0 });
  expect(run('verify')).toMatchObject({ code: 1, stdout: expect.stringContaining('a key that is revoked') });
  expect(run('keys', 'pin', before)).toMatchObject({ code: 2 });
  expect(run('keys', 'revoke', 'nothing')).toMatchObject({ code: 2 });
});

it('says where to look for a journal that is not there', () => {
  for (const verb of ['tail', 'grep', 'stats', 'segments']) {
    const { code, stderr } = run('--dir', 'nowhere', 'journal', verb);
    expect([code, stderr], verb).toEqual([2, expect.stringMatching(/journal\.unreadable.*--dir/)]);
  }
});

it('tells an auditor whose pins lack the key how to trust it', () => {
  const pins = join(at, '.guardrails/pins.json');
  const kept = readFileSync(pins);
  rmSync(pins);
  const { code, stdout } = run('verify');
  writeFileSync(pins, kept, { mode: 0o600 });
  expect([code, stdout]).toEqual([1, expect.stringContaining('guardrails keys pin')]);
});
