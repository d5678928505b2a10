// One directory under two names, which no path shows: needs mount(8), so root and a machine that lets it.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { confinedNode } from '../../src/guards/planes/confined-node.ts';
import { planes } from '../../src/guards/planes/planes.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { leftOut } from '../left-out.ts';

const mayMount = (): boolean => {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.geteuid?.() === 0;
  } catch {
    return false;
  }
};

it(
  'the evidence root is the payload root, mounted a second time',
  leftOut(!mayMount() && 'needs root and mount namespaces'),
  async () => {
    const directory = await realpath(await mkdtemp(join(tmpdir(), 'planes-')));
    const [control, payload, evidence] = ['control', 'payload', 'evidence'].map((name) =>
      join(directory, name),
    );
    if (!control || !payload || !evidence) throw new TypeError('three planes');
    for (const path of [control, payload, evidence]) await mkdir(path, { mode: 0o700 });
    await writeFile(join(evidence, 'key'), '');
    const request = {
      roots: { control: [control], payload: [payload], evidence: [evidence] },
      keys: [join(evidence, 'key')],
      launcher: confinedNode([], [payload]),
      code: { directory: control, table: join(directory, 'none') },
    };
    try {
      expect((await judge(planes, request)).codes).not.toContain('planes.overlap');
      execFileSync('mount', ['--bind', payload, evidence]);
      try {
        expect((await judge(planes, request)).codes[0]).toBe('planes.overlap');
      } finally {
        execFileSync('umount', [evidence]);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
