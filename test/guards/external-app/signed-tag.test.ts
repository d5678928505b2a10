// Tags that git and ssh-keygen themselves signed, with every kind of key that they make here, and those of tokens that nobody holds.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAllowedSigners } from '../../../src/guards/external-app/allowed-signers.ts';
import { type ExternalAppRequest, externalApp } from '../../../src/guards/external-app/external-app.ts';
import { judgeTag } from '../../../src/guards/external-app/signed-tag.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { leftOut } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';
import { missing } from '../../ssh/support.ts';
import { armoured, ed25519, everyKind, lineOf, type Made, type Signer, weakKinds } from './ssh-signer.ts';

let directory = '';
let root = '';
let commit = '';
beforeAll(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'signed-tag-')));
  root = join(directory, 'app');
});
afterAll(() => rm(directory, { recursive: true }));

const env = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b',
  GIT_COMMITTER_DATE: '1700000000 +0530',
};
const git = (...words: readonly string[]): Buffer =>
  execFileSync('git', ['-C', root, '-c', 'gpg.format=ssh', ...words], { env, stdio: 'pipe' });

/** What git says of a tag, given who may sign. */
async function isVerified(tag: string, list: string): Promise<boolean> {
  const file = join(directory, 'list');
  await writeFile(file, list);
  const words = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${file}`, 'verify-tag', tag];
  return spawnSync('git', ['-C', root, ...words], { env }).status === 0;
}

const asking = (name: string, allowedSigners: string): ExternalAppRequest => ({
  root,
  commit,
  signedTag: { name, allowedSigners },
});

const KINDS: readonly (readonly [type: string, bits: string])[] = [
  ['ed25519', '256'],
  ['rsa', '2048'],
  ['ecdsa', '256'],
  ['ecdsa', '384'],
  ['ecdsa', '521'],
];
/** The public key of a kind, as ssh-keygen writes it, behind a principal. */
async function listed(type: string, bits: string): Promise<string> {
  const [name, key] = (await readFile(join(directory, `${type}-${bits}.pub`), 'utf8')).split(' ');
  return `maintainer@example.org ${name} ${key}\n`;
}

describe('a tag that git signed', leftOut(missing('git', 'ssh-keygen')), () => {
  let list = '';
  beforeAll(async () => {
    await mkdir(root, { mode: 0o700 });
    git('init', '--quiet', '--initial-branch=main');
    await writeFile(join(root, 'run.py'), 'print(42)\n', { mode: 0o600 });
    git('add', '--all');
    git('commit', '--quiet', '--message=one');
    commit = git('rev-parse', 'HEAD').toString().trim();
    for (const [type, bits] of KINDS) {
      const key = join(directory, `${type}-${bits}`);
      execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', key]);
      git('-c', `user.signingKey=${key}`, 'tag', '--sign', '--message=A tag', `app@${type}/${bits}`);
    }
    list = await listed('ed25519', '256');
  });

  it.each(KINDS)('with a key of %s, %s bits, is granted, loose and packed', async (type, bits) => {
    const name = `app@${type}/${bits}`;
    const own = await listed(type, bits);
    expect(await isVerified(name, own)).toBe(true);
    for (const pack of [false, true]) {
      if (pack) git('gc', '--quiet', '--prune=now');
      const granted = await enforce(externalApp, asking(name, own), { journal: memoryJournal() });
      expect(granted.signers).toEqual(['maintainer@example.org']);
    }
    const others = KINDS.filter((kind) => kind[0] !== type || kind[1] !== bits);
    const strangers = await Promise.all(others.map((kind) => listed(...kind)));
    expect(await isVerified(name, strangers.join(''))).toBe(false);
    const { codes } = await judge(externalApp, asking(name, strangers.join('')));
    expect(codes).toEqual(['external-app.other-signer']);
  });

  it('is refused under another name, where git has no objection', async () => {
    git('update-ref', 'refs/tags/v2', 'refs/tags/app@ed25519/256');
    expect(await isVerified('v2', list)).toBe(true);
    expect((await judge(externalApp, asking('v2', list))).codes).toEqual(['external-app.other-tag']);
  });

  it('is taken for a tag of git and of no other commit', async () => {
    git('commit', '--quiet', '--allow-empty', '--message=two');
    const request = asking('app@ed25519/256', list);
    const later = { ...request, commit: git('rev-parse', 'HEAD').toString().trim() };
    expect((await judge(externalApp, later)).codes).toEqual(['external-app.other-tag']);
    expect((await judge(externalApp, { ...later, commit: request.commit })).decision).toBe('allow');
  });

  it('is refused with any byte changed, as by git, or where git looks away', {
    timeout: 120_000,
  }, async () => {
    const content = git('cat-file', 'tag', 'app@ed25519/256');
    const asked = { name: 'app@ed25519/256', allowedSigners: list };
    expect(judgeTag(content, commit, asked)).toMatchObject({ isForged: false });
    for (let at = 3; at < content.length; at += 17) {
      const changed = Buffer.from(content);
      changed[at] = (changed[at] ?? 0) ^ 1;
      let isTaken = false;
      try {
        const { principals, isForged, namesOther } = judgeTag(changed, commit, asked);
        isTaken = principals !== undefined && isForged === false && namesOther === undefined;
      } catch {} // another head than git writes
      expect({ at, isTaken }).toEqual({ at, isTaken: false });
    }
  });

  // What the list says of the key's purpose and time; git asks about the time at which the tag was made.
  it.each([
    ['namespaces="git"', true, undefined],
    ['namespaces="file,git"', true, undefined],
    ['namespaces="file"', false, 'other-signer'],
    ['valid-after="20231114221320Z",valid-before="20231114221321Z"', true, undefined],
    ['valid-after="20231114221321Z"', false, 'other-signer'],
    ['valid-before="20231114221319Z"', false, 'other-signer'],
    ['cert-authority', false, 'allowed-signers'],
    ['namespaces="git",namespaces="git"', false, 'allowed-signers'],
    ['touch-required', false, 'allowed-signers'],
    // Stricter than git: times of a zone that is not named, days that are in no calendar, and patterns.
    ['valid-before="20231131Z"', true, 'allowed-signers'],
    ['valid-before="20991231"', true, 'allowed-signers'],
    ['namespaces="g*"', true, 'allowed-signers'],
  ])('by a key that is listed with %s: git says %s', async (options, isGood, refused) => {
    const line = list.replace(' ', ` ${options} `);
    expect(await isVerified('app@ed25519/256', line)).toBe(isGood);
    const { codes } = await judge(externalApp, asking('app@ed25519/256', line));
    expect(codes).toEqual(refused === undefined ? [] : [`external-app.${refused}`]);
  });
});

describe('a signature', leftOut(missing('ssh-keygen')), () => {
  const object = 'a'.repeat(40);
  const payload = `object ${object}\ntype commit\ntag v1\ntagger A <a@b> 1700000000 +0000\n\nOne\n`;

  async function isGood(signature: string, list: string): Promise<boolean> {
    await writeFile(join(directory, 'sig'), signature);
    await writeFile(join(directory, 'list'), list);
    const words = ['-Y', 'verify', '-n', 'git', '-I', 'maintainer@example.org', '-f', 'list', '-s', 'sig'];
    return spawnSync('ssh-keygen', words, { cwd: directory, input: payload }).status === 0;
  }
  const ours = (signer: Signer, made: Made = {}, list = lineOf(signer)) =>
    judgeTag(Buffer.from(payload + armoured(signer, Buffer.from(payload), made)), object, {
      name: 'v1',
      allowedSigners: list,
    });

  it('of every kind of key is good to ssh-keygen and to us, tokens included', async () => {
    for (const signer of everyKind())
      for (const hash of ['sha256', 'sha512'] as const) {
        expect(await isGood(armoured(signer, Buffer.from(payload), { hash }), lineOf(signer))).toBe(true);
        expect(ours(signer, { hash })).toMatchObject({
          isForged: false,
          principals: ['maintainer@example.org'],
        });
      }
  });

  it('of a kind that is too weak is refused by name', () => {
    const { untouched, short, sha1 } = weakKinds() as Record<'untouched' | 'short' | 'sha1', Signer>;
    expect(ours(untouched).signatureFault).toMatch(/nobody touched/);
    expect(ours(sha1).signatureFault).toMatch(/another type than its key/);
    expect(ours(short).listFault).toMatch(/^line 1 .* fewer than 2048 bits/);
  });

  it('of another form is refused by name', () => {
    const signer = ed25519();
    expect(ours(signer, { namespace: 'file' }).signatureFault).toMatch(/another purpose/);
    expect(ours(signer, { reserved: 'x' }).signatureFault).toMatch(/reserved field/);
    expect(ours(signer, { more: '\0\0\0\0' }).signatureFault).toMatch(/more or fewer fields/);
  });
});

describe('a list of allowed signers', () => {
  const signer = ed25519();
  const line = lineOf(signer);

  it.each([
    ['a principal that is taken out again', `!a@b,${line}`, /line 1 is not/],
    ['a principal in quotes', `"a b" ${line}`, /line 1 is not/],
    ['no principal', line.slice(line.indexOf(' ') + 1), /line 1/],
    ['the key of another type', line.replace('ssh-ed25519', 'ssh-rsa'), /line 1 has a key of another type/],
    ['a certificate', `a@b ssh-ed25519-cert-v01@openssh.com ${signer.blob.toString('base64')}`, /line 1/],
    ['a cut key', `${line}a@b ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==`, /line 2 is cut short/],
    ['a line that ends in CR', `${line.trimEnd()}\r\n`, /line 1 is not/],
    ['a 24th hour', line.replace(' ', ' valid-after="2026010124Z" '), /UTC/],
    [
      'no time between',
      line.replace(' ', ' valid-after="2026010110Z",valid-before="20260101Z" '),
      /UTC|no time/,
    ],
  ])('with %s is refused as a whole', (_what, text, why) => {
    expect(() => readAllowedSigners(text)).toThrow(why);
  });

  it('holds comments and empty lines', () => {
    expect(readAllowedSigners(`# one\n\n \t\n${line}#\n`)).toMatchObject([
      { principals: ['maintainer@example.org'] },
    ]);
  });
});
