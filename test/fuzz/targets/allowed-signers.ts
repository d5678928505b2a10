// The reader of allowed signers beside ssh-keygen: a key that a list of ours allows, `ssh-keygen -Y verify` allows for each principal
// of the line. A list that it reads and ours does not has a form that ours names.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeTag, type SignedTag } from '../../../src/guards/external-app/signed-tag.ts';
import made from '../../guards/external-app/signatures.json' with { type: 'json' };
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const [signature = ''] = made.signatures;
const content = Buffer.from(made.payload + signature);
const COMMIT = 'a'.repeat(40);
/** When the tag says that it was made, as ssh-keygen wants it. */
const TIME = '20231114221320Z';

/** As git asks: first who could have signed, then whether one of them did. */
function theirs(list: Uint8Array): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-signers-'));
  const run = (...words: readonly string[]) =>
    spawnSync('ssh-keygen', ['-Y', ...words, '-f', 'list', '-s', 'sig', `-Overify-time=${TIME}`], {
      cwd: directory,
      input: made.payload,
      encoding: 'latin1',
    });
  try {
    writeFileSync(join(directory, 'list'), list);
    writeFileSync(join(directory, 'sig'), signature);
    const found = run('find-principals').stdout.split('\n').filter(Boolean);
    return found.some((principal) => run('verify', '-n', 'git', '-I', principal).status === 0);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function judged(list: string): SignedTag {
  return judgeTag(content, COMMIT, { name: 'v1.0', allowedSigners: list });
}

const [plain = '', ...others] = made.lines;
const withOptions = (options: string): string => plain.replace(' ', ` ${options} `);
const TIMES = ['20231114', '202311142213', '20231114221320', '20231114221319', '20231114221321', '20231131'];

export const target = {
  name: 'allowed-signers',
  oracle: 'ssh-keygen -Y find-principals and -Y verify',
  unavailable: missing('ssh-keygen'),
  seeds: [
    plain,
    `# a comment\n\n \t\n${others.join('')}`,
    `${others.slice(0, 3).join('')}${plain}`,
    plain.replace(' ', ',*@example.net\t').replace('\n', ' "a comment\n'),
    withOptions('namespaces="git"'),
    withOptions('namespaces="file,git",valid-after="20200101Z"'),
    withOptions('NameSpaces="file"'),
    withOptions('namespaces="g*"'),
    withOptions('cert-authority'),
    ...TIMES.flatMap((time) => [
      withOptions(`valid-after="${time}Z"`),
      withOptions(`valid-before="${time}Z",namespaces="git"`),
    ]),
    withOptions('valid-before="20991231"'),
  ].map(bytesOf),
  words: [
    ...' \t\n\r#",!*Z=\\\0'.split(''),
    ...'cert-authority, valid-after="20240101Z", valid-before="20230101Z" namespaces="git" ssh-ed25519 ssh-rsa'.split(
      ' ',
    ),
  ],
  fuzz(bytes) {
    const list = Buffer.from(bytes).toString('utf8');
    if (!Buffer.from(list).equals(bytes)) return; // a request is text
    const tag = judged(list);
    const ours = tag.principals !== undefined && tag.isForged === false;
    const others = theirs(bytes);
    if (ours && !others) throw new Error('ours alone allows the key');
    if (!ours && others && tag.listFault === undefined) throw new Error('ssh-keygen alone allows the key');
  },
} satisfies FuzzTarget;
