// The known_hosts verifier against two oracles: `ssh-keygen -F` line by line, and what real ssh decides.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entriesFor, parseKnownHosts } from '../../../src/ssh/host-key/known-hosts.ts';
import { knownHostsName, matchesHosts } from '../../../src/ssh/host-key/known-hosts-match.ts';
import { type LoopbackSshd, startSshd } from '../../e2e/loopback-sshd.ts';
import { growthOf, LINEAR } from '../../growth.ts';
import { leftOut } from '../../left-out.ts';
import { missing, runProgram } from '../support.ts';
import { askSsh, decide, isNoWeaker } from './real-ssh.ts';

const OTHER_KEYS = [
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZFsvbE3x3i9RnoGe9hgIUwg7FuW5PDqieiU+LzZ6Qu',
  'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDo35lrQ9tjwu9ULRbvS7MVcZWYYPkiXgIlte7JRvcOUj4cTKfW6BRAcnTkqy3nSjlfjxNtAHydHdretwyj9dJw=',
];
// ssh-keygen -H of `a.example` and `[a.example]:2222`, so that the hash is not of our own making.
const HASHED: string[] = [];
const NAMES = ['a.example', '[a.example]:2222', 'b.example', '10.0.0.7', '::1', '[::1]:2222'];
const patterns = fc.constantFrom(
  ...NAMES,
  '*',
  '*.example',
  '?.example',
  'A.EXAMPLE',
  '10.0.0.*',
  '[a.example]:*',
  '',
);
const hostField = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom('', '', '', '!'), patterns), { minLength: 1, maxLength: 3 })
      .map((items) => items.map(([not, pattern]) => not + pattern).join(',')),
  },
  { weight: 2, arbitrary: fc.nat(3).map((index) => HASHED[index] ?? '|1|x|y') },
  { weight: 1, arbitrary: fc.constantFrom('|2|abc|def', '|1|abc', '|1||', '#x', ',', '!') },
);
const blank = fc.constantFrom(' ', ' ', '\t', '  ');
const lead = fc.constantFrom('', '', '', ' ', '\t');
const tail = fc.constantFrom(
  '',
  '',
  '',
  ' a comment',
  '\r',
  ' x\r',
  '\t#',
  '\v',
  '\f',
  ' x\r@revoked * ssh-rsa x',
  '\0 x',
);
const marker = fc.constantFrom(
  '',
  '',
  '',
  '',
  '@revoked ',
  '@cert-authority  ',
  '@revoked @revoked ',
  '@REVOKED ',
  '@revoked\t',
  '\u00ef\u00bb\u00bf@revoked ',
  '@other ',
  '@',
);
const broken = (key: string): string[] => [
  key.slice(0, -6),
  `${key.split(' ')[0]}`,
  key.replace('ssh-', 'ssx-'),
];
const fileOf = (keys: readonly string[]): fc.Arbitrary<string> => {
  const key = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...keys) },
    { weight: 1, arbitrary: fc.constantFrom(...keys.flatMap(broken)) },
  );
  const line = fc.tuple(lead, marker, hostField, blank, key, tail).map((parts) => parts.join(''));
  const other = fc.constantFrom('', '# comment', '   ', 'a.example', 'a.example ssh-ed25519', '\0', 'x\0y z');
  return fc
    .array(fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: other }), { maxLength: 6 })
    .map((lines) => `${lines.join('\n')}\n`);
};

const VERDICTS = ['changed', 'known', 'needs-certificate', 'other-type', 'revoked', 'unclear', 'unknown'];

let directory = '';
let file = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'known-hosts-'));
  file = join(directory, 'known_hosts');
  await writeFile(
    file,
    ['a.example', '[a.example]:2222', '::1'].map((n) => `${n} ${OTHER_KEYS[0]}\n`).join(''),
  );
  await runProgram('ssh-keygen', ['-H', '-f', file]);
  const { stdout } = await runProgram('cat', [file]);
  HASHED.push(...stdout.split('\n').map((line) => line.split(' ')[0] ?? ''));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a host field', () => {
  it.each([
    ['names the host', 'h', 'h', true],
    ['folds case', 'host', 'HOST', true],
    ['vetoes on a negated hit, wherever it stands', 'h', '*,!h', false],
    ['is not matched by negation alone', 'h', '!x', false],
    ['does not give a port to a bare name', '[h]:2222', 'h', false],
    ['is hopeless beyond the length ssh keeps', 'h', `h,${'x'.repeat(1023)}`, false],
    ['is hopeless when the hash is of a kind nobody knows', 'h', '|2|AAAA|AAAA', false],
  ])('%s', (_why, name, field, expected) => {
    expect(matchesHosts(name, field)).toBe(expected);
  });

  it('costs time that grows with the name, whatever the stars', async () => {
    const match = (size: number): boolean => matchesHosts('a'.repeat(size), `${'*a'.repeat(200)}*b`);
    expect(await growthOf(match, 4_000)).toBeLessThan(LINEAR);
  });
});

