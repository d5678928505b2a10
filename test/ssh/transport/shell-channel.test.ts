// What may be said of a script from what came back, and what was sent before the other side proved itself: nothing.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Deadline } from '../../../src/kernel/deadline.ts';
import type { ChannelEvents, Link } from '../../../src/ssh/transport/link.ts';
import type { RunResult } from '../../../src/ssh/transport/run-result.ts';
import { ShellChannel } from '../../../src/ssh/transport/shell-channel.ts';
import { growthOf, LINEAR } from '../../growth.ts';

/** A host that says what a test lets it say. */
class FakeHost implements Link {
  readonly isOpen = true;
  readonly software = 'fake';
  readonly closed = new Promise<void>(() => {});
  readonly log: string[] = [];
  nonce = '';
  events: ChannelEvents | undefined;
  close(): void {}
  forward(): never {
    throw new Error('no forwarding here');
  }
  async subsystem(): Promise<undefined> {
    return undefined;
  }
  async exec(line: string, events: ChannelEvents): ReturnType<Link['exec']> {
    this.nonce = line.slice(-32);
    this.events = events;
    return {
      write: () => void this.log.push('script'),
      terminate: () => void this.log.push('TERM'),
      close: () => void this.log.push('close'),
    };
  }
  says(stream: 1 | 2, ...parts: readonly string[]): void {
    for (const part of parts)
      this.events?.data(stream, Buffer.from(part.replaceAll('@', `\n${this.nonce} `)));
  }
}

async function play(
  before: (host: FakeHost) => void,
  after: (host: FakeHost) => void,
  maxOutputBytes = 1_000,
): Promise<{ readonly result: RunResult; readonly log: readonly string[] }> {
  const host = new FakeHost();
  const shell = await ShellChannel.open(host);
  before(host);
  const deadline = new Deadline({ timeoutMs: 10_000 });
  try {
    await shell.begun;
    const running = shell.run('true', undefined, { deadline, maxOutputBytes });
    after(host);
    return { result: await running, log: host.log };
  } finally {
    deadline.end();
  }
}
const begin = (host: FakeHost): void => {
  host.says(1, 'noise@begin 1\n');
  host.says(2, '@begin 2\n');
};

describe('before the begin mark', () => {
  it.each([
    ['the channel closes with a code', (host: FakeHost) => host.events?.closed(1)],
    ['the channel closes without one', (host: FakeHost) => host.events?.closed(undefined)],
    ['a login file prints without end', (host: FakeHost) => host.says(2, 'x'.repeat(2_000_000))],
    [
      'somebody shows a mark of another nonce',
      (host: FakeHost) => {
        host.says(1, `\n${'0'.repeat(32)} begin 1\n`);
        host.events?.closed(0);
      },
    ],
  ])('nothing is sent, and that is an error that says so: %s', async (_what, before) => {
    const host = new FakeHost();
    const shell = await ShellChannel.open(host);
    before(host);
    await expect(shell.begun).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
    expect(host.log).not.toContain('script');
  });
});

