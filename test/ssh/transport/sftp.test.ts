// SFTP against servers that misbehave: what is sent before they have proven themselves, and what is believed of them.
import { describe, expect, it } from 'vitest';
import type { ChannelEvents, Link } from '../../../src/ssh/transport/link.ts';
import { Sftp, SftpFault } from '../../../src/ssh/transport/sftp.ts';
import { Framer, stringOf, uint32, WireReader } from '../../../src/ssh/transport/wire.ts';

const INIT = '0000000501' + '00000003';
const version = (number: number): Buffer => stringOf(Buffer.concat([Buffer.of(2), uint32(number)]));
const answer = (type: number, id: number, ...content: readonly Buffer[]): Buffer =>
  stringOf(Buffer.concat([Buffer.of(type), uint32(id), ...content]));
const status = (id: number, code: number): Buffer =>
  answer(101, id, uint32(code), stringOf('no\u001b[2J'), stringOf(''));

type Serve = (type: number, id: number, say: (...bytes: readonly Buffer[]) => void) => void;

/** A link to a server that says `greeting` and then what `serve` makes of each request. */
function linkTo(greeting: Buffer, serve: Serve = () => {}): { readonly link: Link; readonly sent: Buffer[] } {
  const sent: Buffer[] = [];
  const never = (): never => {
    throw new Error('SFTP alone');
  };
  const link: Link = {
    isOpen: true,
    software: 'fake',
    closed: new Promise(() => {}),
    exec: never,
    forward: never,
    close: () => {},
    subsystem: async (_name: string, { data, closed }: ChannelEvents) => {
      const framer = new Framer(1_000_000);
      let isFirst = true;
      return {
        terminate: () => {},
        close: () => closed(undefined),
        write: (bytes) => {
          sent.push(bytes);
          if (isFirst) data(1, greeting);
          else
            framer.push(bytes, (message) => {
              const reader = new WireReader(message);
              const [type, id] = [reader.byte(), reader.uint32()];
              serve(type, id, (...said) => data(1, Buffer.concat(said)));
            });
          isFirst = false;
        },
      };
    },
  };
  return { link, sent };
}

describe('a server that has not answered our version', () => {
  it.each([
    ['says what it hears', Buffer.from(INIT, 'hex')],
    ['prints what a login file prints', Buffer.from('Welcome back!\n')],
    ['speaks another version', version(6)],
    ['answers what nobody asked', Buffer.concat([status(0, 0), version(3)])],
    ['sends less than a message', stringOf('')],
  ])('gets nothing but a constant when it %s', async (_what, greeting) => {
    const { link, sent } = linkTo(greeting);
    const sftp = await Sftp.open(link);
    await expect(sftp?.begun).rejects.toBeInstanceOf(SftpFault);
    await expect(sftp?.writeNew('secret-name', Buffer.from('secret'))).rejects.toBeInstanceOf(SftpFault);
    expect(Buffer.concat(sent).toString('hex')).toBe(INIT);
  });
});

describe('a server that answers wrongly', () => {
  const opened: Serve = (type, id, say) => {
    if (type === 17) say(answer(105, id, uint32(4), uint32(0o100_644)));
    if (type === 3) say(answer(102, id, stringOf('h')));
    if (type === 4 || type === 13) say(status(id, 0));
  };
  const read = async (serve: Serve): Promise<Buffer | undefined> => {
    const { link } = linkTo(version(3), (type, id, say) => {
      opened(type, id, say);
      serve(type, id, say);
    });
    const sftp = await Sftp.open(link);
    await sftp?.begun;
    return await sftp?.read('f', 100_000);
  };

  it('is read to the end of the file, in pieces that it chooses', async () => {
    const file = Buffer.from(Array.from({ length: 90_000 }, (_, at) => at % 251));
    const { link } = linkTo(version(3), opened);
    const sftp = await Sftp.open({
      ...link,
      subsystem: async (name, events) => {
        const channel = await link.subsystem(name, events);
        return (
          channel && {
            ...channel,
            write: (bytes) => {
              const reader = new WireReader(bytes.subarray(4));
              const [type, id] = [reader.byte(), reader.uint32()];
              if (type !== 5) return channel.write(bytes);
              reader.string();
              reader.uint32();
              const at = reader.uint32();
              const part = file.subarray(at, at + 10_000);
              events.data(1, part.length > 0 ? answer(103, id, stringOf(part)) : status(id, 1));
            },
          }
        );
      },
    });
    await sftp?.begun;
    expect((await sftp?.read('f', 100_000))?.equals(file)).toBe(true);
  });

  it.each<[string, Serve]>([
    [
      'sends more than it was asked for',
      (type, id, say) => type === 5 && say(answer(103, id, stringOf(Buffer.alloc(40_000)))),
    ],
    ['answers with another type', (type, id, say) => type === 5 && say(answer(102, id, stringOf('x')))],
    ['says that all is well instead of bytes', (type, id, say) => type === 5 && say(status(id, 0))],
    ['answers twice', (type, id, say) => type === 5 && say(status(id, 4), status(id, 4))],
    ['cuts its answer', (type, id, say) => type === 5 && say(answer(103, id, uint32(99)))],
    ['announces a huge message', (type, _id, say) => type === 5 && say(uint32(0x7fff_ffff))],
  ])('is no file when it %s', async (_what, serve) => {
    await expect(read(serve)).rejects.toBeInstanceOf(SftpFault);
  });

  it('of what it says nothing moves a cursor', async () => {
    const error = await read((type, id, say) => type === 5 && say(status(id, 4))).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as Error).message).toBe('no?[2J');
  });

  it('that sends without end is asked for no more than the bound', async () => {
    const bytes = await read(
      (type, id, say) => type === 5 && say(answer(103, id, stringOf(Buffer.alloc(32_768)))),
    );
    expect(bytes?.length).toBe(4 * 32_768); // the first piece that passes 100,000 bytes is the last
  });
});
