// One channel of the connection protocol beside a host that does what it should, and one that does not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MuxChannel } from '../../../src/ssh/transport/mux-channel.ts';
import { stringOf, uint32, WireReader } from '../../../src/ssh/transport/wire.ts';

const [CONFIRMATION, FAILURE, ADJUST, DATA, CLOSE] = [91, 92, 93, 94, 97];

/** A channel, what it sent as [type, content], and what it was told. */
function start(reads = true): {
  readonly channel: MuxChannel;
  readonly sent: [number, Buffer][];
  readonly told: string[];
  readonly say: (type: number, ...content: readonly Buffer[]) => void;
} {
  const sent: [number, Buffer][] = [];
  const told: string[] = [];
  const channel = new MuxChannel(3, (type, body) => void sent.push([type, body]), {
    data: (stream, bytes) => {
      told.push(`${stream}:${bytes.length}`);
      return reads;
    },
    ended: () => void told.push('ended'),
    closed: (status) => void told.push(`closed ${status}`),
  });
  const say = (type: number, ...content: readonly Buffer[]): void =>
    channel.receive(type, new WireReader(Buffer.concat(content)));
  return { channel, sent, told, say };
}
const opened = (room: number, packet: number): readonly Buffer[] => [uint32(9), uint32(room), uint32(packet)];

describe('a channel', () => {
  it('sends no more than the host has room for, in messages as long as it takes', async () => {
    const { channel, sent, say } = start();
    const opening = channel.open('session');
    say(CONFIRMATION, ...opened(10, 4));
    await opening;
    let done = false;
    channel.write(Buffer.alloc(12), () => {
      done = true;
    });
    const lengths = (): readonly number[] =>
      sent.filter(([type]) => type === DATA).map(([, body]) => body.length - 8);
    expect([lengths(), done]).toEqual([[4, 4, 2], false]);
    say(ADJUST, uint32(100));
    expect([lengths(), done]).toEqual([[4, 4, 2, 2], true]);
    expect(sent.filter(([type]) => type === DATA).every(([, body]) => body.readUInt32BE() === 9)).toBe(true);
  });

  it('is told the status of its end once, and answers a close with one', async () => {
    const { channel, sent, told, say } = start();
    const opening = channel.open('session');
    say(CONFIRMATION, ...opened(10, 4));
    await opening;
    say(98, stringOf('exit-status'), Buffer.of(0), uint32(7));
    say(CLOSE);
    say(CLOSE);
    channel.lost();
    expect(told).toEqual(['closed 7']);
    expect(sent.filter(([type]) => type === CLOSE)).toHaveLength(1);
  });

  it('that is refused or lost rejects whoever waits', async () => {
    const refused = start();
    const opening = refused.channel.open('session');
    refused.say(FAILURE, uint32(2), stringOf('no'), stringOf(''));
    await expect(opening).rejects.toThrow('reason 2');
    const lost = start();
    const waiting = lost.channel.open('session');
    lost.channel.lost();
    await expect(waiting).rejects.toThrow('gone');
    await expect(lost.channel.request('exec', stringOf('x'))).rejects.toThrow('gone');
  });

  it('takes no more than it granted from a host that does not wait', () => {
    const { told, say, channel } = start(false);
    const piece = Buffer.alloc(32_768);
    for (let sent = 0; sent < 2 * 1024 * 1024; sent += piece.length) say(DATA, stringOf(piece));
    expect(() => say(DATA, stringOf(Buffer.of(0)))).toThrow(RangeError);
    const before = told.length;
    channel.consumed(2 * 1024 * 1024);
    say(DATA, stringOf(piece));
    expect(told).toHaveLength(before + 1);
  });

  it('throws nothing but RangeError, whatever a host sends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 90, max: 101 }), fc.uint8Array({ maxLength: 40 }))),
        (messages) => {
          const { channel, say, told } = start();
          channel.open('session').catch(() => {});
          for (const [type, content] of messages) {
            try {
              say(type, Buffer.from(content));
            } catch (error) {
              if (!(error instanceof RangeError)) throw error;
            }
          }
          channel.lost();
          expect(told.filter((each) => each.startsWith('closed'))).toHaveLength(1);
        },
      ),
    );
  });
});