// ssh skips a marker that a tab follows when the line holds a blank further on. A revocation is too dear to lose to that.
it('honours a revocation whose marker is followed by a tab', () => {
  const [entry] = parseKnownHosts(`@revoked\th ${OTHER_KEYS[0]}`, 'f');
  expect(entry?.marker).toBe('revoked');
});

describe('look-up', leftOut(missing('ssh-keygen')), () => {
  it('finds exactly the lines that ssh-keygen -F finds', { timeout: 120_000 }, async () => {
    const wanted = fc.record({ text: fileOf(OTHER_KEYS), name: fc.constantFrom(...NAMES) });
    await fc.assert(
      fc.asyncProperty(wanted, async ({ text, name }) => {
        await writeFile(file, text, 'latin1');
        const { stdout } = await runProgram('ssh-keygen', ['-l', '-F', name, '-f', file]);
        const theirs = [...stdout.matchAll(/found: line ([0-9]+)/g)].map(([, line]) => Number(line));
        const found = entriesFor(name, parseKnownHosts(text, file));
        // What may revoke is found where ssh-keygen skips the line, too.
        const lines = new Set(found.map(({ line }) => line));
        const sure = found.filter(({ marker }) => marker === 'none' || marker === 'cert-authority');
        expect(theirs.filter((line) => !lines.has(line))).toEqual([]);
        expect(sure.map(({ line }) => line).filter((line) => !theirs.includes(line))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});

describe('decision', leftOut(missing('sshd', 'ssh', 'ssh-keygen')), () => {
  let sshd: LoopbackSshd;
  beforeAll(async () => {
    sshd = await startSshd({ types: ['ed25519'], outdated: false });
  });
  afterAll(() => sshd.stop());

  const ask = (host: string, port: number): ReturnType<typeof askSsh> => askSsh(sshd, file, host, port);
  const decided = (name: string, text: string, host: string, port = 22): string =>
    decide(sshd, name, text, host, port);

  it('is the decision of ssh with StrictHostKeyChecking=yes', { timeout: 240_000 }, async () => {
    const hosts = fc.constantFrom(['a.example', 22], ['a.example', 2222], ['10.0.0.7', 22], ['::1', 2222]);
    const verdicts = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fileOf([...sshd.keys, ...sshd.keys, ...OTHER_KEYS]),
        hosts,
        async (text, [host, port]) => {
          await writeFile(file, text, 'latin1');
          const [name, to] = [`${host}`, Number(port)];
          const theirs = await ask(name, to);
          const strict = decided(knownHostsName(name, to), text, name, to);
          verdicts.add(strict);
          expect([theirs, strict, isNoWeaker(sshd, theirs, text, name, to)]).toEqual([theirs, strict, true]);
        },
      ),
      // A key that changed is rare among lines put together by chance.
      { numRuns: 250, examples: [[`a.example ${OTHER_KEYS[0]}\n`, ['a.example', 22]]] },
    );
    expect([...verdicts].sort()).toEqual(VERDICTS); // or the generator has gone blind
  });

  describe('refuses a key that is on file, beside a line', () => {
    const KEY = 'KEY'; // stands for the type and the key of the host
    const HASH = Buffer.alloc(20, 7).toString('base64');
    it.each([
      ['that revokes it', `@revoked a.example ${KEY}`, 'revoked'],
      ['with a tab behind the marker', `@revoked\ta.example\t${KEY}`, 'revoked'],
      ['with every blank there is', ` \t@revoked  a.example \t ${KEY} comment`, 'revoked'],
      ['with a carriage return behind the key', `@revoked a.example ${KEY}\r`, 'revoked'],
      ['with a vertical tab behind the key', `@revoked a.example ${KEY}\v`, 'revoked'],
      ['with a form feed behind the key', `@revoked a.example ${KEY}\f`, 'revoked'],
      ['with a NUL behind the key', `@revoked a.example ${KEY}\0x`, 'revoked'],
      ['for every host', `@revoked * ${KEY}`, 'revoked'],
      ['for a pattern', `@revoked ?.EXAMPLE ${KEY}`, 'revoked'],
      ['for one of many hosts', `@revoked ${'h,'.repeat(5_000)}a.example ${KEY}`, 'revoked'],
      ['that revokes its certificate', '@revoked a.example CERT', 'revoked'],
      ['in capitals', `@REVOKED a.example ${KEY}`, 'unclear'],
      ['behind a byte order mark', `\u00ef\u00bb\u00bf@revoked a.example ${KEY}`, 'unclear'],
      ['behind a NUL', `\0@revoked a.example ${KEY}`, 'unclear'],
      ['behind a bare carriage return', `# Macintosh\r@revoked a.example ${KEY}\r`, 'unclear'],
      ['behind another line and a bare carriage return', `b ${KEY}\r@revoked a.example ${KEY}\r`, 'unclear'],
      ['with two markers', `@revoked @cert-authority a.example ${KEY}`, 'unclear'],
      ['with a type that is another', '@revoked a.example ssh-rsa BLOB', 'unclear'],
      ['with a type in capitals', '@revoked a.example SSH-ED25519 BLOB', 'unclear'],
      ['with a bit count', `@revoked a.example 256 ${KEY}`, 'unclear'],
      ['with a blank inside the key', '@revoked a.example ssh-ed25519 SPLIT', 'unclear'],
      ['with a key cut off', '@revoked a.example ssh-ed25519 SHORT', 'unclear'],
      ['with nothing but the marker', '@revoked', 'unclear'],
      ['with a host field that cannot be read', `@revoked |2|x|y ${KEY}X`, 'unclear'],
      ['without a host field', `@revoked ${KEY}`, 'unclear'],
      ['for a host hashed in another way', `@revoked |2|${HASH}|${HASH} ${KEY}`, 'revoked'],
      ['for a hashed host whose salt is cut', `@revoked |1|${HASH.slice(4)}|${HASH} ${KEY}`, 'revoked'],
      ['for two hashed hosts', `@revoked |1|${HASH}|${HASH},|1|${HASH}|${HASH} ${KEY}`, 'revoked'],
      ['for a hashed host in a list', `@revoked b,|1|${HASH}|${HASH} ${KEY}`, 'revoked'],
      ['beside a pattern that ssh gives up on', `@revoked a.example,${'h'.repeat(1_100)} ${KEY}`, 'revoked'],
    ])('%s', { timeout: 30_000 }, async (_what, line, verdict) => {
      const [type, blob = ''] = (sshd.keys[0] ?? '').split(' ');
      const text = `a.example ${type} ${blob}\n${line}\n`
        .replaceAll('KEY', `${type} ${blob}`)
        .replaceAll('CERT', await certificate())
        .replaceAll('BLOB', blob)
        .replaceAll('SPLIT', `${blob.slice(0, 20)} ${blob.slice(20)}`)
        .replaceAll('SHORT', blob.slice(0, -8));
      await writeFile(file, text, 'latin1');
      const theirs = await ask('a.example', 22);
      expect([verdict, theirs]).not.toEqual(['unclear', 'revoked']); // or ssh reads what we do not
      expect(decided('a.example', text, 'a.example')).toBe(verdict);
      const other = text.replaceAll('a.example', 'c.example,a.example');
      expect(decided('c.example', other, 'c.example')).toBe(verdict);
    });

    /** The certificate of the server's key, from an authority made for the occasion. */
    const certificate = async (): Promise<string> => {
      const [ca, key] = [join(directory, 'ca'), join(directory, 'key.pub')];
      if (!existsSync(ca)) {
        await writeFile(key, `${sshd.keys[0]}\n`);
        await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', ca]);
        await runProgram('ssh-keygen', ['-q', '-s', ca, '-I', 'x', '-h', '-n', 'a.example', key]);
      }
      const text = await readFile(join(directory, 'key-cert.pub'), 'utf8');
      return text.split(' ', 2).join(' ').trim();
    };

    it.each(['127.0.0.1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])('however %s is spelt', (host) => {
      const key = sshd.keys[0];
      const revoked = host.includes('127') ? '127.0.0.1' : '::1';
      const name = knownHostsName(host, 22);
      expect(decided(name, `${name} ${key}\n@revoked ${revoked} ${key}\n`, host)).toBe('revoked');
    });
  });

  it('of an address is made in the spelling that ssh asks for', { timeout: 60_000 }, async () => {
    const [key] = sshd.keys;
    for (const host of [
      '0:0:0:0:0:0:0:1',
      '0::1',
      '2001:DB8::0:1',
      '::FFFF:7F00:1',
      '127.0.0.1',
      'H.Example',
    ]) {
      await writeFile(file, `${knownHostsName(host, 22)} ${key}\n`);
      expect([host, await ask(host, 22)]).toEqual([host, 'accepted']);
    }
  });
});
