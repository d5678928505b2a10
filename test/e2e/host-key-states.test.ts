// The states of the host-key drills once more with OpenSSH's sshd in the place of the embedded server: client and
// server of the drills share one library, so a fault of that library could hide in them.

import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../../src/kernel/enforce.ts';
import { hostKeyDrillsOn } from '../../src/proof/drills/host-key/host-key-drills.ts';
import { hostKey } from '../../src/ssh/host-key/host-key.ts';
import { siteIn } from '../drill-site.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { startSshd } from './loopback-sshd.ts';

const skip = missing('sshd', 'ssh-keygen');

describe('the host-key guard, before sshd', { timeout: 60_000, ...leftOut(skip) }, () => {
  // Of our own, so that what is left in it was left here; a blank and a quote, because sshd_config splits at them.
  let own = '';
  const before = process.env['TMPDIR'];
  beforeAll(() => {
    own = mkdtempSync(join(tmpdir(), `host-key " '-`));
    chmodSync(own, 0o711); // sshd of root serves as nobody
    process.env['TMPDIR'] = own;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(own, { recursive: true });
  });

  it.each(hostKeyDrillsOn(startSshd))('$id: $fault', async (drill) => {
    const directory = mkdtempSync(join(own, 'state-'));
    const undo: (() => Promise<void> | void)[] = [() => rmSync(directory, { recursive: true })];
    try {
      const request = await drill.build(siteIn(directory, { onCleanup: (step) => void undo.push(step) }));
      const { decision, codes } = await judge(hostKey, request);
      expect(codes[0] ?? decision).toBe(drill.expects);
    } finally {
      for (const step of undo.reverse()) await step();
    }
    expect(readdirSync(own)).toEqual([]);
  });

  it(
    'is not built where nobody can reach the host keys',
    leftOut(process.getuid?.() !== 0 && 'needs root'),
    async () => {
      chmodSync(own, 0o700);
      const start = startSshd({ types: ['ed25519'], outdated: false });
      await expect(start).rejects.toMatchObject({ name: 'DrillUnavailable' });
      chmodSync(own, 0o711);
    },
  );
});
