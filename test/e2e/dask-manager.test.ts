// The example manager, run as its README says: a real scheduler, two real workers, a result, and a journal that verifies.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadPins, readJournal, verifyJournal } from '../../src/evidence/index.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { missing, type Output, runProgram } from '../ssh/support.ts';
import { CERTIFY, UV_SHIM } from './dask.ts';
import { asRoot, startHost, type TestHost } from './host.ts';

const MANAGER = 'examples/dask-manager/manager.ts';
/** The same, without the drills: those of the example as it is have been run by then. It lies where its imports lead. */
const UNDRILLED = `examples/dask-manager/.sample-${process.pid}.ts`;

const SHELLS = ['/bin/sh', '/usr/bin/fish'].filter(existsSync);

describe(
  'the example manager',
  leftOut((!asRoot && 'needs root') || missing('sshd', 'ssh-keygen', 'dask', 'python3', 'setsid', 'openssl')),
  () => {
    let host: TestHost;
    beforeAll(async () => {
      host = await startHost({ shells: SHELLS });
    });
    afterAll(() => host.stop());

    /** Runs the example, or what stands beside it, with its state in a directory of this name. */
    async function manage(
      name: string,
      shim = UV_SHIM,
      manager = MANAGER,
    ): Promise<Output & { readonly state: string }> {
      const hosts = join(host.directory, 'hosts.json');
      const uv = join(host.directory, 'uv');
      writeFileSync(uv, shim, { mode: 0o755 });
      // A host has a project and a certificate; here all hosts are this machine and share them.
      const project = join(host.directory, 'project');
      mkdirSync(project, { recursive: true });
      chmodSync(project, 0o777);
      const certify = spawnSync('sh', ['-ec', CERTIFY], { cwd: project });
      expect(certify.status).toBe(0);
      const tls = {
        ca: join(project, 'ca.pem'),
        certificate: join(project, 'cert.pem'),
        key: join(project, 'key.pem'),
      };
      const [first = ''] = SHELLS;
      const file = {
        knownHosts: [host.knownHosts],
        privateKey: join(host.directory, 'user_key'),
        hosts: [first, ...SHELLS].map((shell) => {
          const { knownHosts: _, ...reached } = host.target(host.userWith(shell));
          return reached;
        }),
      };
      writeFileSync(hosts, JSON.stringify(file));
      const dask = join(host.directory, 'dask.json');
      const client = { python: '/usr/bin/python3', tls };
      writeFileSync(dask, JSON.stringify({ uv, project, tls, listen: await freePort(), client }));
      const state = join(host.directory, name);
      return { ...(await runProgram('npx', ['tsx', manager, hosts, dask, state])), state };
    }

    function expectNothingLeft(): void {
      for (const shell of SHELLS) {
        const { name, home } = host.userWith(shell);
        expect(readdirSync(home).filter((entry) => entry.startsWith('.guardrails-'))).toEqual([]);
        const living = ['-a', '-r', 'R,S,D,T', '-u', name, '-f', 'dask']; // a zombie has ended
        expect(spawnSync('pgrep', living).stdout.toString()).toBe('');
      }
    }

    it('starts Dask on its hosts, computes, stops it and leaves evidence', { timeout: 240_000 }, async () => {
      const { code, stdout, stderr, state } = await manage('state');
      expect([code, stdout, stderr.includes('Error')]).toMatchObject([0, expect.any(String), false]);
      expect(stdout).toContain(`sum of squares below 1000: 332833500, on ${SHELLS.length} workers`);
      expect(stdout.match(/started, pid/g)).toHaveLength(SHELLS.length + 1);
      expect(stdout.match(/: ended by (TERM|KILL) after \d+ s$/gm)).toHaveLength(SHELLS.length + 1);
      // After its start, and after the computation.
      const listens = stdout.match(/listens on (?:127\.0\.0\.1 \d+(?:, )?){2}$/gm);
      expect(listens).toHaveLength(2 * (SHELLS.length + 1));
      expect(stdout).toMatch(/^done +ssh-tunnel +127\.0\.0\.1 to 127\.0\.0\.1:\d+ +closed$/m);
      const verdict = await verifyJournal(await readJournal(join(state, 'journal')), {
        pins: await loadPins(state),
      });
      expect(verdict.problems).toEqual([]);
      expect(stdout).toMatch(/Architecture scorecard: \d\.\d \/ 5/);
      expect(stdout).toContain(verdict.root);
      expectNothingLeft();
    });

    it('stops at a socket that it did not name, and stops all that it started', {
      timeout: 240_000,
    }, async () => {
      const text = readFileSync(MANAGER, 'utf8');
      const undrilled = text.replace(/^await drillGuards\(.*\);$/m, '');
      expect(undrilled).not.toBe(text);
      writeFileSync(UNDRILLED, undrilled);
      onTestFinished(() => rmSync(UNDRILLED));
      const listen = 'import socket, time; s = socket.socket(); s.bind(("", 0)); s.listen(); time.sleep(600)';
      const { code, stdout, stderr } = await manage(
        'other',
        UV_SHIM.replace('"$@" &', `/usr/bin/python3 -c '${listen}' &\n"$@" &`),
        UNDRILLED,
      );
      expect([code, stderr]).toMatchObject([1, expect.stringContaining('owned-sockets.not-granted')]);
      expect(stderr).toMatch(/it listens on 0\.0\.0\.0:\d+, which was not granted/);
      expect(stdout.match(/started, pid/g)).toHaveLength(1);
      expect(stdout).not.toContain('sum of squares');
      expect(stdout.match(/: ended by (TERM|KILL) after \d+ s$/gm)).toHaveLength(1);
      expectNothingLeft();
    });
  },
);
