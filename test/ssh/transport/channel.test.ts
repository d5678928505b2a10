// What comes back over a channel, cut into pieces at every place: the marks are found, the body is exact, and what is
// not between the marks is no answer.
import { EventEmitter } from 'node:events';
import type { ClientChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { jobOf, runScript } from '../../../src/ssh/transport/channel.ts';
import { Deadline } from '../../../src/ssh/transport/deadline.ts';
import type { RunResult } from '../../../src/ssh/transport/run-result.ts';

class FakeChannel extends EventEmitter {
  readonly stderr = new EventEmitter();
  readonly sent: string[] = [];
  write(bytes: Buffer): void {
    this.sent.push(bytes.toString());
  }
  signal(name: string): void {
    this.sent.push(name);
  }
  close(): void {
    this.sent.push('close');
  }
}

interface Play {
  readonly out: (nonce: string) => string;
  readonly err?: (nonce: string) => string;
  readonly closes?: number;
  /** Where standard output is cut in two; everywhere when absent. */
  readonly cut?: number;
}

async function play({ out, err = marks(''), closes, cut }: Play, maxOutputBytes = 1_000): Promise<RunResult> {
  const channel = new FakeChannel();
  const job = jobOf('true', undefined);
  const deadline = new Deadline();
  const running = runScript(channel as unknown as ClientChannel, job, { deadline, maxOutputBytes }, () => {});
  const bytes = Buffer.from(out(job.nonce));
  channel.stderr.emit('data', Buffer.from(err(job.nonce)));
  const pieces =
    cut === undefined
      ? Array.from(bytes, (byte) => Buffer.of(byte))
      : [bytes.subarray(0, cut), bytes.subarray(cut)];
  for (const piece of pieces) channel.emit('data', piece);
  channel.emit('close', closes);
  deadline.end();
  return running;
}
const marks =
  (body: string, code = 0) =>
  (nonce: string): string =>
    `noise of a login file\n${nonce}\n\n${nonce} begin\n${body}\n${nonce} end ${code}\n`;

describe('the answer', () => {
  it('is exact, wherever the stream is cut', async () => {
    const body = 'a\n0123 end 7\nb';
    const length = Buffer.byteLength(marks(body, 42)('n'.repeat(32)));
    const cuts = [undefined, ...Array.from({ length }, (_, index) => index)];
    for (const cut of cuts) {
      const result = await play({ out: marks(body, 42), ...(cut === undefined ? {} : { cut }) });
      expect(result).toMatchObject({ outcome: 'exited', code: 42 });
      expect(result.stdout.toString()).toBe(body);
    }
  });

  it.each([
    ['no end mark and an exit code', (n: string) => `\n${n} begin\nhalf`, 0, 'no-exit-code'],
    ['no end mark and no exit code', (n: string) => `\n${n} begin\nhalf`, undefined, 'link-lost'],
    [
      'an end mark cut off in its code',
      (n: string) => `\n${n} begin\nhalf\n${n} end 1`,
      undefined,
      'link-lost',
    ],
    ['nothing at all', () => '', undefined, 'link-lost'],
  ] as const)('is unknown with %s', async (_what, out, closes, cause) => {
    const play1 = { out, err: () => '', ...(closes === undefined ? {} : { closes }) };
    expect(await play(play1)).toMatchObject({ outcome: 'unknown', cause });
  });

  it('is a refusal when the channel closes with a code before our shell spoke', async () => {
    const mute = play({ out: () => 'This account is currently not available.\n', err: () => '', closes: 1 });
    await expect(mute).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
  });

  it('is cut off beyond the limit, and what came first is kept', async () => {
    const result = await play({ out: marks('x'.repeat(2_000)), cut: 1_500 });
    expect(result).toMatchObject({ outcome: 'unknown', cause: 'output-limit' });
    expect(result.stdout.length).toBeGreaterThan(1_000);
  });
});

it('takes time in proportion to its output', async () => {
  const once = async (size: number): Promise<number> => {
    const channel = new FakeChannel();
    const job = jobOf('true', undefined);
    const deadline = new Deadline();
    const options = { deadline, maxOutputBytes: 1e9 };
    const running = runScript(channel as unknown as ClientChannel, job, options, () => {});
    const chunk = Buffer.alloc(4_096, 'x');
    channel.emit('data', Buffer.from(`\n${job.nonce} begin\n`));
    const start = performance.now();
    for (let at = 0; at < size; at += chunk.length) channel.emit('data', chunk);
    const took = performance.now() - start;
    channel.emit('close', undefined);
    await running;
    deadline.end();
    return took;
  };
  await once(4e6);
  const best = async (size: number): Promise<number> =>
    Math.min(await once(size), await once(size), await once(size));
  const [small, large] = [await best(4e6), await best(64e6)];
  expect(large / small).toBeLessThan(64); // 16 when linear, 256 when quadratic
});
