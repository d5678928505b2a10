// A writer that is killed at any moment: what it acknowledged is there, and the next one goes on. GUARDRAILS_KILLS says how
// often (default 5).
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { processIdentity } from '../../src/evidence/identity.ts';
import { initKeys } from '../../src/evidence/key-store.ts';
import { journalDirectory, openState } from '../../src/evidence/state.ts';
import { verifyDirectory } from '../../src/evidence/verify-native.ts';
import { scratch } from './support.ts';

const KILLS = Number(process.env['GUARDRAILS_KILLS'] ?? 5);
const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Eight callers that append for ever, each id printed once its record is acknowledged. Files are closed often. */
const WRITER = `
  import { loadSigner } from ${JSON.stringify(join(DIST, 'evidence/key-store.js'))};
  import { openJournal } from ${JSON.stringify(join(DIST, 'evidence/open-journal.js'))};
  import { uuidv7 } from ${JSON.stringify(join(DIST, 'evidence/uuid.js'))};
  import { writeSync } from 'node:fs';
  const [dir] = process.argv.slice(1);
  const signer = await loadSigner(dir);
  const journal = await openJournal({ directory: dir + '/journal', signer, segmentBytes: 200_000 });
  const caller = async () => {
    for (;;) {
      const { id } = await journal.append({ id: uuidv7(), guard: { id: 'acme/g', version: '1', codeDigest: 'a'.repeat(64) },
        dimension: 'd', decision: 'allow', codes: [], reason: '', policyDigest: 'b'.repeat(64), method: 'none',
        replay: { argv: [] }, mode: 'enforce' }, '');
      writeSync(1, id + '\\n');
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));`;

/** Starts a writer, and kills it a while after its first words, or, every other time, after its start. */
async function killed(dir: string, round: number): Promise<readonly string[]> {
  const argv = ['--input-type=module', '-e', WRITER, dir];
  const child: ChildProcess = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let doomed = false;
  const soon = (upTo: number): void => {
    if (!doomed) setTimeout(() => child.kill('SIGKILL'), Math.random() * upTo);
    doomed = true;
  };
  if (round % 2 === 1) soon(400);
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
    soon(60);
  });
  expect(await new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)))).toBe(
    'SIGKILL',
  );
  return output.split('\n').slice(0, -1);
}

it(
  `keeps every record that it acknowledged, killed ${KILLS} times`,
  async () => {
    const dir = await scratch();
    const signer = await initKeys(dir);
    const promised: string[] = [];
    for (let round = 0; round < KILLS; round++) promised.push(...(await killed(dir, round)));
    await (await openState({ dir })).close();
    const directory = journalDirectory(dir);
    const ids = new Set<string>();
    for (const name of readdirSync(directory).filter((each) => each.endsWith('.jsonl'))) {
      // The last file has no line yet where the writer was killed between making it and writing to it.
      for (const line of readFileSync(join(directory, name), 'utf8').split('\n').filter(Boolean))
        ids.add((JSON.parse(line) as { id: string }).id);
    }
    expect(promised.length).toBeGreaterThan(KILLS);
    expect(promised.filter((id) => !ids.has(id))).toEqual([]);
    const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
    const verdict = await verifyDirectory(directory, { pins, keepLines: false });
    expect(verdict.problems).toEqual([]);
    expect(verdict).toMatchObject({ size: ids.size, key: 'pinned', unsealed: { open: 0 } });
    if (KILLS > 100)
      console.log(`${KILLS} kills, ${promised.length} records acknowledged, all there of ${ids.size}`);
  },
  60_000 + KILLS * 2_000,
);
