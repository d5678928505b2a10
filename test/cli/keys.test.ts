// The life of keys and pins as an operator sees it: on the machine that signs, and on one that has its key by another way.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { cosignerKey } from '../../src/evidence/checkpoint.ts';
import { generateSigner, verifierOf } from '../../src/evidence/keys.ts';
import { parseNoteKey } from '../../src/evidence/note-key.ts';
import { type CliResult, guardrails, scratch } from './run-cli.ts';

vi.setConfig({ testTimeout: 240_000 }); // each call is a process of its own

interface Machine {
  readonly at: string;
  run(...args: readonly string[]): CliResult;
  record(): string;
  pins(): readonly { readonly vkey: string; readonly host: string; readonly revoked?: string }[];
}

function machine(): Machine {
  const site = scratch();
  const at = site.directory;
  onTestFinished(() => site.remove());
  const run = (...args: readonly string[]): CliResult => guardrails(args, at);
  const request = JSON.stringify({ sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 });
  return {
    at,
    run,
    record: () =>
      (JSON.parse(run('check', 'bind', '--json', request).stdout) as { evidence: string }).evidence,
    pins: () => JSON.parse(readFileSync(join(at, '.guardrails/pins.json'), 'utf8')).pins,
  };
}

const refused = (code: string): object => ({ code: 2, stderr: expect.stringContaining(`${code}: `) });
const strange = (): string => generateSigner('agilab-guardrails/elsewhere').vkey;

it('pins a key before this machine has one of its own, and then makes one that counts', () => {
  const here = machine();
  const other = strange();
  expect(here.run('keys', 'pin', other)).toMatchObject({ code: 0 });
  here.record();
  expect(here.run('verify')).toMatchObject({ code: 0 });
  expect(here.pins().map(({ vkey }) => vkey)).toEqual([other, here.run('keys', 'show').stdout.trim()]);
  expect(here.run('keys', 'init')).toMatchObject(refused('keys.exist'));
});

it('says what to do where the key of a journal is lost', () => {
  const here = machine();
  here.record();
  const state = join(here.at, '.guardrails');
  rmSync(join(state, 'signing-key.pem'));
  for (const command of [
    ['keys', 'init'],
    ['check', 'bind', '--json', '{}'],
  ])
    expect(here.run(...command)).toMatchObject(refused('keys.lost'));
  expect(readdirSync(state)).toEqual(['journal', 'pins.json']);
  // As the message says.
  mkdirSync(join(here.at, 'earlier'), { mode: 0o700 });
  renameSync(join(state, 'journal'), join(here.at, 'earlier/journal'));
  const vkey = here.pins()[0]?.vkey ?? '';
  expect(here.run('keys', 'init')).toMatchObject({ code: 0 });
  here.record();
  expect(here.run('verify')).toMatchObject({ code: 0 });
  expect(here.run('--dir', 'earlier', 'verify', '--pin', vkey)).toMatchObject({ code: 0 });
});

it('revokes a key for good: no later, under no other name, and not by naming it again', () => {
  const here = machine();
  const id = here.record();
  const vkey = here.run('keys', 'show').stdout.trim();
  writeFileSync(join(here.at, 'proof'), here.run('prove', id).stdout);
  expect(here.run('verify', 'proof', '--pin', vkey)).toMatchObject({ code: 0 });
  expect(here.run('keys', 'revoke', vkey, '--at', '2020-01-01')).toMatchObject({ code: 0 });
  for (const later of [[], ['--at', '2020-01-01'], ['--at', '2099-01-01T00:00:00Z']])
    expect(here.run('keys', 'revoke', vkey, ...later)).toMatchObject(refused('keys.revoked'));
  expect(here.run('keys', 'revoke', vkey, '--at', '2019-12-31T23:00:00+01:00')).toMatchObject({ code: 0 });
  expect(here.pins()).toMatchObject([{ revoked: '2019-12-31T22:00:00.000Z' }]);
  const alias = verifierOf('agilab-guardrails/alias', parseNoteKey(vkey).publicKey).vkey;
  expect(here.run('keys', 'pin', alias)).toMatchObject(refused('keys.pinned'));
  for (const trusting of [[], ['--pin', vkey]]) {
    const { code, stdout } = here.run('verify', ...trusting);
    expect([code, stdout]).toEqual([1, expect.stringContaining('guardrails keys rotate')]);
    expect(here.run('verify', 'proof', ...trusting)).toMatchObject({ code: 1 });
  }
  // As it says.
  expect(here.run('keys', 'rotate')).toMatchObject({ code: 0 });
  expect(here.run('verify')).toMatchObject({ code: 0 });
  // Elsewhere nothing is known of that.
  expect(here.run('--dir', 'nowhere', 'verify', join(here.at, 'proof'), '--pin', vkey)).toMatchObject({
    code: 0,
  });
});

