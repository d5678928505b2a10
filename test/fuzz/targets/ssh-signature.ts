// The reader of SSH signatures beside ssh-keygen: what ours takes as a signature of a tag, `ssh-keygen -Y verify` takes too. What it
// takes and ours does not is one of the stricter forms that are named here.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgeTag } from '../../../src/guards/external-app/signed-tag.ts';
import made from '../../guards/external-app/signatures.json' with { type: 'json' };
import { missing } from '../../ssh/support.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const asked = { name: 'v1.0', allowedSigners: made.lines.join('') };
const COMMIT = 'a'.repeat(40);

/**
 * ssh-keygen reads base64 with blanks and other line breaks, and anything after the last line; passes over the reserved field; and
 * takes a token that was not touched, and a number of RSA without its leading zero bytes.
 */
const STRICTER =
  /has another armour|reserved field|nobody touched|field of another length|more or fewer fields/;

function theirs(signature: Uint8Array): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-sshsig-'));
  try {
    writeFileSync(join(directory, 'list'), asked.allowedSigners);
    writeFileSync(join(directory, 'sig'), signature);
    const about = ['-n', 'git', '-I', 'maintainer@example.org', '-f', 'list', '-s', 'sig'];
    const { status } = spawnSync('ssh-keygen', ['-Y', 'verify', ...about], {
      cwd: directory,
      input: made.payload,
    });
    return status === 0;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

export const target = {
  name: 'ssh-signature',
  oracle: 'ssh-keygen -Y verify',
  unavailable: missing('ssh-keygen'),
  seeds: made.signatures.map(bytesOf),
  words: [
    '-----BEGIN SSH SIGNATURE-----\n',
    '\n-----END SSH SIGNATURE-----\n',
    ...'AAAA U1NIU0lH AAAAA2dpdA AAAAAA c2hhNTEy c2hhMjU2 ////'.split(' '),
    ...'\n\r\t ='.split(''),
  ],
  fuzz(bytes) {
    const tag = judgeTag(Buffer.concat([Buffer.from(made.payload), bytes]), COMMIT, asked);
    if (tag.listFault ?? tag.namesOther) throw new Error(`the tag is not judged: ${tag.listFault}`);
    const ours = tag.principals !== undefined && tag.isForged === false;
    const others = theirs(bytes);
    if (ours && !others) throw new Error('ours alone takes it');
    if (!ours && others && !STRICTER.test(tag.signatureFault ?? ''))
      throw new Error(`ssh-keygen alone takes it: ${JSON.stringify(tag)}`);
  },
} satisfies FuzzTarget;
