// Names each shell in which nothing was proven, because it is not on this machine.
import { expect, it } from 'vitest';
import { absentShells, posixShells } from './shells.ts';

it('has a shell of the POSIX family to prove commands in', () => {
  expect(posixShells.length).toBeGreaterThan(0);
});

it.for(absentShells)('proves commands in %s', (name, context) => {
  expect(posixShells.map((shell) => shell.name)).not.toContain(name);
  context.skip(`no ${name} here`);
});