it('takes times that everybody reads alike, and a time that there is', () => {
  const here = machine();
  for (const time of ['1', 'yesterday', '12/31/2030', '2030-02-30', '2030-01-01T00:00:00', '+012030-01-01']) {
    for (const option of ['--from', '--until'])
      expect(here.run('keys', 'pin', strange(), option, time)).toMatchObject(refused('usage'));
  }
  const never = ['--from', '2030-01-02', '--until', '2030-01-01T23:59:59Z'];
  expect(here.run('keys', 'pin', strange(), ...never)).toMatchObject(refused('usage'));
  for (const empty of ['--host=', '--machine='])
    expect(here.run('keys', 'pin', strange(), empty)).toMatchObject(refused('keys.not-written'));
  expect(here.run('keys', 'pin', strange(), '--from', '2030-01-01', '--until', '2030-01-02')).toMatchObject({
    code: 0,
  });
});

it('ends a key that is pinned already, and prolongs none', () => {
  const here = machine();
  const vkey = strange();
  expect(here.run('keys', 'pin', vkey)).toMatchObject({ code: 0 });
  const until = (time: string, ...more: string[]): CliResult =>
    here.run('keys', 'pin', vkey, '--until', time, ...more);
  const [{ host } = { host: '' }] = here.pins();
  expect(until('2031-01-01')).toMatchObject({ code: 0 });
  expect(until('2030-01-01', '--host', host)).toMatchObject({ code: 0 });
  for (const more of [
    ['--host', 'other'],
    ['--machine', 'm'],
    ['--from', '2020-01-01'],
  ])
    expect(until('2029-01-01', ...more)).toMatchObject(refused('keys.pinned'));
  for (const time of ['2030-01-01', '2032-01-01']) expect(until(time)).toMatchObject(refused('keys.pinned'));
  expect(here.pins()).toEqual([{ vkey, host, notAfter: '2030-01-01T00:00:00.000Z' }]);
});

it('pins a witness under its own name, and takes it by hand', () => {
  const here = machine();
  here.record();
  const witness = cosignerKey(generateSigner('witness.example/w1')).vkey;
  expect(here.run('keys', 'pin', witness)).toMatchObject({ code: 0 });
  expect(here.pins().at(-1)).toEqual({ vkey: witness, host: 'witness.example/w1' });
  const vkey = here.run('keys', 'show').stdout.trim();
  expect(here.run('verify', '--pin', vkey, witness)).toMatchObject({ code: 0 });
  const plain = generateSigner('example.org/log').vkey;
  expect(here.run('keys', 'pin', plain)).toMatchObject(refused('key.malformed'));
  expect(here.run('keys', 'pin', plain, '--host', 'example.org')).toMatchObject({ code: 0 });
});

it('tells a record that another machine proves with the key of this one', () => {
  const here = machine();
  const id = here.record();
  const vkey = here.run('keys', 'show').stdout.trim();
  writeFileSync(join(here.at, 'proof'), here.run('prove', id).stdout);
  const elsewhere = verifierOf('agilab-guardrails/elsewhere', parseNoteKey(vkey).publicKey).vkey;
  expect(parseNoteKey(vkey).name).toBe(`agilab-guardrails/${encodeURIComponent(hostname())}`);
  expect(elsewhere).not.toBe(vkey);
  const there = machine();
  const verify = (): CliResult => there.run('verify', join(here.at, 'proof'));
  expect(there.run('keys', 'pin', vkey, '--host', 'elsewhere')).toMatchObject({ code: 0 });
  expect(verify()).toMatchObject({ code: 1, stdout: expect.stringContaining('proof.wrong-producer: ') });
  const pins = join(there.at, '.guardrails/pins.json');
  const kept = readFileSync(pins, 'utf8');
  writeFileSync(
    pins,
    kept.replace('"elsewhere"', '"elsewhere", "notAfter": "2020-01-01T00:00:00Z", "machine": "x"'),
  );
  expect(verify()).toMatchObject({ code: 1, stdout: expect.stringContaining('proof.outside-validity: ') });
  writeFileSync(pins, '{');
  expect(verify()).toMatchObject(refused('keys.bad-pins'));
});
