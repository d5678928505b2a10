// What a host says before its version line, in whatever packets it comes.
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import type { Link } from '../../../src/ssh/transport/link.ts';
import { reachThrough, softwareOf } from '../../../src/ssh/transport/reach.ts';
import { growthOf, LINEAR } from '../../growth.ts';

/** Reaches a host that says this, a byte a packet, and then nothing more, or hangs up. */
async function reached(text: string, end: boolean): Promise<Awaited<ReturnType<typeof reachThrough>>> {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  const link = { forward: async () => stream } as unknown as Link;
  const result = reachThrough(link, 'host', 22, AbortSignal.timeout(20_000));
  for (const byte of text) {
    stream.push(byte);
    await new Promise(setImmediate);
  }
  if (end) stream.destroy();
  return await result;
}

it('takes time in proportion to what a host says, also in packets of one byte', async () => {
  expect(await growthOf((size) => reached('x'.repeat(size), true), 7_500)).toBeLessThan(LINEAR);
});

it('finds the version line behind other lines, and gives the key exchange all that was said', async () => {
  const said = `hello\r\n${'y'.repeat(300)}\n\nSSH-2.0-Some_1.0 comment\r\n`;
  const found = await reached(`${said}more`, false);
  if (found.outcome !== 'reached') throw new Error(found.why);
  expect(softwareOf(found.socket)).toBe('Some_1.0 comment');
  let text = '';
  for (let bytes = found.socket.read(); bytes !== null; bytes = found.socket.read()) text += String(bytes);
  expect(text).toBe(`${said}more`);
});

it.each([
  ['SSH-2.0-no end', 'the host speaks another protocol than SSH: SSH-2.0-no end'],
  ['xSSH-2.0-a\r\n', 'the host speaks another protocol than SSH: xSSH-2.0-a'],
  ['Exceeded MaxStartups\r\n', 'the host closed the connection before the key exchange'],
  ['Not allowed at this time\r\n', expect.stringContaining('PerSourcePenalties')],
  ['', 'the host closed the connection before the key exchange'],
])('of a host that says %j and hangs up it says why', async (text, why) => {
  expect(await reached(text, true)).toEqual({ outcome: 'unreachable', why });
});
