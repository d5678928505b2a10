// Verification where there is nothing of Node's: one bundle for browsers, run among the globals that they have.
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { processIdentity } from '../../src/evidence/identity.ts';
import { readJournal } from '../../src/evidence/journal-files.ts';
import { generateSigner } from '../../src/evidence/keys.ts';
import { openJournal } from '../../src/evidence/open-journal.ts';
import type * as portableRoom from '../../src/evidence/portable.ts';
import { proveRecord } from '../../src/evidence/prove.ts';
import { verifyJournal } from '../../src/evidence/verify-native.ts';
import { bytesOf, draft, scratch } from './support.ts';

const ROOT = new URL('../../', import.meta.url).pathname;

it('says of a journal and of a proof what Node says, with the globals of a browser alone', async () => {
  const { outputFiles } = await build({
    entryPoints: [`${ROOT}src/evidence/portable.ts`],
    bundle: true,
    write: false,
    platform: 'browser', // a module of Node's would end the build
    format: 'iife',
    globalName: 'evidence',
    target: 'es2023',
  });
  const signer = generateSigner('agilab-guardrails/test');
  const directory = await scratch();
  const journal = await openJournal({ directory, signer });
  const records = [await journal.append(draft(), ''), await journal.append(draft(), '')];
  await journal.close();
  const files = await readJournal(directory);
  const bytes = Uint8Array.from(await bytesOf(files));
  const pins = [{ vkey: signer.vkey, host: processIdentity().host }];

  const web = { TextEncoder, TextDecoder, atob, btoa, setTimeout, performance, Uint8Array, URL, crypto };
  const context = createContext({ ...web });
  runInContext(new TextDecoder().decode(outputFiles[0]?.contents), context);
  const room = runInContext('evidence', context) as typeof portableRoom;
  const inMemory = (content: Uint8Array): portableRoom.JournalFiles => ({
    segments: [{ first: 0, bytes: () => [content] }],
    checkpoint: files.checkpoint,
  });
  const said = await room.verifyJournal(inMemory(bytes), { pins });
  const native = await verifyJournal(await readJournal(directory), { pins });
  expect(JSON.stringify(said)).toBe(JSON.stringify(native));
  expect(said).toMatchObject({ ok: true, size: 3 });
  bytes[bytes.length - 100] = (bytes.at(-100) ?? 0) ^ 1;
  expect((await room.verifyJournal(inMemory(bytes), { pins })).ok).toBe(false);
  const proof = await proveRecord(directory, records[1]?.id ?? '');
  expect(room.verifyProof(proof, [signer.vkey]).record.id).toBe(records[1]?.id);
});
