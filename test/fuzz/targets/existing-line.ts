// The reader of lines that somebody else wrote: what it reads as words, dash and bash must give to the program as the
// same words, with the same variables, and run nothing else.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLine } from '../../../src/ssh/existing-line.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const SHELLS = ['dash', 'bash'].filter((name) => spawnSync(name, ['-c', ':']).status === 0);

let site: { readonly home: string; readonly path: string } | undefined;
function makeSite(): { readonly home: string; readonly path: string } {
  const home = mkdtempSync(join(tmpdir(), 'fuzz-existing-line-'));
  process.on('exit', () => rmSync(home, { recursive: true, force: true }));
  const path = join(home, 'bin');
  mkdirSync(path);
  writeFileSync(join(path, 'uv'), `#!/bin/sh\n/usr/bin/printf '%s\\0' uv "$@"\n/usr/bin/env -0\n`);
  writeFileSync(join(path, 'CANARY'), `#!/bin/sh\n: >'${home}/ran'\n`);
  for (const name of ['uv', 'CANARY']) chmodSync(join(path, name), 0o755);
  return { home, path };
}

export const target = {
  name: 'existing-line',
  oracle: 'dash and bash',
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
  async fuzz(bytes) {
    site ??= makeSite();
    const text = Buffer.from(bytes).toString('utf8');
    const reading = await readLine(text, site);
    if ('unread' in reading) return;
    const at = reading.words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
    const variables = reading.words.slice(0, at);
    // Only this program is there to tell what it got, and only variables that no shell gives a meaning.
    if (reading.words[at] !== 'uv' || !variables.every((word) => /^[A-Z]=/.test(word))) return;
    for (const shell of SHELLS) {
      const env = { HOME: site.home, PATH: site.path, LC_ALL: 'C.UTF-8' };
      const child = spawnSync(`/bin/${shell}`, ['-c', text], { env, cwd: site.home, input: '' });
      const found = child.stdout.toString().split('\0');
      const words = reading.words.slice(at);
      const isSame = words.every((word, index) => word === found[index]);
      const environment = found.slice(words.length);
      const last = new Map(variables.map((word) => [word[0], word]));
      const isSet = [...last.values()].every((word) => environment.includes(word));
      if (!isSame || !isSet || !/^[A-Za-z_]\w*=/.test(environment[0] ?? ''))
        throw new Error(`${shell} reads other words`);
      if (existsSync(join(site.home, 'ran'))) throw new Error(`${shell} ran another program`);
    }
  },
} satisfies FuzzTarget;
