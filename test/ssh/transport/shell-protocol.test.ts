// The marks are found wherever the stream is cut, in time that grows with its bytes alone, and a script and its input
// arrive in real shells as they were sent.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Mark,
  MarkReader,
  scriptMessage,
  startLine,
} from '../../../src/ssh/transport/shell-protocol.ts';
import { growthOf, LINEAR } from '../../growth.ts';

const NONCE = '0123456789abcdef0123456789abcdef';

function read(pieces: Iterable<Buffer>): { readonly text: string; readonly marks: readonly Mark[] } {
  const reader = new MarkReader(NONCE);
  const marks: Mark[] = [];
  const text: Buffer[] = [];
  const take = (bytes: Buffer): void => void text.push(bytes);
  for (const piece of pieces) reader.push(piece, take, (mark) => void marks.push(mark));
  reader.flush(take);
  return { text: Buffer.concat(text).toString('latin1'), marks };
}

describe('marks', () => {
  const stream = `noise\n${NONCE}\n\n${NONCE} begin 1\n\n${NONCE} go 1\nbody\n${NONCE} end x\n\n${NONCE} end 1 42\nrest\n${NONCE} e`;
  const text = `noise\n${NONCE}\nbody\n${NONCE} end x\nrest\n${NONCE} e`;

  it('are found wherever the stream is cut in two, and byte by byte', () => {
    const bytes = Buffer.from(stream);
    const cuts = Array.from({ length: bytes.length }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
    for (const pieces of [...cuts, Array.from(bytes, (byte) => Buffer.of(byte))]) {
      const found = read(pieces);
      expect(found.text).toBe(text);
      expect(found.marks.map(({ kind, code }) => [kind, code])).toEqual([
        ['begin', undefined],
        ['go', undefined],
        ['end', 42],
      ]);
    }
  });

  it('take nothing away from any other text', () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', NONCE, ' ', 'end 1', '\n\n', NONCE.slice(0, 9)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.nat(7), (parts, size) => {
        const bytes = Buffer.from(parts.join(''));
        const pieces = Array.from({ length: Math.ceil(bytes.length / (size + 1)) }, (_, at) =>
          bytes.subarray(at * (size + 1), (at + 1) * (size + 1)),
        );
        const found = read(pieces);
        if (found.marks.length === 0) expect(found.text).toBe(bytes.toString('latin1'));
      }),
    );
  });

  it.each([
    ['one byte at a time', (count: number) => Array.from({ length: count }, () => Buffer.from('x'))],
    [
      'newlines, each the start of a mark',
      (count: number) => Array.from({ length: count }, () => Buffer.from('\n')),
    ],
    [
      'almost a mark, again and again',
      (count: number) => Array.from({ length: count >> 2 }, () => Buffer.from(`\n${NONCE.slice(0, 31)}`)),
    ],
  ])('cost time in proportion to the stream: %s', async (_what, make) => {
    expect(await growthOf((count) => read(make(count)), 25_000)).toBeLessThan(LINEAR);
  });
});

const SHELLS = [
  ['/bin/sh'],
  ['/bin/bash'],
  ['/bin/bash', '--posix'],
  ['/bin/busybox', 'sh'],
  ['/bin/mksh'],
  ['/bin/ksh93'],
  ['/bin/posh'],
  ['/bin/yash'],
  ['/bin/zsh', '--emulate', 'sh'],
].filter(([path = '']) => existsSync(path));

describe.each(SHELLS.map((argv) => [argv.join(' '), argv] as const))('%s', (_name, argv) => {
  const run = (
    message: Buffer,
    env = process.env,
  ): { readonly stdout: string; readonly status: number | null } => {
    const [program = '', ...options] = argv;
    // As a login shell gets it, but for the program that stands for /bin/sh.
    const [, constant = ''] = /^exec \/bin\/sh -c '([^']*)' [0-9a-f]{32}$/.exec(startLine(NONCE)) ?? [];
    const { stdout, status } = spawnSync(program, [...options, '-c', constant, NONCE], {
      input: message,
      env,
    });
    return { stdout: stdout.toString('latin1'), status };
  };

  it('runs the script, feeds it the input, and says how it ended', () => {
    const script = `printf '%s' 'it'\\''s % \\ $x é'; cat; (exit 7)`;
    const { stdout } = run(
      scriptMessage(`/bin/sh -c ${JSON.stringify('cat; exit 7')}`, Buffer.from('a\nb\\0\n')),
    );
    expect(stdout).toContain(`\n${NONCE} go 1\na\nb\\0\n\n${NONCE} end 1 7\n`);
    const text = run(scriptMessage(script, undefined)).stdout;
    expect(Buffer.from(text, 'latin1').toString()).toContain(`it's % \\ $x é\n${NONCE} end 1 7\n`);
  });

  it('sends lines, quotes and what is expanded as they are, and gives the program no variable of its own', () => {
    const text = "it's\n'two' lines \\ \"$x\" `id` $(id) !! %s # * '";
    const quoted = `'${text.replaceAll("'", String.raw`'\''`)}'`;
    const script = `printf '%s\n' ${quoted} "$#"; printenv c s t guardrails_line`;
    const env = { ...process.env, c: '1', s: '2', t: '3' };
    const said = `${text}\n0\n1\n2\n3\n`;
    const { stdout } = run(scriptMessage(script, undefined), env);
    expect(stdout).toContain(`\n${NONCE} go 1\n${said}\n${NONCE} end 1 1\n`);
  });

  it('runs nothing of a script that was cut off', () => {
    const message = scriptMessage('echo ran', undefined);
    for (let length = (message.length - 1) % 31; length < message.length; length += 31) {
      const { stdout } = run(message.subarray(0, length));
      expect(stdout).toBe(`\n${NONCE} begin 1\n\n${NONCE} unread 1\n`);
    }
  });

  it('runs a script that has to be decoded, or says that it has not', () => {
    // Where printf is no command of the shell itself, PATH may have none, and a word may be too long for it.
    const message = scriptMessage(`: '${'é'.repeat(20_000)}'; (exit 7)`, undefined);
    const ends = [`go 1\n\n${NONCE} end 1 7`, 'unread 1'].map(
      (end) => `\n${NONCE} begin 1\n\n${NONCE} ${end}\n`,
    );
    for (const env of [{ ...process.env, PATH: '/none' }, process.env])
      expect(ends).toContain(run(message, env).stdout);
  });

  it('takes a script as long as any', () => {
    const word = 'a b'.repeat(43_000);
    const { stdout } = run(scriptMessage(`printf %s '${word}'`, undefined));
    expect(stdout).toContain(word);
  });
});

it('is given one line without a backslash, an exclamation mark or a newline', () => {
  expect(startLine(NONCE)).toMatch(/^exec \/bin\/sh -c '[^'\\!\n]+' [0-9a-f]{32}$/);
});
