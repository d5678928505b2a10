// Every fuzz target holds on its seeds and on everything that it once failed on.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { corpusOf, loadTargets, readCorpus } from './target.ts';

describe.each(await loadTargets())('$name', (target) => {
  it('holds on its seeds', async ({ skip }) => {
    if (target.unavailable) skip(target.unavailable);
    for (const seed of target.seeds) await expect((async () => target.fuzz(seed))()).resolves.not.toThrow();
  });

  const corpus = [...readCorpus(target.name)];
  it.for(corpus)('holds on %s', async ([file, input], { skip }) => {
    if (target.unavailable) skip(target.unavailable);
    const origin = readFileSync(new URL('ORIGIN.md', corpusOf(target.name)), 'utf8');
    expect(origin).toMatch(new RegExp(`^- ${file}: \\S`, 'm'));
    await target.fuzz(input);
  });
});
