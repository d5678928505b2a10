// The capacity-origin guard: its drills and mutants, and how the two claims about one model come together.
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { capacityModel, type TrustedModel } from '../../../src/capacity/capacity-model.ts';
import { capacityOrigin, type ProvenRelease } from '../../../src/capacity/origin/capacity-origin.ts';
import type { CapacityOriginRequest } from '../../../src/capacity/origin/origin-look.ts';
import { counterName, readCounter } from '../../../src/capacity/origin/release-counter.ts';
import { statementName } from '../../../src/capacity/origin/statement.ts';
import { sealModel } from '../../../src/capacity/seal.ts';
import { sidecarName } from '../../../src/capacity/sidecar.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import type { EvidenceSink } from '../../../src/evidence/record.ts';
import { definitionOf } from '../../../src/kernel/define.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { isGranted } from '../../../src/kernel/grants.ts';
import { drillModel } from '../../../src/proof/drills/capacity-model/drill-model.ts';
import { requiresReal } from '../../left-out.ts';
import { memoryJournal } from '../../memory-journal.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const LATER = '2999-01-01T00:00:00.000Z';
const signer = generateSigner('release');

interface Site {
  readonly root: string;
  readonly state: string;
  readonly path: string;
}

async function laid(): Promise<Site> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'origin-')));
  onTestFinished(() => rm(directory, { recursive: true }));
  const root = join(directory, 'models');
  const state = join(directory, 'state');
  for (const folder of [root, state]) await mkdir(folder, { mode: 0o700 });
  const path = join(root, 'm.pkl');
  await writeFile(path, drillModel(), { mode: 0o600 });
  return { root, state, path };
}

/** Another model that decodes: it says 11 where the first says 10. */
function otherModel(): Buffer {
  const bytes = drillModel();
  const ten = Buffer.alloc(8);
  ten.writeDoubleLE(10);
  bytes.writeDoubleLE(11, bytes.indexOf(ten));
  return bytes;
}

/** Signs what lies in the root as a release, and returns a question about its origin. */
async function released(
  { root, state }: Site,
  version: number,
  change: { by?: typeof signer; expires?: string } = {},
): Promise<CapacityOriginRequest> {
  const { by = signer, expires = LATER } = change;
  const sidecar = await sealModel({ root, model: 'm.pkl', release: { signer: by, version, expires } });
  return { root, model: 'm.pkl', digest: sidecar.digest_sha256, keys: [by.vkey], state };
}

const ask = (request: CapacityOriginRequest, journal: EvidenceSink = memoryJournal()) =>
  enforce(capacityOrigin, request, { journal });

/** Asks for both claims, as a caller does, and lets `between` happen after the first was granted. */
async function load(
  { root, state }: Site,
  journal: EvidenceSink = memoryJournal(),
  between: () => Promise<unknown> = async () => {},
): Promise<{ readonly trusted: TrustedModel; readonly release: ProvenRelease }> {
  const place = { root, model: 'm.pkl' };
  const trusted = await enforce(capacityModel, place, { journal });
  await between();
  const request = { ...place, digest: trusted.digest, keys: [signer.vkey], state };
  return { trusted, release: await enforce(capacityOrigin, request, { journal }) };
}

const counterOf = ({ state }: Site, by = signer): Promise<string> =>
  readFile(join(state, counterName(by.vkey, 'm.pkl')), 'utf8');

