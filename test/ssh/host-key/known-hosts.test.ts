// The known_hosts verifier against two oracles: `ssh-keygen -F` line by line, and what real ssh decides.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decideHostKey,
  entriesFor,
  type HostKeyVerdict,
  hostKeyOf,
  parseKnownHosts,
} from '../../../src/ssh/host-key/known-hosts.ts';
import { knownHostsName, matchesHosts } from '../../../src/ssh/host-key/known-hosts-match.ts';
import { type LoopbackSshd, startSshd } from '../../e2e/loopback-sshd.ts';
import { missing, runProgram } from '../support.ts';

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
const tail = fc.constantFrom('', '', ' a comment', '\r', ' x\r', '\t#');
const marker = fc.constantFrom(
  '',
  '',
  '',
  '',
  '@revoked ',
  '@cert-authority  ',
  '@revoked @revoked ',
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

const VERDICTS = ['changed', 'known', 'needs-certificate', 'other-type', 'revoked', 'unknown'];

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

  it('costs at most quadratic time, whatever its stars', () => {
    const steps = (n: number): number => {
      const start = process.hrtime.bigint();
      matchesHosts('a'.repeat(n), `${'*a'.repeat(200)}*b`);
      return Number(process.hrtime.bigint() - start);
    };
    steps(500);
    const [small = 1, large = 1] = [1000, 4000].map((n) => Math.min(...[1, 2, 3].map(() => steps(n))));
    expect(large / small).toBeLessThan(64); // 16 when quadratic
  });
});

// ssh skips a marker that a tab follows when the line holds a blank further on. A revocation is too dear to lose to that.
it('honours a revocation whose marker is followed by a tab', () => {
  const [entry] = parseKnownHosts(`@revoked\th ${OTHER_KEYS[0]}`, 'f');
  expect(entry?.marker).toBe('revoked');
});

describe.skipIf(missing('ssh-keygen'))('look-up', () => {
  it('finds exactly the lines that ssh-keygen -F finds', { timeout: 120_000 }, async () => {
    const wanted = fc.record({ text: fileOf(OTHER_KEYS), name: fc.constantFrom(...NAMES) });
    await fc.assert(
      fc.asyncProperty(wanted, async ({ text, name }) => {
        await writeFile(file, text, 'latin1');
        const { stdout } = await runProgram('ssh-keygen', ['-l', '-F', name, '-f', file]);
        const theirs = [...stdout.matchAll(/found: line ([0-9]+)/g)].map(([, line]) => Number(line));
        const ours = entriesFor(name, parseKnownHosts(text, file)).map(({ line }) => line);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 400 },
    );
  });
});

describe.skipIf(missing('sshd', 'ssh', 'ssh-keygen'))('decision', () => {
  let sshd: LoopbackSshd;
  beforeAll(async () => {
    sshd = await startSshd({ types: ['ed25519'], outdated: false });
  });
  afterAll(() => sshd.stop());

  const decide = (name: string, text: string): HostKeyVerdict['verdict'] => {
    const key = hostKeyOf(Buffer.from(sshd.keys[0]?.split(' ')[1] ?? '', 'base64'));
    if (!key) throw new Error('no host key');
    return decideHostKey(key, entriesFor(name, parseKnownHosts(text, file))).verdict;
  };

  it('is the decision of ssh with StrictHostKeyChecking=yes', { timeout: 240_000 }, async () => {
    const hosts = fc.constantFrom(['a.example', 22], ['a.example', 2222], ['10.0.0.7', 22], ['::1', 2222]);
    const verdicts = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fileOf([...sshd.keys, ...sshd.keys, ...OTHER_KEYS]),
        hosts,
        async (text, [host, port]) => {
          await writeFile(file, text, 'latin1');
          const options = {
            ProxyCommand: sshd.command.join(' '),
            UserKnownHostsFile: file,
            GlobalKnownHostsFile: '/dev/null',
            StrictHostKeyChecking: 'yes',
            BatchMode: 'yes',
            PreferredAuthentications: 'none',
            KexAlgorithms: 'curve25519-sha256',
            LogLevel: 'INFO',
          };
          const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
          const answer = await runProgram('ssh', [
            '-F',
            'none',
            ...flags,
            '-p',
            `${port}`,
            `${host}`,
            'true',
          ]);
          const accepted = answer.stderr.includes('Permission denied');
          expect(accepted || answer.stderr.includes('verification failed')).toBe(true);
          const strict = decide(knownHostsName(`${host}`, Number(port)), text);
          verdicts.set(strict, (verdicts.get(strict) ?? 0) + 1);
          // ssh looks again without the port when nothing was found with it. Strict means that we do not.
          const lenient =
            strict === 'unknown' || strict === 'needs-certificate' ? decide(`${host}`, text) : strict;
          expect(accepted).toBe(lenient === 'known');
        },
      ),
      { numRuns: 250 },
    );
    expect([...verdicts.keys()].sort()).toEqual(VERDICTS); // or the generator has gone blind
  });
});
