// Drills of the process-stop guard: real processes of this machine, each started by the drill and ended with it, and
// records that lie about them in one respect. No drill stops anything that another program started.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTickOf } from '../../../evidence/identity.ts';
import type { ProcessStopRequest } from '../../../ssh/process/process-stop.ts';
import { type Drill, type DrillSite, DrillUnavailable } from '../../proof.ts';
import { type Facts, factsOf, itsOwn, lineOf } from './true-record.ts';

function ended(child: ChildProcess): Promise<unknown> {
  return child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('exit', resolve));
}

const spawned = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));

/** Starts an idle process and returns the truth about it. `carries`: it has the token in its environment. */
async function innocent(
  site: DrillSite,
  { uid, carries = false }: { readonly uid?: number | undefined; readonly carries?: boolean } = {},
): Promise<{ facts: Facts; child: ChildProcess }> {
  itsOwn(site);
  const token = randomBytes(16).toString('hex');
  const child = spawn('sleep', ['600'], {
    stdio: 'ignore',
    env: { ...process.env, ...(carries ? { GUARDRAILS_OWNER: token } : {}) },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  await spawned(child);
  site.onCleanup(async () => {
    child.kill('SIGKILL');
    await ended(child);
  });
  return { facts: factsOf(child, token), child };
}

/** Starts a session, ends its leader and leaves a process in it. Returns what was true of the leader. */
async function orphaned(site: DrillSite): Promise<Facts> {
  itsOwn(site);
  const leader = spawn('sh', ['-c', 'sleep 600 & read -r line'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  await spawned(leader);
  const facts = factsOf(leader, randomBytes(16).toString('hex'));
  site.onCleanup(() => void process.kill(-facts.pid, 'SIGKILL'));
  leader.stdin?.end('\n');
  await ended(leader);
  return facts;
}

type Falsify = (facts: Facts, site: DrillSite, child: ChildProcess) => string | Promise<string>;

function drill(
  id: string,
  fault: string,
  expects: string,
  write: Falsify,
  mode = 0o600,
): Drill<ProcessStopRequest> {
  const build = async (site: DrillSite): Promise<ProcessStopRequest> => {
    const { facts, child } = await innocent(site);
    const owner = { token: facts.token };
    const record = join(site.directory, 'owner');
    await writeFile(record, await write(facts, site, child));
    await chmod(record, mode);
    return { record, owner };
  };
  return { id, fault, expects, build };
}

const TARGET = '/home/u/wenv/flight_worker';

function agilabDrill(
  id: string,
  fault: string,
  expects: string,
  change: (started: number) => object,
): Drill<ProcessStopRequest> {
  const build = async (site: DrillSite): Promise<ProcessStopRequest> => {
    const { facts } = await innocent(site);
    // As psutil computes it, which AGILAB uses. Linux counts 100 ticks to the second for its users.
    const [, bootTime] = /^btime ([0-9]+)$/m.exec(await readFile('/proc/stat', 'utf8')) ?? [];
    const started = Number(bootTime) + facts.tick / 100;
    const value = {
      pid: facts.pid,
      process_start_time: started,
      schema: 'agilab-dask-pid-owner-v1',
      target: TARGET,
    };
    const record = join(site.directory, 'dask_worker_0_0.pid');
    await writeFile(record, `${JSON.stringify({ ...value, ...change(started) }, null, 2)}\n`, {
      mode: 0o600,
    });
    return { record, owner: { target: TARGET } };
  };
  return { id, fault, expects, build };
}

const NOBODY = 65_534;

export const processStopDrills: readonly Drill<ProcessStopRequest>[] = [
  drill('ours', 'a live process and its true record', 'allow', lineOf),
  agilabDrill('ours-by-agilab', 'a live process and its AGILAB record', 'allow', () => ({})),
  {
    id: 'record-missing',
    fault: 'no record',
    expects: 'process-stop.record-missing',
    build: async ({ directory }) => ({ record: join(directory, 'none'), owner: { token: '0'.repeat(32) } }),
  },
  drill(
    'record-writable',
    'a record that everybody can write',
    'process-stop.record-untrusted',
    lineOf,
    0o666,
  ),
  drill(
    'record-replaceable',
    'a true record in a directory where everybody may put another one',
    'process-stop.record-untrusted',
    async (facts, site) => {
      await chmod(site.directory, 0o777);
      return lineOf(facts);
    },
  ),
  {
    id: 'record-linked',
    fault: 'a symbolic link in the place of the record',
    expects: 'process-stop.record-untrusted',
    build: async (site) => {
      const { facts } = await innocent(site);
      const [real, record] = [join(site.directory, 'real'), join(site.directory, 'owner')];
      await writeFile(real, lineOf(facts), { mode: 0o600 });
      await symlink(real, record);
      return { record, owner: { token: facts.token } };
    },
  },
  drill(
    'record-code',
    'a record that holds shell code',
    'process-stop.record-malformed',
    () => 'pid=1; kill 1\n',
  ),
  drill(
    'record-bare-pid',
    'the bare pid that Dask writes, without any proof',
    'process-stop.record-malformed',
    ({ pid }) => `${pid}\n`,
  ),
  drill(
    'record-two-lines',
    'a true record with another one behind it',
    'process-stop.record-malformed',
    (facts) => lineOf(facts).repeat(2),
  ),
  drill('foreign-token', 'a process that another action started', 'process-stop.foreign', (facts) =>
    lineOf({ ...facts, token: 'f'.repeat(32) }),
  ),
  agilabDrill('foreign-target', 'an AGILAB record of another target', 'process-stop.foreign', () => ({
    target: `${TARGET}2`,
  })),
  drill('other-boot', 'a record from before the reboot', 'process-stop.other-boot', (facts) =>
    lineOf({ ...facts, boot: '00000000-0000-4000-8000-000000000000' }),
  ),
  drill('other-namespace', 'a record from another container', 'process-stop.other-namespace', (facts) =>
    lineOf({ ...facts, namespace: 'pid:[1]' }),
  ),
  drill('gone', 'a process that has ended', 'process-stop.gone', async (facts, _site, child) => {
    child.kill('SIGKILL');
    await ended(child);
    return lineOf(facts);
  }),
  {
    id: 'child-left',
    fault: 'none: a leader that has ended and left a child of its set',
    expects: 'allow',
    build: async (site) => {
      const { facts } = await innocent(site, { carries: true });
      const record = join(site.directory, 'owner');
      await writeFile(record, lineOf({ ...facts, pid: 999_999_999 }), { mode: 0o600 });
      return { record, owner: { token: facts.token } };
    },
  },
  {
    id: 'session-left',
    fault: 'a leader that has ended, and in its session a process without any proof',
    expects: 'process-stop.unproven',
    build: async (site) => {
      const facts = await orphaned(site);
      const record = join(site.directory, 'owner');
      await writeFile(record, lineOf(facts), { mode: 0o600 });
      return { record, owner: { token: facts.token } };
    },
  },
  {
    id: 'grace-none',
    fault: 'a stop that leaves less than a second to clean up',
    expects: 'process-stop.grace',
    build: async (site) => {
      const { facts } = await innocent(site);
      const record = join(site.directory, 'owner');
      await writeFile(record, lineOf(facts), { mode: 0o600 });
      return { record, owner: { token: facts.token }, graceSeconds: 0.5 };
    },
  },
  drill('reused', 'a pid that was given to a later process', 'process-stop.reused', (facts) =>
    lineOf({ ...facts, tick: facts.tick - 1 }),
  ),
  agilabDrill('reused-by-agilab', 'an AGILAB record of an earlier process', 'process-stop.reused', () => ({
    process_start_time: Date.now() / 1000 - 3_600,
  })),
  agilabDrill(
    'reused-within-a-second',
    'an AGILAB record of a process that started half a second before',
    'process-stop.reused',
    (started) => ({ process_start_time: started - 0.5 }),
  ),
  {
    id: 'other-user',
    fault: 'a process of another user under the pid in the record',
    expects: 'process-stop.other-user',
    build: async (site) => {
      const asRoot = process.getuid?.() === 0;
      const { facts } = await innocent(site, { uid: asRoot ? NOBODY : undefined });
      const tick = asRoot ? facts.tick : startTickOf(1);
      const pid = asRoot ? facts.pid : 1;
      if (tick === undefined)
        throw new DrillUnavailable('cannot see a process of another user here: run as root');
      const record = join(site.directory, 'owner');
      await writeFile(record, lineOf({ ...facts, pid, tick }), { mode: 0o600 });
      return { record, owner: { token: facts.token } };
    },
  },
];
