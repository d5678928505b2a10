// What programs bind when nothing is set, and that each setting of the table is one they obey: by their sockets.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PROGRAMS, type Program } from '../../src/guards/bind/programs.ts';
import { freePort } from '../free-port.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { ARGV, appDirectory, socketsOf } from './programs.ts';

type Name = keyof typeof ARGV;
type Text = (host: string, port: number) => string;
const hostAndPort: Text = (host, port) => `${host}:${port}`;

/** How a setting is given an address, where it takes more than that. */
const TEXTS: Readonly<Partial<Record<Name, Readonly<Record<string, Text>>>>> = {
  'dask-dashboard': { '--dashboard-address': hostAndPort },
  gunicorn: {
    '--bind': hostAndPort,
    GUNICORN_CMD_ARGS: (host, port) => `--bind ${host}:${port}`,
  },
};

const isEverywhere = (hosts: readonly string[]): boolean =>
  hosts.some((host) => ['0.0.0.0', '::'].includes(host));
const STAND_IN = 'a stand-in of a version manager for a program that is not there';
/** Loopback, and no program's default. */
const ELSEWHERE = '127.0.0.2';

for (const [name, argv] of Object.entries(ARGV) as [Name, (port: number) => readonly string[]][]) {
  const program: Program = PROGRAMS[name];
  describe(name, { timeout: 180_000, ...leftOut(missing(argv(0)[0] ?? '', 'python3')) }, () => {
    it('binds what the table says when nothing is set', async ({ skip }) => {
      if (name === 'gunicorn') {
        // Its default has a port of its own, which another program of this host may hold: it is asked, not started.
        const told = await promisify(execFile)('gunicorn', ['--print-config', 'app:app'], {
          cwd: await appDirectory(),
          env: { PATH: process.env['PATH'] },
        });
        expect(told.stdout).toMatch(new RegExp(`^bind += \\['${program.fallback}:\\d+'\\]$`, 'm'));
        return;
      }
      const port = await freePort();
      const directory = await appDirectory();
      const hosts = await socketsOf({ argv: argv(port), port, directory });
      if (!hosts) return skip(STAND_IN);
      expect(isEverywhere(hosts)).toBe(program.fallback === '');
    });

    for (const setting of program.settings) {
      if (setting === program.protocol) continue; // see bind-precedence.test.ts
      const isExposing = setting === program.exposedBy;
      it(isExposing ? `is exposed by ${setting}` : `obeys ${setting}`, async ({ skip }) => {
        const port = await freePort();
        const textOf: Text = TEXTS[name]?.[setting] ?? ((host) => host);
        const text = isExposing ? `${port}` : textOf(ELSEWHERE, port);
        const isFlag = setting.startsWith('--');
        const asked = isFlag ? [...argv(port), setting, text] : argv(port);
        const variables: Readonly<Record<string, string>> = isFlag ? {} : { [setting]: text };
        const hosts = await socketsOf({ argv: asked, port, variables, directory: await appDirectory() });
        if (!hosts) return skip(STAND_IN);
        if (isExposing) expect(isEverywhere(hosts)).toBe(true);
        else expect(hosts).toEqual([ELSEWHERE]);
      });
    }
  });
}
