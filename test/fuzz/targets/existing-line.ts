// The reader of lines that somebody else wrote: what it reads as words, shells must give to the program as the
// same words, with the same variables, and run nothing else.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLine } from '../../../src/ssh/existing-line.ts';
import { locate } from '../../locate.ts';
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const SHELLS = ['dash', 'bash', 'zsh', 'ksh93'];

/** Makes a home with the only programs that a line can find. */
function makeSite(): { readonly home: string; readonly path: string } {
  const home = mkdtempSync(join(tmpdir(), 'guardrails-fuzz-'));
  const path = join(home, 'bin');
  mkdirSync(path);
  writeFileSync(join(path, 'uv'), `#!/bin/sh\n/usr/bin/printf '%s\\0' uv "$@"\n/usr/bin/env -0\n`);
  writeFileSync(join(path, 'CANARY'), `#!/bin/sh\n: >'${home}/ran'\n`);
  for (const name of ['uv', 'CANARY']) chmodSync(join(path, name), 0o755);
  return { home, path };
}

/** Runs the line and throws where a shell gives the program other words or variables. */
function compare(text: string, words: readonly string[], variables: readonly string[], home: string): void {
  for (const shell of SHELLS) {
    const env = { HOME: home, PATH: join(home, 'bin'), LC_ALL: 'C.UTF-8' };
    const child = spawnSync(locate(shell) ?? shell, ['-c', text], { env, cwd: home, input: '' });
    const found = child.stdout.toString().split('\0');
    const isSame = words.every((word, index) => word === found[index]);
    const environment = found.slice(words.length);
    const last = new Map(variables.map((word) => [word[0], word]));
    const isSet = [...last.values()].every((word) => environment.includes(word));
    if (!isSame || !isSet || !/^[A-Za-z_]\w*=/.test(environment[0] ?? ''))
      throw new Error(`${shell} reads other words`);
    if (existsSync(join(home, 'ran'))) throw new Error(`${shell} ran another program`);
  }
}

export const target = {
  name: 'existing-line',
  oracle: 'dash, bash, zsh and ksh93',
  seeds: [
    'uv --project wenv/x run -p 3.14+gil python wenv/cli.py unzip wenv/x',
    `A=1 B="x y" uv 'it is' "$HOME/a b"'c' "" --with "psutil>=7,<8"`,
    'export PATH="$HOME/bin:$PATH"; A=b uv --version',
    'uv "$(CANARY)" `CANARY` "`CANARY`" $(CANARY)',
    'uv a; CANARY && CANARY | CANARY & CANARY',
    'uv {CANARY,b} ~ * [a] \\; #x =y !z',
  ].map(bytesOf),
  words: [
    ...`' " ' " $ \` \\ ; & | < > ( ) { } [ ] * ? ~ ! # = CANARY $(CANARY) "$HOME" "$PATH" $HOME A= uv`.split(
      ' ',
    ),
    ...' |  |\n|\t|\r|\u00a0|é|語|$\'|$"|<<E|<<<|((|export |"$X"|% '.split('|'),
  ],
  unavailable: missing(...SHELLS),
  async fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    // Most lines are not read: they need no site.
    if ('unread' in (await readLine(text, { home: '/', path: '/' }))) return;
    const site = makeSite();
    try {
      const reading = await readLine(text, site);
      if ('unread' in reading) throw new Error('the home decides what is read');
      const at = reading.words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
      const variables = reading.words.slice(0, at);
      // Only this program is there to tell what it got, and only variables that no shell gives a meaning.
      const isTold = reading.words[at] === 'uv' && variables.every((word) => /^[A-Z]=/.test(word));
      if (isTold) compare(text, reading.words.slice(at), variables, site.home);
    } finally {
      rmSync(site.home, { recursive: true });
    }
  },
} satisfies FuzzTarget;