describe('the grant', () => {
  it('says which release by which key, and so does the record', async () => {
    const journal = memoryJournal();
    const request = await released(await laid(), 3);
    const release = await ask(request, journal);
    expect(release).toMatchObject({
      digest: request.digest,
      version: 3,
      expires: LATER,
      keys: [signer.vkey],
    });
    expect(journal.drafts).toMatchObject([
      {
        guard: { id: 'capacity-origin' },
        decision: 'allow',
        subject: { kind: 'capacity-model', digest: `sha256:${request.digest}` },
      },
    ]);
    expect(journal.drafts[0]?.subject?.name).toMatch(
      new RegExp(`^claim: origin; version 3 by key ${signer.hash}$`),
    );
  });

  it('is not even made for the guard without a release that somebody signed', async () => {
    const request = await released(await laid(), 1);
    const definition = definitionOf(capacityOrigin);
    const { signal } = new AbortController();
    const facts = await definition.observe(request, signal);
    const error = new CodedError('statement.malformed', 'why', 'what to do');
    for (const wrong of [{ signers: [] }, { release: undefined }, { release: error }]) {
      expect(() => definition.grant({ ...facts, ...wrong })).toThrow('a grant needs a signed release');
      await expect(definition.commit?.({ ...facts, ...wrong }, signal)).rejects.toThrow(
        'a grant needs a signed release',
      );
    }
    expect(readdirSync(request.state)).toEqual([]);
  });

  it('is asked for with the owners of the default, too', async () => {
    const request = await released(await laid(), 1);
    expect((await ask({ ...request, owners: 'self-or-root' })).version).toBe(1);
  });

  it('is what the guard handed out, frozen, and nothing that looks like it', async () => {
    const release = await ask(await released(await laid(), 1));
    expect(isGranted(capacityOrigin, release)).toBe(true);
    for (const other of [undefined, null, 7, 'release', { ...release }, structuredClone(release)])
      expect(isGranted(capacityOrigin, other)).toBe(false);
    for (const part of [release, release.keys]) expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('the record', () => {
  it('repeats neither path nor content of what it refuses', async () => {
    const { root, state } = await laid();
    const canary = 'canary-4d1f';
    const text = `{"${canary}": "${canary}", "${canary}": 1}`;
    await writeFile(join(root, statementName(canary)), text, { mode: 0o600 });
    const journal = memoryJournal();
    for (const model of [canary, `${canary}/x`, `../${canary}`, `${canary}-missing`]) {
      const request = { root, model, digest: '0'.repeat(64), keys: [signer.vkey], state };
      await expect(ask(request, journal)).rejects.toMatchObject({ guard: 'capacity-origin' });
    }
    expect(journal.drafts).toHaveLength(4);
    expect(JSON.stringify(journal.drafts)).not.toContain(canary);
  });

  it.each([
    ['no digest', { digest: undefined }],
    ['a digest in capitals', { digest: 'A'.repeat(64) }],
    ['a digest of 63 digits', { digest: '0'.repeat(63) }],
    ['a digest of 65 digits', { digest: '0'.repeat(65) }],
    ['a digest with a line feed', { digest: `${'0'.repeat(64)}\n` }],
    ['a digest with a prefix', { digest: `sha256:${'0'.repeat(64)}` }],
    ['no root', { root: '' }],
    ['a root of 4,097 letters', { root: `/${'r'.repeat(4096)}` }],
    ['no model', { model: '' }],
    ['a model of 4,097 letters', { model: 'm'.repeat(4097) }],
    ['no directory of counters', { state: '' }],
    ['a directory of counters of 4,097 letters', { state: `/${'s'.repeat(4096)}` }],
    ['17 pinned keys', { keys: Array.from({ length: 17 }, () => signer.vkey) }],
    ['1,001 revocations', { revoked: Array.from({ length: 1001 }, () => '0'.repeat(64)) }],
    ['an owner policy that does not exist', { owners: 'any' }],
    ['no pinned key', { keys: [] }],
    ['a pin with a mistyped key', { keys: [signer.vkey.replace(/.{4}$/, 'AAA=')] }],
    ['a revocation that is neither key nor digest', { revoked: ['everything'] }],
    ['an unknown key', { force: true }],
  ])('refuses a request with %s', async (_why, change) => {
    const right = { root: '/', model: 'm.pkl', digest: '0'.repeat(64), keys: [signer.vkey], state: '/x' };
    const { codes } = await judge(capacityOrigin, { ...right, ...change } as never);
    expect(codes).toEqual(['guard.request-invalid']);
  });
});

describe('a rule at its edge', () => {
  /** Whether the rule of this code refuses what was observed, changed in some way. */
  async function refuses(code: string, change: object, request: object = {}): Promise<boolean> {
    const asked = await released(await laid(), 1);
    const definition = definitionOf(capacityOrigin);
    const facts = await definition.observe(asked, AbortSignal.timeout(10_000));
    const rule = definition.rules.find((each) => each.code === code);
    return rule?.refuses({ ...facts, ...change, request: { ...asked, ...request } }) !== false;
  }

  it('takes a release until the millisecond in which it expires', async () => {
    const end = Date.parse(LATER);
    expect(await refuses('origin.expired', { now: end - 1 })).toBe(false);
    expect(await refuses('origin.expired', { now: end })).toBe(true);
  });

  it.each([
    ['/m', '/m', true],
    ['/m', '/m/state', true],
    ['/m', '/m-state', false],
    ['/m', '/state', false],
    ['/', '/state', true],
    ['/', '/', true],
  ])('with models below %s and counters in %s refuses: %s', async (root, state, expected) => {
    expect(await refuses('origin.state-inside-root', {}, { root, state })).toBe(expected);
  });
});

describe('both claims about one model', () => {
  it('leave a record each, and the second cannot be rolled back where the first still holds', async () => {
    const site = await laid();
    const files = [site.path, sidecarName(site.path), statementName(site.path)];
    await released(site, 1);
    const old = await Promise.all(files.map((file) => readFile(file)));
    const journal = memoryJournal();
    await load(site, journal);
    const claims = journal.drafts.map(({ subject, decision }) => [subject?.name?.split(';')[0], decision]);
    expect(claims).toEqual([
      ['claim: integrity', 'allow'],
      ['claim: origin', 'allow'],
    ]);
    expect(new Set(journal.drafts.map(({ subject }) => subject?.digest)).size).toBe(1);

    await writeFile(site.path, otherModel());
    await released(site, 2);
    expect((await load(site)).release.version).toBe(2);
    expect(readCounter(await counterOf(site))?.version).toBe(2);

    for (const [index, file] of files.entries()) await writeFile(file, old[index] ?? '');
    await expect(load(site)).rejects.toMatchObject({ guard: 'capacity-origin', code: 'origin.rolled-back' });
    expect((await judge(capacityModel, { root: site.root, model: 'm.pkl' })).decision).toBe('allow');
  });

  it('are bound by the digest: a model swapped between the two questions is refused', async () => {
    const site = await laid();
    await released(site, 1);
    const replace = async (): Promise<void> => {
      await writeFile(site.path, otherModel());
      await released(site, 2); // rightly signed, and newer: but not of the bytes that were granted
    };
    await expect(load(site, memoryJournal(), replace)).rejects.toMatchObject({ code: 'origin.other-model' });
    expect(readdirSync(site.state)).toEqual([]);

    const release = await readFile(statementName(site.path));
    await writeFile(site.path, drillModel());
    await sealModel({ root: site.root, model: 'm.pkl' }); // the bare sidecar vouches for whatever lies there
    expect(await readFile(statementName(site.path))).toEqual(release);
    await expect(load(site)).rejects.toMatchObject({ code: 'origin.other-model' });
  });

  it('need no second look at the model: what was granted stays what was released', async () => {
    const site = await laid();
    await released(site, 1);
    const { trusted, release } = await load(site, memoryJournal(), () => rm(site.path));
    expect(trusted.predict([[1]])).toEqual([10]);
    expect(release.digest).toBe(trusted.digest);
  });
});

describe('the counter', () => {
  it('counts for each key by itself: a stolen key that jumps ahead spoils no other', async () => {
    const site = await laid();
    const thief = generateSigner('release');
    const keys = [signer.vkey, thief.vkey];
    await ask({ ...(await released(site, 999_999, { by: thief })), keys });
    expect((await ask({ ...(await released(site, 3)), keys })).keys).toEqual([signer.vkey]);
  });

  it('counts for every key that signed: an old release is no newer for having lost a signature', async () => {
    const site = await laid();
    const second = generateSigner('second');
    const keys = [signer.vkey, second.vkey];
    const statement = statementName(site.path);
    /** The same release signed by both keys, or by one of them. */
    const signedBy = async (version: number, signers: readonly (typeof signer)[]) => {
      const envelopes: { signatures: unknown[] }[] = [];
      let request: CapacityOriginRequest | undefined;
      for (const by of signers) {
        request = { ...(await released(site, version, { by })), keys };
        envelopes.push(JSON.parse(await readFile(statement, 'utf8')));
      }
      const signatures = envelopes.flatMap((envelope) => envelope.signatures);
      await writeFile(statement, JSON.stringify({ ...envelopes[0], signatures }));
      return request as CapacityOriginRequest;
    };
    expect((await ask(await signedBy(5, [signer, second]))).keys).toEqual(keys);
    for (const left of [[signer, second], [signer], [second]]) {
      await expect(ask(await signedBy(4, left))).rejects.toMatchObject({ code: 'origin.rolled-back' });
    }
  });

  it("is this account's own, also where root alone may release models (needs root, to give it away)", async (context) => {
    if (!isRoot || !process.seteuid || !process.geteuid) return context.skip('not root');
    const site = await laid();
    const request: CapacityOriginRequest = { ...(await released(site, 2)), owners: 'root' };
    await chmod(join(site.root, '..'), 0o755);
    await chmod(site.root, 0o755);
    await chmod(statementName(site.path), 0o644);
    await chown(site.state, 4_711, 4_711);
    process.seteuid(4_711);
    try {
      expect((await ask(request)).version).toBe(2);
      expect((await ask(request)).version).toBe(2);
    } finally {
      process.seteuid(0);
    }
    expect((await stat(join(site.state, counterName(signer.vkey, 'm.pkl')))).uid).toBe(4_711);
  });

  it('advances only when the release is handed out', async () => {
    const site = await laid();
    const request = await released(site, 5);
    await judge(capacityOrigin, request);
    const broken = { append: () => Promise.reject(new Error('no journal')) };
    await expect(ask(request, broken)).rejects.toMatchObject({ code: 'guard.journal-failed' });
    expect(readdirSync(site.state)).toEqual([]);
    await ask(request);
    await ask(request);
    expect(await counterOf(site)).toBe(`5 ${request.digest}\n`);
  });

  it('does not advance for an expired release, however new: the one before stays in use', async () => {
    const site = await laid();
    const before = await released(site, 4);
    await ask(before);
    const statement = await readFile(statementName(site.path));
    const newest = await released(site, Number.MAX_SAFE_INTEGER, { expires: '2001-01-01T00:00:00.000Z' });
    await expect(ask(newest)).rejects.toMatchObject({ code: 'origin.expired' });
    await writeFile(statementName(site.path), statement);
    expect((await ask(before)).version).toBe(4);
  });

  it('decides again when the release is handed out: what was overtaken since the look is refused', async () => {
    const site = await laid();
    const request = await released(site, 6);
    const kept = memoryJournal();
    const append: EvidenceSink['append'] = async (draft, input) => {
      // Another process uses release 7 while our record is on its way to the disk.
      if (kept.drafts.length === 0) {
        await writeFile(join(site.state, counterName(signer.vkey, 'm.pkl')), `7 ${'a'.repeat(64)}\n`);
      }
      await kept.append(draft, input);
    };
    await expect(ask(request, { append })).rejects.toMatchObject({
      code: 'guard.commit-failed',
      cause: { code: 'counter.overtaken' },
    });
    expect(kept.drafts.map(({ decision }) => decision)).toEqual(['allow', 'error']);
    expect(readCounter(await counterOf(site))?.version).toBe(7);
  });
});

describe('a release that cannot be remembered is not handed over, and the journal says so', () => {
  const takenBack = [
    { decision: 'allow' },
    {
      decision: 'error',
      codes: ['guard.commit-failed'],
      subject: { name: expect.stringContaining('claim: origin') },
    },
  ];

  it('when the directory is gone', async () => {
    const site = await laid();
    const request = await released(site, 1);
    const kept = memoryJournal();
    const append: EvidenceSink['append'] = async (draft, input) => {
      await kept.append(draft, input);
      await rm(site.state, { recursive: true, force: true });
    };
    await expect(ask(request, { append })).rejects.toMatchObject({ code: 'guard.commit-failed' });
    expect(kept.drafts).toMatchObject(takenBack);
  });

  it('when the directory is read-only (needs a user other than root)', async (context) => {
    if (isRoot) context.skip('root may write anywhere; the next test shows it read-only file systems');
    const site = await laid();
    const request = await released(site, 1);
    await chmod(site.state, 0o500);
    const journal = memoryJournal();
    await expect(ask(request, journal)).rejects.toMatchObject({
      code: 'guard.commit-failed',
      reason: 'what must last could not be kept (EACCES)',
    });
    await chmod(site.state, 0o700);
    expect(journal.drafts).toMatchObject(takenBack);
  });

  it('when the disk is full or read-only (needs root and unshare)', {
    timeout: 60_000,
  }, async (context) => {
    // Anyone may have a namespace to mount in, but in another's the directories above would be nobody's.
    const possible = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0;
    if (!possible && !requiresReal) context.skip('not root, or no mount namespaces');
    const site = await laid();
    const module = (path: string): string => JSON.stringify(pathToFileURL(resolve(path)).href);
    const script = `
      const { capacityOrigin } = await import(${module('dist/capacity/origin/capacity-origin.js')});
      const { enforce } = await import(${module('dist/kernel/enforce.js')});
      const { execFileSync } = await import('node:child_process');
      const fs = await import('node:fs');
      const request = JSON.parse(process.argv[1]);
      const filler = request.state + '/filler';
      const ask = async () => {
        const kept = [];
        const journal = { append: async ({ decision }) => void kept.push(decision) };
        const answer = await enforce(capacityOrigin, request, { journal })
          .then(({ version }) => 'version ' + version, ({ code, cause }) => code + ' ' + cause.code);
        console.log(answer + ': ' + kept.join(', '));
      };
      try { fs.writeFileSync(filler, Buffer.alloc(1 << 20)); } catch (error) { console.log(error.code); }
      await ask();
      fs.rmSync(filler);
      await ask();
      execFileSync('mount', ['-o', 'remount,ro', request.state]);
      await ask();`;
    const shell =
      'mount -t tmpfs -o size=16k,mode=700 none "$1" && exec "$2" --input-type=module -e "$3" "$4"';
    const request = JSON.stringify(await released(site, 1));
    const argv = ['-m', 'sh', '-c', shell, 'sh', site.state, process.execPath, script, request];
    const { stdout } = await run('unshare', argv);
    expect(stdout.trim().split('\n')).toEqual([
      'ENOSPC',
      'guard.commit-failed ENOSPC: allow, error',
      'version 1: allow',
      'guard.commit-failed EROFS: allow, error',
    ]);
  });
});
