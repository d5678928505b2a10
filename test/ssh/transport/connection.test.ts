// One deadline for all that a run waits for: hosts that let us in and then do not answer, and journals that hang.
import type { Connection as Peer } from 'ssh2';
import { afterEach, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../../src/evidence/record.ts';
import { enforce } from '../../../src/kernel/enforce.ts';
import { argv } from '../../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../../src/ssh/remote-command.ts';
import { connect } from '../../../src/ssh/transport/connect.ts';
import { runOnHosts } from '../../../src/ssh/transport/fleet.ts';
import { type EmbeddedHost, startEmbedded } from './embedded-host.ts';

const records: EvidenceDraft[] = [];
const journal = { append: async (draft: EvidenceDraft): Promise<void> => void records.push(draft) };
const granted = await enforce(remoteCommand, argv(['true']), { journal });

let host: EmbeddedHost | undefined;
const hostThat = async (behave: (peer: Peer) => void): Promise<EmbeddedHost> => {
  host = await startEmbedded(behave);
  return host;
};
afterEach(() => host?.stop());

/** A host whose shell says that it runs, and keeps what it is sent. */
const marking =
  (heard: string[], mark = true) =>
  (peer: Peer): void => {
    peer.on('session', (accept) =>
      accept().on('exec', (take, _refuse, { command }) => {
        const channel = take();
        channel.on('data', (bytes: Buffer) => void heard.push(bytes.toString()));
        if (mark) channel.write(`\n${command.slice(-32)} begin 1\n`);
      }),
    );
  };

const SILENCES: readonly (readonly [string, (peer: Peer) => void])[] = [
  ['a session', (peer) => peer.on('session', () => {})],
  ['a command', (peer) => peer.on('session', (accept) => void accept().on('exec', () => {}))],
  ['a command line', marking([], false)],
  ['a script', marking([])],
];

describe.each(SILENCES)('a host that never answers %s', (what, behave) => {
  it('is given up at the deadline', async () => {
    const { target, credentials } = await hostThat(behave);
    const connection = await connect(target, credentials, { journal });
    const run = connection.run(granted, { timeoutMs: 1_000 });
    if (what === 'a script') expect(await run).toMatchObject({ outcome: 'unknown', cause: 'timeout' });
    else await expect(run).rejects.toMatchObject({ code: 'ssh.not-sent', cause: { code: 'guard.timeout' } });
    await connection[Symbol.asyncDispose]();
    expect(connection.isOpen).toBe(false);
  });

  it('is given up when the caller does', async () => {
    const { target, credentials } = await hostThat(behave);
    const connection = await connect(target, credentials, { journal });
    const run = connection.run(granted, { signal: AbortSignal.timeout(1_000) });
    if (what === 'a script') expect(await run).toMatchObject({ outcome: 'unknown', cause: 'aborted' });
    else await expect(run).rejects.toMatchObject({ code: 'ssh.not-sent', cause: { code: 'guard.aborted' } });
    connection.close();
  });
});

it('sends nothing to a program that does not prove to be our shell', async () => {
  const heard: string[] = [];
  const { target, credentials } = await hostThat(marking(heard, false));
  const connection = await connect(target, credentials, { journal });
  records.length = 0;
  const run = connection.run(granted, { startTimeoutMs: 200, stdin: 'touch F' });
  await expect(run).rejects.toMatchObject({ code: 'ssh.shell-unsupported' });
  expect(heard).toEqual([]);
  expect(records.map((record) => record.mode === 'effect' && [record.outcome, record.reason])).toEqual([
    ['begun', 'about to be sent'],
    ['none', 'nothing ran'],
  ]);
  connection.close();
});

it('sends nothing while the record is not durable, and gives up at the deadline', async () => {
  const scripts: string[] = [];
  const { target, credentials } = await hostThat(marking(scripts));
  let hangs = false;
  const slow = { append: () => (hangs ? new Promise(() => {}) : Promise.resolve()) };
  const connection = await connect(target, credentials, { journal: slow });
  hangs = true;
  const run = connection.run(granted, { timeoutMs: 1_000 });
  await expect(run).rejects.toMatchObject({ code: 'ssh.not-sent', cause: { code: 'guard.timeout' } });
  expect(scripts).toEqual([]);
  connection.close();
});

it.each([Number.NaN, 0, -1, 1.5, 2 ** 31, Number.POSITIVE_INFINITY])(
  'takes no %d for a number of milliseconds, and dials nobody',
  async (timeoutMs) => {
    let dialled = 0;
    const { target, credentials } = await hostThat(() => void dialled++);
    const usage = { code: 'usage.timeout' };
    await expect(connect(target, credentials, { journal, timeoutMs })).rejects.toMatchObject(usage);
    const fleet = { journal, run: { timeoutMs } };
    await expect(runOnHosts([target], credentials, argv(['true']), fleet)).rejects.toMatchObject(usage);
    expect(dialled).toBe(0);
    const connection = await connect(target, credentials, { journal });
    await expect(connection.run(granted, { timeoutMs })).rejects.toMatchObject(usage);
    connection.close();
  },
);

describe('a fleet', () => {
  it('keeps the true error of each host, and every row when the callback throws', async () => {
    const { target, credentials } = await hostThat((peer) => peer.on('session', (_, refuse) => refuse()));
    const dead = { ...target, port: 1 };
    const onRow = (): void => {
      throw new Error('a progress bar without a terminal');
    };
    const rows = await runOnHosts([dead, target, dead], credentials, argv(['true']), { journal, onRow });
    expect(rows.map((row) => (row.outcome === 'refused' ? row.code : row.outcome))).toEqual([
      'host-key.unreachable',
      'ssh.channel-refused',
      'host-key.unreachable',
    ]);
  });
});