describe('once the script was sent', () => {
  it('an exit code on either stream is the exit code, and a stream without its mark is lost, not empty', async () => {
    const separate = await play(begin, (host) => {
      host.says(2, 'err', '@end 2 3\n');
      host.says(1, '@go 1\n', 'out', '@end 1 3\n');
    });
    expect(separate.result).toMatchObject({ outcome: 'exited', code: 3, lost: [] });
    expect([separate.result.stdout.toString(), separate.result.stderr.toString()]).toEqual(['out', 'err']);
    const deaf = await play(begin, (host) => {
      host.says(1, '@go 1\n', 'out', '@end 1 3\n');
      host.events?.closed(0);
    });
    expect(deaf.result).toMatchObject({ outcome: 'exited', code: 3, lost: ['stderr'] });
    const mute = await play(begin, (host) => {
      host.says(2, 'err', '@end 2 3\n');
      host.events?.closed(undefined);
    });
    expect(mute.result).toMatchObject({ outcome: 'exited', code: 3, lost: ['stdout'] });
    const merged = await play(begin, (host) => {
      host.says(1, '@go 1\n', 'both', '@end 1 3\n@end 2 3\n');
    });
    expect(merged.result).toMatchObject({ outcome: 'exited', code: 3, lost: ['stderr'] });
    expect(merged.result.stdout.toString()).toBe('both');
  });

  it('an end mark that comes alone is enough, even when the channel stays open', async () => {
    const { result } = await play(begin, (host) => host.says(1, '@go 1\n@end 1 0\n'));
    expect(result).toMatchObject({ outcome: 'exited', code: 0, lost: ['stderr'] });
  });

  it.each([
    ['no end mark and an exit status', '@go 1\nhalf', 0, 'no-exit-code', true],
    ['no end mark and no exit status', '@go 1\nhalf', undefined, 'link-lost', true],
    ['an end mark cut off in its code', '@go 1\nhalf@end 1 1', undefined, 'link-lost', true],
    ['no mark at all', '', 0, 'no-exit-code', false],
    ['a mark without a code', '@go 1\n@end 1\n', 0, 'no-exit-code', true],
  ] as const)('the outcome is unknown with %s', async (_what, out, status, cause, started) => {
    const { result } = await play(begin, (host) => {
      host.says(1, out);
      host.events?.closed(status);
    });
    expect(result).toMatchObject({ outcome: 'unknown', cause, started });
  });

  it('it never ran if our own shell says that it could not read it', async () => {
    const refused = play(begin, (host) => host.says(1, '@unread 1\n'));
    await expect(refused).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
    const forged = await play(begin, (host) => {
      host.says(1, '@go 1\n@unread 1\n');
      host.events?.closed(0);
    });
    expect(forged.result).toMatchObject({ outcome: 'unknown', started: true });
    // Where \`go\` is lost with its stream, the other stream proves nothing.
    const elsewhere = await play(begin, (host) => {
      host.says(2, '@unread 1\n');
      host.events?.closed(0);
    });
    expect(elsewhere.result).toMatchObject({ outcome: 'unknown', started: false });
  });

  it('it is ended beyond the limit of output, and what came first is kept', async () => {
    const { result, log } = await play(begin, (host) =>
      host.says(1, '@go 1\n', 'x'.repeat(900), 'x'.repeat(900)),
    );
    expect(result).toMatchObject({ outcome: 'unknown', cause: 'output-limit', lost: ['stdout', 'stderr'] });
    expect(result.stdout.length).toBeGreaterThan(900);
    expect(log).toEqual(['script', 'TERM', 'close']);
  });

  it.each([
    [1, '@go 1\n'],
    [2, '@begin 2\n'],
    [2, '@go 2\n'],
  ] as const)('the limit on stream %d counts on where a host says %j again', async (stream, again) => {
    const { result } = await play(begin, (host) => {
      host.says(1, '@go 1\n');
      for (let part = 0; part < 4; part++) host.says(stream, 'x'.repeat(900), again);
      host.events?.closed(undefined);
    });
    expect(result).toMatchObject({ outcome: 'unknown', cause: 'output-limit' });
  });
});

it('keeps nothing of what a host sends on after its channel was closed', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const host = new FakeHost();
  const shell = await ShellChannel.open(host);
  begin(host);
  await shell.begun;
  const deadline = new Deadline({ timeoutMs: 10_000 });
  const running = shell.run('true', undefined, { deadline, maxOutputBytes: 1_000 });
  const send = (): WeakRef<object> => {
    const bytes = Buffer.alloc(1_000_000, 'x');
    host.events?.data(1, bytes);
    return new WeakRef(bytes.buffer); // what a view of any part of it keeps
  };
  host.says(1, '@go 1\n');
  send();
  expect(await running).toMatchObject({ outcome: 'unknown', cause: 'output-limit' });
  deadline.end();
  expect(host.log).toEqual(['script', 'TERM', 'close']);
  const late = Array.from({ length: 20 }, send);
  await new Promise((resolve) => void setImmediate(resolve));
  collect();
  const kept = late.filter((each) => each.deref() !== undefined).length;
  host.events?.closed(undefined); // until here somebody holds on to the shell
  expect(kept).toBe(0);
});

it('takes time in proportion to its output', async () => {
  const receive = async (size: number): Promise<void> => {
    await play(
      begin,
      (host) => {
        const chunk = Buffer.alloc(4_096, 'x');
        host.says(1, '@go 1\n');
        for (let at = 0; at < size; at += chunk.length) host.events?.data(1, chunk);
        host.events?.closed(undefined);
      },
      1e9,
    );
  };
  expect(await growthOf(receive, 2e6)).toBeLessThan(LINEAR);
});
