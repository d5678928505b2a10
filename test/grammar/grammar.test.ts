import { afterEach, expect, it, onTestFinished, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('node:fs/promises');
  vi.resetModules();
});

const fresh = async (): Promise<typeof import('../../src/grammar/grammar.ts')> => {
  vi.resetModules();
  return await import('../../src/grammar/grammar.ts');
};

// Two starts at the same time made the drills of remote-command, or of notebooks, fail to look now and then.
it('starts the parser once for callers that ask for both languages at the same time', async () => {
  const { Parser } = await import('web-tree-sitter');
  const start = vi.spyOn(Parser, 'init');
  onTestFinished(() => start.mockRestore());
  const { grammarOf } = await fresh();
  const [bash, python, again] = await Promise.all([
    grammarOf('bash'),
    grammarOf('python'),
    grammarOf('bash'),
  ]);
  expect(again).toBe(bash);
  expect(start).toHaveBeenCalledTimes(1);
  const roots = [
    bash.parser.parse('ls "$HOME"'),
    python.parser.parse('import os\n'),
    bash.parser.parse('ls &&'),
  ];
  expect(roots.map((tree) => [tree?.rootNode.type, tree?.rootNode.hasError])).toEqual([
    ['program', false],
    ['module', false],
    ['program', true],
  ]);
  const [found] = python.query('(import_statement) @it').captures(roots[1]?.rootNode as never);
  expect(found?.node.text).toBe('import os');
});

it('reads a grammar anew where the file could not be read before', async () => {
  const fs = await import('node:fs/promises');
  const readFile = vi
    .fn(fs.readFile)
    .mockRejectedValueOnce(Object.assign(new Error('EMFILE'), { code: 'EMFILE' }));
  vi.doMock('node:fs/promises', () => ({ ...fs, readFile }));
  const { grammarOf } = await fresh();
  await expect(grammarOf('bash')).rejects.toMatchObject({ code: 'EMFILE' });
  const { parser } = await grammarOf('bash');
  expect(parser.parse('ls')?.rootNode.hasError).toBe(false);
});
