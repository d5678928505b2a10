// quote() by itself; what real shells make of its words is in quote-shells.test.ts.
import { describe, expect, it } from 'vitest';
import { quote } from '../../src/ssh/quote.ts';

describe('quote', () => {
  it.each([
    ['NUL', 'a\0b', 'ssh.nul'],
    ['a high surrogate alone', '\ud800', 'ssh.lone-surrogate'],
    ['a low surrogate alone', 'a\udc00b', 'ssh.lone-surrogate'],
    ['a pair in the wrong order', '\udc00\ud800', 'ssh.lone-surrogate'],
    ['a number', 1, 'ssh.not-a-string'],
    ['nothing', undefined, 'ssh.not-a-string'],
    ['null', null, 'ssh.not-a-string'],
    ['an array of one word', ['a'], 'ssh.not-a-string'],
    ['an operator', { op: ';' }, 'ssh.not-a-string'],
    [
      'an object that changes its text',
      { toString: () => 'a', replaceAll: () => ';CANARY;' },
      'ssh.not-a-string',
    ],
    ['a boxed string', new String('a'), 'ssh.not-a-string'],
  ])('refuses %s', (_why, word, code) => {
    expect(() => quote(word as string)).toThrow(expect.objectContaining({ code }));
  });

  it('says nothing of the word that it refuses', () => {
    expect(() => quote('secret\0')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });

  it('is a plain single-quoted word, whatever the word looks like', () => {
    expect(quote('uv')).toBe("'uv'");
    expect(quote('')).toBe("''");
    expect(quote("it's")).toBe(String.raw`'it'\''s'`);
  });
});
