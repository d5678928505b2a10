// The file that is being written is told by its device and by its number on it: each of the two alone can be another's.
import { spawnSync } from 'node:child_process';
import {
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Segment } from '../../src/evidence/segment.ts';
import { leftOut } from '../left-out.ts';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'guardrails-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

it('another file on the same device is not the file that is being written', async () => {
  const segment = await Segment.open(directory(), 0);
  onTestFinished(() => segment.close());
  segment.requireInPlace();
  renameSync(segment.path, `${segment.path}.away`);
  writeFileSync(segment.path, '');
  expect(() => segment.requireInPlace()).toThrow('another file lies in its place');
});

it(
  'the kernel knows that what is written to it must be durable when the write returns',
  leftOut(process.platform !== 'linux' && 'no procfs: elsewhere fdatasync follows each write'),
  async () => {
    const segment = await Segment.open(directory(), 0);
    onTestFinished(() => segment.close());
    const link = (fd: string): string => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // closed meanwhile: the one that reads the directory
      }
    };
    const fds = readdirSync('/proc/self/fd').filter((fd) => link(fd) === segment.path);
    const flags = fds.map(
      (fd) => /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1],
    );
    expect(flags).toHaveLength(1);
    expect(Number.parseInt(flags[0] ?? '', 8) & constants.O_DSYNC).toBe(constants.O_DSYNC);
  },
);

// A fresh tmpfs numbers its files from the start, so that the first file of each has the same number.
const inNamespace = (script: string, ...args: readonly string[]) =>
  spawnSync('unshare', ['-rm', process.execPath, '--input-type=module', '-e', script, ...args], {
    encoding: 'utf8',
  });
const mountable = inNamespace(`
  import { execFileSync } from 'node:child_process';
  execFileSync('mount', ['-t', 'tmpfs', 'none', '/tmp'], { stdio: 'ignore' });`);

it(
  'a file of the same number on another device is not it either',
  leftOut(mountable.status !== 0 && 'needs a namespace of mounts (unshare -rm)'),
  () => {
    const { stdout, stderr } = inNamespace(
      `
    import { execFileSync } from 'node:child_process';
    import { lstatSync, writeFileSync } from 'node:fs';
    const [, root, at] = process.argv;
    const { Segment } = await import(root + '/dist/evidence/segment.js');
    const mount = () => execFileSync('mount', ['-t', 'tmpfs', 'none', at]);
    mount();
    const segment = await Segment.open(at, 0);
    segment.requireInPlace();
    const before = lstatSync(segment.path);
    mount();
    writeFileSync(segment.path, '');
    const after = lstatSync(segment.path);
    let said = 'nothing';
    try {
      segment.requireInPlace();
    } catch (error) {
      said = error.code + ': ' + error.message;
    }
    await segment.close();
    console.log(JSON.stringify({ sameNumber: before.ino === after.ino, sameDevice: before.dev === after.dev, said }));`,
      process.cwd(),
      directory(),
    );
    expect([stdout && JSON.parse(stdout), stderr]).toEqual([
      {
        sameNumber: true,
        sameDevice: false,
        said: expect.stringMatching(/^journal\.replaced: .*another file lies in its place$/),
      },
      '',
    ]);
  },
);
