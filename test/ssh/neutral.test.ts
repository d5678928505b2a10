// neutral() by itself; what login shells make of its lines is in neutral-shells.test.ts.
import { describe, expect, it } from 'vitest';
import { MAX_COMMAND_BYTES, neutral } from '../../src/ssh/neutral.ts';

describe('neutral', () => {
  it('is a constant and harmless words', () => {
    const carrier = neutral('');
    const line = neutral(`it's $(x) \`y\` !! "z"\n=~#%^{}[]*?<>|&;\\ é`);
    const constant = carrier.slice(0, carrier.lastIndexOf(' '));
    expect(line.startsWith(constant)).toBe(true);
    expect(line.slice(constant.length)).toMatch(/^( [A-Za-z0-9./_-]+)+$/);
    expect(constant).toMatch(/^exec \/bin\/sh -c '[^'!\n]*'$/);
  });

  it.each([
    ['NUL', 'a\0', 'ssh.nul'],
    ['a lone surrogate', '\udfff', 'ssh.lone-surrogate'],
    ['what would not fit', 'a'.repeat(MAX_COMMAND_BYTES), 'ssh.too-long'],
    ['what would not fit once encoded', "'".repeat(40_000), 'ssh.too-long'],
  ])('refuses %s', (_why, line, code) => {
    expect(() => neutral(line)).toThrow(expect.objectContaining({ code }));
  });
});
