// yash in a Shift_JIS locale, where the byte of a backslash is a yen sign and quotes nothing: a quoted line is unsafe
// there, and what is sent by the carriers does not run at all.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { neutral } from '../../src/ssh/neutral.ts';
import { quote } from '../../src/ssh/quote.ts';
import { scriptMessage, startLine } from '../../src/ssh/transport/shell-protocol.ts';
import { leftOut } from '../left-out.ts';
import { missing } from './support.ts';

const NONCE = '0'.repeat(32);
const COMMAND = `printf '<%s>' ${quote("a';echo INJECTED;'")}`;

describe('yash in Shift_JIS', leftOut(missing('yash', 'localedef')), () => {
  const locales = mkdtempSync(join(tmpdir(), 'yash-'));
  beforeAll(() => {
    const locale = join(locales, 'ja_JP.SJIS');
    // Exit code 1 is a warning: the character map is not ASCII.
    spawnSync('localedef', ['--no-archive', '-i', 'ja_JP', '-f', 'SHIFT_JIS', locale]);
  });
  afterAll(() => rmSync(locales, { recursive: true }));

  function outputOf(line: string, input?: Buffer): string {
    const env = { PATH: '/usr/bin:/bin', LOCPATH: locales, LC_ALL: 'ja_JP.SJIS' };
    const asYash = line.replace('/bin/sh', '"$0"');
    return spawnSync('sh', ['-c', 'exec "$0" -c "$1" "$0"', 'yash', asYash], {
      env,
      input,
    }).stdout.toString();
  }

  it('runs what a quoted word holds', () => {
    expect(outputOf(COMMAND)).toContain('INJECTED\n');
  });

  it('does not run what the neutral carrier holds', () => {
    expect(outputOf(neutral(COMMAND))).toBe('');
  });

  it('does not run what the transport sends, and says so', () => {
    const output = outputOf(startLine(NONCE), scriptMessage(COMMAND, undefined));
    expect(output).toContain(`${NONCE} begin 1\n`);
    expect(output).toContain(`${NONCE} unread 1\n`);
    expect(output).not.toMatch(/INJECTED\n| go 1| end 1/);
  });
});
