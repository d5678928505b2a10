// Two hosts with addresses and keys of their own, in network namespaces: a cable that is cut while a command runs, a
// host that answers with the key of another, and a fleet in which one host is wrong.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTickOf } from '../../src/evidence/identity.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { newToken } from '../../src/ssh/process/ownership.ts';
import { shellOver, startOwned } from '../../src/ssh/process/ownership-remote.ts';
import { stopProcess } from '../../src/ssh/process/process-stop.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import { runOnHosts } from '../../src/ssh/transport/fleet.ts';
import { leftOut, requiresReal } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { asRoot, startHost, type TestHost } from './host.ts';

const journal = { append: async (): Promise<void> => {} };
const ip = (...args: readonly string[]): number | null => spawnSync('ip', args).status;

interface Wire {
  readonly namespace: string;
  readonly link: string;
  readonly address: string;
}

/** A namespace and a cable to it; `undefined` where the kernel does not let us. */
function lay(subnet: number): Wire | undefined {
  const id = randomBytes(3).toString('hex');
  const wire = { namespace: `gr${id}`, link: `gv${id}`, address: `10.${200 + (subnet % 50)}.${subnet}.2` };
  const peer = `gp${id}`;
  const steps = [
    ['netns', 'add', wire.namespace],
    ['link', 'add', wire.link, 'type', 'veth', 'peer', 'name', peer],
    ['link', 'set', peer, 'netns', wire.namespace],
    ['addr', 'add', wire.address.replace(/2$/, '1/30'), 'dev', wire.link],
    ['link', 'set', wire.link, 'up'],
    ['-n', wire.namespace, 'addr', 'add', `${wire.address}/30`, 'dev', peer],
    ['-n', wire.namespace, 'link', 'set', peer, 'up'],
    ['-n', wire.namespace, 'link', 'set', 'lo', 'up'],
  ];
  return steps.every((step) => ip(...step) === 0) ? wire : undefined;
}

const possible = asRoot && !missing('ip', 'sshd', 'ssh-keygen', 'setsid');
const wires = possible ? [randomBytes(1)[0] ?? 1, randomBytes(1)[0] ?? 2].map(lay) : [];
if (possible && wires.includes(undefined) && requiresReal) {
  throw new Error('network namespaces are needed here');
}

describe('hosts on a network', {
  timeout: 120_000,
  ...leftOut((!possible || wires.includes(undefined)) && 'no network namespaces'),
}, () => {
  const hosts: TestHost[] = [];
  const targets = (): ReturnType<TestHost['target']>[] =>
    hosts.map((host) => host.target(host.userWith('/bin/sh')));
  // Every test host has its own user key, so one credential must fit both: the second learns the first one's.
  const credentials = (index: number): TestHost['credentials'] => hosts[index]?.credentials ?? {};
  beforeAll(async () => {
    for (const wire of wires) {
      if (!wire) continue;
      const namespace = { name: wire.namespace, address: wire.address };
      hosts.push(await startHost({ shells: ['/bin/sh'], namespace }));
    }
    const [first, second] = hosts;
    if (!first || !second) return;
    const key = readFileSync(join(first.directory, 'user_key.pub'), 'utf8');
    second.authorize(second.userWith('/bin/sh'), key);
  });
  afterAll(async () => {
    for (const host of hosts) await host.stop();
    for (const wire of wires) if (wire) ip('netns', 'del', wire.namespace);
    for (const wire of wires) if (wire) ip('link', 'del', wire.link); // gone with its peer, or not yet
  });

  it('each give a row, in order, and one that shows the key of another does not spoil the rest', async () => {
    const progress: string[] = [];
    const onRow = (_: unknown, done: number, total: number): void => void progress.push(`${done}/${total}`);
    const request = argv(['hostname', '--all-ip-addresses']);
    const [first, second] = targets();
    if (!first || !second) throw new Error('no hosts');
    const rows = await runOnHosts([first, second], credentials(0), request, { journal, onRow });
    const outputs = rows.map((row) =>
      row.outcome === 'ran' ? row.result.stdout.toString().trim() : row.code,
    );
    expect(outputs).toEqual([first.host, second.host]);
    expect(progress).toEqual(['1/2', '2/2']);

    const lines = readFileSync(second.knownHosts[0] ?? '', 'utf8').replace(second.host, first.host);
    const swapped = join(hosts[0]?.directory ?? '', 'swapped');
    writeFileSync(swapped, lines, { mode: 0o600 });
    const wrong = { ...first, knownHosts: [swapped] };
    const mixed = await runOnHosts([wrong, second], credentials(0), request, { journal });
    expect(mixed.map((row) => (row.outcome === 'refused' ? row.code : row.outcome))).toEqual([
      'host-key.changed',
      'ran',
    ]);
  });

  it('whose cable is cut leave an unknown outcome, and a process that its record still stops', async () => {
    const [target] = targets();
    const [wire] = wires;
    if (!target || !wire) throw new Error('no host');
    const connection = await connect(target, credentials(0), { journal });
    const token = newToken();
    const record = '~/owner';
    const owned = { record, token, log: '~/log' };
    const pid = await startOwned(connection, argv(['sleep', '600']), owned, { journal });
    const running = connection.run(await enforce(remoteCommand, argv(['sleep', '300']), { journal }));
    await new Promise((resolve) => setTimeout(resolve, 500));
    ip('link', 'set', wire.link, 'down');
    expect(await running).toMatchObject({ outcome: 'unknown', cause: 'link-lost' });
    expect(connection.isOpen).toBe(false);
    await expect(connect(target, credentials(0), { journal, timeoutMs: 3_000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(host-key.unreachable|guard.timeout)$/),
    });
    ip('link', 'set', wire.link, 'up');
    expect(startTickOf(pid)).toBeDefined();
    const again = await connect(target, credentials(0), { journal });
    const result = await stopProcess(
      shellOver(again, { journal }),
      { record, owner: { token } },
      { journal },
    );
    again.close();
    expect(result.by).toBe('TERM');
    expect(startTickOf(pid)).toBeUndefined();
  });
});
