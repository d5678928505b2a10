// The known_hosts reader beside ssh-keygen -F, for several names in one file. What ours finds more must take trust away:
// a line that revokes, or that may have been meant to.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entriesFor, type KnownHost, parseKnownHosts } from '../../../src/ssh/host-key/known-hosts.ts';
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIqHPLJeGMYJ2DpeAT9vQ2ZZBa7QKLKCIGVTSbmdNbIf';
const NAMES = ['a.example', '[a.example]:2222', '10.0.0.7', '::1'];
/** `a.example`, hashed by ssh-keygen -H. */
const HASHED = '|1|iJmbaXVAPXKvC9dyEGzc8UCXoVU=|RMrpyRpzs1GMQuEYrqX5pFyhxZM=';

/** Numbers of the lines that ssh-keygen finds for each name. */
function theirs(file: string): readonly (readonly number[])[] {
  const script = `for name; do ssh-keygen -l -F "$name" -f "$FILE" 2>/dev/null; echo "$name done"; done`;
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...NAMES], {
    env: { ...process.env, FILE: file },
    encoding: 'latin1',
  });
  let rest = stdout;
  return NAMES.map((name) => {
    const [part = '', ...after] = rest.split(`${name} done\n`);
    rest = after.join(`${name} done\n`);
    return [...part.matchAll(/^# Host \S+ found: line (\d+)/gm)].map(([, line]) => Number(line));
  });
}

export const target = {
  name: 'known-hosts',
  oracle: 'ssh-keygen -F',
  unavailable: missing('ssh-keygen'),
  seeds: [
    `a.example ${ED25519}\n10.0.0.7,::1 ${ED25519} comment\n`,
    `[a.example]:2222 ${ED25519}\n*.example,!b.example ${ED25519}\n?.example ${ED25519}\n`,
    `@revoked a.example ${ED25519}\n@cert-authority *.example ${ED25519}\n# a.example ${ED25519}\n`,
    `${HASHED} ${ED25519}\n\t a.example\t${ED25519}\r\n\n10.0.0.* ${ED25519}`,
    `A.EXAMPLE ${ED25519}\n!* ${ED25519}\n*,!10.0.0.7 ${ED25519}\n[*]:2222 ${ED25519}\n`,
  ].map(bytesOf),
  words: [
    ...[ED25519, HASHED].flatMap((word) => [word, word.slice(0, 24), word.slice(24)]),
    ...'ssh-ed25519|ssh-rsa|@revoked |@revoked\t|@cert-authority |@other |a.example|*|?|!|,|[|]:2222|:|#|=|"|\\'.split(
      '|',
    ),
    ...'| |\t|\n|\r|\r\n|\0|\u000b|\u000c|é'.split('|'),
  ],
  fuzz(bytes) {
    const directory = mkdtempSync(join(tmpdir(), 'guardrails-fuzz-'));
    try {
      const file = join(directory, 'known_hosts');
      writeFileSync(file, bytes);
      const entries = parseKnownHosts(Buffer.from(bytes).toString('latin1'), file);
      for (const [index, expected] of theirs(file).entries()) {
        const mine = entriesFor(NAMES[index] ?? '', entries);
        const isTrust = ({ marker }: KnownHost): boolean => marker === 'none' || marker === 'cert-authority';
        const lines = new Set(mine.map(({ line }) => line));
        const more = mine.filter((entry) => isTrust(entry) && !expected.includes(entry.line));
        if (more.length > 0 || expected.some((line) => !lines.has(line))) {
          throw new Error(
            `for ${NAMES[index]} ours finds [${[...lines].join()}], ssh-keygen [${expected.join()}]`,
          );
        }
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
} satisfies FuzzTarget;
