// The agent that ssh is given: nothing before it is released, and no signature for another session.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HoldingAgent } from '../../../src/ssh/transport/openssh-agent.ts';
import { Framer, stringOf, uint32, WireReader } from '../../../src/ssh/transport/wire.ts';

const [LIST, SIGN, EXTENSION] = [11, 13, 27];
const [FAILURE, SUCCESS, IDENTITIES, SIGNATURE] = [5, 6, 12, 14];
const SESSION = Buffer.from('session');
const BLOB = Buffer.from('key');

let directory = '';
let agent: HoldingAgent;
let socket: Socket;
const answers: Buffer[] = [];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'agent-'));
  agent = await HoldingAgent.listen(join(directory, 'a'));
  answers.length = 0;
  const framer = new Framer(65_536);
  socket = connect(join(directory, 'a')).on('error', () => {});
  socket.on('data', (chunk) => framer.push(chunk, (answer) => void answers.push(Buffer.from(answer))));
});
afterEach(() => {
  socket.destroy();
  agent.close();
  rmSync(directory, { recursive: true });
});

const ask = async (...message: readonly Buffer[]): Promise<Buffer> => {
  const index = answers.length;
  socket.write(stringOf(Buffer.concat(message)));
  await expect.poll(() => answers.length).toBe(index + 1);
  return answers[index] as Buffer;
};
const bind = (session = SESSION): Buffer =>
  Buffer.concat([
    Buffer.of(EXTENSION),
    stringOf('session-bind@openssh.com'),
    stringOf('host key'),
    stringOf(session),
    stringOf('signature'),
    Buffer.of(0),
  ]);
const signing = (session: Buffer, blob = BLOB): readonly Buffer[] => [
  Buffer.of(SIGN),
  stringOf(blob),
  stringOf(Buffer.concat([stringOf(session), Buffer.from('request')])),
  uint32(0),
];
const sign = async (data: Buffer): Promise<Buffer> => Buffer.from(`signed ${data.length}`);
const identity = { name: 'the key', blob: BLOB, sign };

it('tells the key of the host at once, and lists nothing before it is released', async () => {
  socket.write(stringOf(bind()));
  socket.write(stringOf(Buffer.of(LIST)));
  expect((await agent.bound)?.toString()).toBe('host key');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(answers).toEqual([]);
  agent.release([identity]);
  await expect.poll(() => answers.map(([type]) => type)).toEqual([SUCCESS, IDENTITIES]);
  const list = new WireReader(answers[1] as Buffer);
  expect([list.byte(), list.uint32(), list.string().equals(BLOB)]).toEqual([IDENTITIES, 1, true]);
});

it('signs for the session that it was told, by a key that it has, and for nothing else', async () => {
  agent.release([identity]);
  expect(await ask(bind())).toEqual(Buffer.of(SUCCESS));
  expect((await ask(...signing(SESSION)))[0]).toBe(SIGNATURE);
  expect(await ask(...signing(Buffer.from('another')))).toEqual(Buffer.of(FAILURE));
  expect(await ask(...signing(SESSION, Buffer.from('stranger')))).toEqual(Buffer.of(FAILURE));
  expect(await ask(bind(Buffer.from('another')))).toEqual(Buffer.of(FAILURE));
  expect(await ask(Buffer.of(SIGN))).toEqual(Buffer.of(FAILURE));
  expect(await ask(Buffer.of(17))).toEqual(Buffer.of(FAILURE)); // add an identity
});

it('gives nothing to an ssh that does not tell which host it speaks with', async () => {
  agent.release([identity]);
  expect(await ask(Buffer.of(LIST))).toEqual(Buffer.of(FAILURE));
  expect(await agent.bound).toBeUndefined();
});
