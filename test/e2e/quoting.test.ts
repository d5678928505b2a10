// Every hostile word of the corpus and twenty thousand random ones, through the real sshd, to users of every login
// shell, on both ways that the transport takes. Any word that runs the canary, or arrives changed, fails.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enforce } from '../../src/kernel/enforce.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { connect } from '../../src/ssh/transport/connect.ts';
import { hostileWords } from '../corpora/words.ts';
import { leftOut } from '../left-out.ts';
import { missing, withoutLogin } from '../ssh/support.ts';
import { loginShells, startHost, type TestHost } from './host.ts';

const RANDOM_PER_SHELL = 2_000;

const journal = { append: async (): Promise<void> => {} };
const hostile = fc.constantFrom(
  ...Array.from(`'"\\$\`!;&|<>(){}[]*?~#=%^-+@:, `),
  '\n',
  '\t',
  '\r',
  'CANARY',
  '$(CANARY)',
);
const character = fc.oneof(hostile, fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }));
const randomWord = fc
  .array(character, { maxLength: 24 })
  .map((parts) => parts.join(''))
  .filter((word) => !word.includes('\0') && word.isWellFormed());

/** In pieces that fit the carrier, where each byte may take five. */
function* batches(words: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const word of words) {
    const size = Buffer.byteLength(word) * 4 + 3; // at worst, all single quotes
    if (bytes + size > 20_000) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(word);
    bytes += size;
  }
  yield batch;
}

describe('words for users of any shell', {
  timeout: 300_000,
  ...leftOut(missing('sshd', 'ssh-keygen') || withoutLogin()),
}, () => {
  // The directory in which the canary leaves its trace: open to all, with the canary first on everybody's PATH.
  let cage: string;
  let trace: string;
  let host: TestHost;
  beforeAll(async () => {
    cage = mkdtempSync(join(tmpdir(), 'guardrails-canary-'));
    trace = join(cage, 'traces', 'ran');
    chmodSync(cage, 0o755);
    for (const [name, mode] of [
      ['bin', 0o755],
      ['traces', 0o777],
    ] as const) {
      mkdirSync(join(cage, name));
      chmodSync(join(cage, name), mode);
    }
    writeFileSync(join(cage, 'bin', 'CANARY'), `#!/bin/sh\n: >>'${trace}'\n`, { mode: 0o755 });
    host = await startHost({
      shells: loginShells,
      config: [`SetEnv PATH=${join(cage, 'bin')}:/usr/bin:/bin`],
    });
  });
  afterAll(async () => {
    await host.stop();
    rmSync(cage, { recursive: true, force: true });
  });

  it.each(loginShells)('arrive as they are at %s', async (shell) => {
    const connection = await connect(host.target(host.userWith(shell)), host.credentials, { journal });
    const deliver = async (words: readonly string[], stdin?: string): Promise<void> => {
      const granted = await enforce(remoteCommand, argv(['printf', '%s\\0', ...words]), { journal });
      const result = await connection.run(granted, stdin === undefined ? {} : { stdin });
      expect(result).toMatchObject({ outcome: 'exited', code: 0 });
      expect(result.stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
    };
    const random = fc.sample(randomWord, RANDOM_PER_SHELL);
    for (const batch of batches([...hostileWords(), ...random])) {
      await deliver(batch);
      await deliver(batch, 'with standard input');
    }
    // The canary is alive: what a command names on purpose does run.
    expect(existsSync(trace)).toBe(false);
    await connection.run(await enforce(remoteCommand, argv(['CANARY']), { journal }));
    expect(existsSync(trace)).toBe(true);
    rmSync(trace);
    connection.close();
  });
});
