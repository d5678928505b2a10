// The release counter: what counts as a line, and that processes which count at once never set one another back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCounter, rememberRelease } from '../../../src/capacity/origin/release-counter.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'counter-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

describe('reading', () => {
  it.each([
    ['a torn line', `1 ${A}\n2 ab`],
    ['a leading zero', `01 ${A}\n`],
    ['an unsafe number', `9007199254740993 ${A}\n`],
    ['2^53', `9007199254740992 ${A}\n`],
    ['version 0', `0 ${A}\n`],
    ['a blank line', '\n'],
    ['capitals', `1 ${'A'.repeat(64)}\n`],
    ['a digest of 63 digits', `1 ${A.slice(1)}\n`],
    ['a digest of 65 digits', `1 ${A}a\n`],
    ['Windows lines', `1 ${A}\r\n`],
  ])('a counter with %s is refused', (_why, content) => {
    expect(() => readCounter(content)).toThrow(expect.objectContaining({ code: 'counter.malformed' }));
  });

  it('the highest line counts, and of two with one version the first', () => {
    expect(readCounter('')).toBeUndefined();
    expect(readCounter(`4 ${A}\n9 ${A}\n6 ${B}\n9 ${B}\n`)).toEqual({ version: 9, digest: A });
  });
});

describe('remembering', () => {
  it('writes each step once, for this user alone', async () => {
    const state = await scratch();
    for (const version of [4, 4, 9, 9]) await rememberRelease(state, 'c', { version, digest: A });
    expect(readFileSync(join(state, 'c'), 'utf8')).toBe(`4 ${A}\n9 ${A}\n`);
    expect(statSync(join(state, 'c')).mode & 0o777).toBe(0o600);
  });

  it('writes through no link', async () => {
    const state = await scratch();
    writeFileSync(join(state, 'elsewhere'), '');
    symlinkSync(join(state, 'elsewhere'), join(state, 'c'));
    await expect(rememberRelease(state, 'c', { version: 1, digest: A })).rejects.toThrow('ELOOP');
    expect(readFileSync(join(state, 'elsewhere'), 'utf8')).toBe('');
  });

  it('leaves no file open, whether it remembers or refuses (needs /proc)', async (context) => {
    const open = '/proc/self/fd';
    if (!existsSync(open)) context.skip('no /proc');
    const state = await scratch();
    const before = readdirSync(open).length;
    for (let version = 1; version <= 50; version++) await rememberRelease(state, 'c', { version, digest: A });
    for (let i = 0; i < 50; i++)
      await expect(rememberRelease(state, 'c', { version: 1, digest: A })).rejects.toThrow();
    expect(readdirSync(open).length).toBeLessThan(before + 50);
  });

  it.each([
    ['an older release', { version: 8, digest: A }],
    ['another model under the same version', { version: 9, digest: B }],
  ])('%s is overtaken, whatever the look had seen', async (_what, release) => {
    const state = await scratch();
    await rememberRelease(state, 'c', { version: 9, digest: A });
    await expect(rememberRelease(state, 'c', release)).rejects.toThrow(
      expect.objectContaining({ code: 'counter.overtaken' }),
    );
    expect(readFileSync(join(state, 'c'), 'utf8')).toBe(`9 ${A}\n`);
  });

  it('adds nothing to a line that was never ended', async () => {
    const state = await scratch();
    writeFileSync(join(state, 'c'), `9 ${A}\n10 ab`);
    await expect(rememberRelease(state, 'c', { version: 11, digest: A })).rejects.toThrow(
      expect.objectContaining({ code: 'counter.malformed' }),
    );
    expect(readFileSync(join(state, 'c'), 'utf8')).toBe(`9 ${A}\n10 ab`);
  });

  /** Starts processes that remember releases at once; each answers with the rounds in which it was let through. */
  async function race(state: string, rounds: number, releaseOf: string): Promise<number[][]> {
    const module = pathToFileURL(resolve('dist/capacity/origin/release-counter.js')).href;
    const script = `
      const { rememberRelease } = await import(${JSON.stringify(module)});
      const [state, me] = process.argv.slice(1);
      const releaseOf = ${releaseOf};
      process.stdout.write('ready ');
      await new Promise((go) => process.stdin.once('data', go));
      const passed = [];
      for (let round = 0; round < ${rounds}; round++) {
        try { await rememberRelease(state, 'r' + round, releaseOf(Number(me), round)); passed.push(round); }
        catch (error) { if (error.code !== 'counter.overtaken') throw error; }
      }
      process.stdout.write(JSON.stringify(passed));
      process.exit();`;
    const racers = [0, 1, 2, 3].map((me) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, state, String(me)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const answers = racers.map(async ({ stdout }) => {
      await once(stdout, 'readable');
      return () => text(stdout);
    });
    const rest = await Promise.all(answers);
    for (const { stdin } of racers) stdin.end('go');
    const outputs = await Promise.all(rest.map((read) => read()));
    return outputs.map((output) => JSON.parse(output.replace('ready ', '')) as number[]);
  }

  it('four processes, one version, four models: exactly one is let through', {
    timeout: 60_000,
  }, async () => {
    const state = await scratch();
    const rounds = 50;
    const passed = await race(state, rounds, '(me) => ({ version: 7, digest: String(me).repeat(64) })');
    expect(passed.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: rounds }, (_, round) => round));
    for (const [me, won] of passed.entries()) {
      for (const round of won) {
        const counted = readCounter(readFileSync(join(state, `r${round}`), 'utf8'));
        expect(counted).toEqual({ version: 7, digest: String(me).repeat(64) });
      }
    }
  });

  it('four processes, four versions: none is let through after a newer one', {
    timeout: 60_000,
  }, async () => {
    const state = await scratch();
    const rounds = 50;
    const passed = await race(
      state,
      rounds,
      '(me, round) => ({ version: 1 + ((me + round) % 4), digest: "c".repeat(64) })',
    );
    expect(await readdir(state)).toHaveLength(rounds);
    for (let round = 0; round < rounds; round++) {
      const lines = readFileSync(join(state, `r${round}`), 'utf8');
      expect(readCounter(lines)?.version).toBe(4); // the newest always gets through, and nobody sets it back
      const order = lines
        .trimEnd()
        .split('\n')
        .map((line) => Number(line.split(' ')[0]));
      for (const [me, won] of passed.entries()) {
        const version = 1 + ((me + round) % 4);
        if (!won.includes(round)) continue;
        expect(Math.max(...order.slice(0, order.indexOf(version) + 1))).toBe(version);
      }
    }
  });
});
