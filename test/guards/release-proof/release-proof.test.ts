import { appendFile, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ReleaseProofRequest, releaseProof } from '../../../src/guards/release-proof/release-proof.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { liveReleaseProof } from '../../../src/proof/drills/release-proof/live-release-proof.ts';
import { siteIn } from '../../drill-site.ts';
import { memoryJournal } from '../../memory-journal.ts';

let root = '';
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'release-proof-')));
});
afterAll(() => rm(root, { recursive: true }));

describe('this package', () => {
  it('is built from its sources, on packages as they came in their tarballs', {
    timeout: 180_000,
  }, async () => {
    const directory = join(root, 'site');
    await mkdir(directory, { mode: 0o700 });
    const request = await liveReleaseProof(siteIn(directory));
    const options = { journal: memoryJournal(), timeoutMs: 120_000 };
    const granted = await enforce(releaseProof, request, options);
    expect(granted.compiled).toBeGreaterThan(100);
    expect(granted.packages).toBeGreaterThan(20);

    // The look at imports cannot tell what room a merged line came from: this guard can.
    const built = join(root, 'built');
    await cp(request.built, built, { recursive: true });
    const { timeoutMs } = options;
    await writeFile(join(built, 'node/more.js'), '');
    const added = await judge(releaseProof, { ...request, built }, { timeoutMs });
    expect(added.reason).toMatch(/node\/more\.js comes from no source$/);
    await rm(join(built, 'node/more.js'));
    await appendFile(join(built, 'node/guards.js'), '\n');
    const edited = await judge(releaseProof, { ...request, built }, { timeoutMs });
    expect(edited).toMatchObject({
      codes: ['release-proof.not-from-source'],
      reason: expect.stringMatching(/node\/guards\.js holds something else$/),
    });
  });
});

describe('whatever is asked', () => {
  it('is answered by a decision', async () => {
    const path = fc.oneof(
      fc.constantFrom('/dev', '/dev/null', '/proc/self/fd', root, join(root, 'list')),
      fc.string(),
    );
    const request = fc.record({
      built: fc.constantFrom(root, '/nowhere'),
      rebuilt: path,
      modules: path,
      dependencies: path,
    });
    const list = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((packages) => JSON.stringify({ schema: 'agilab.dependencies_lock.v1', packages })),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(request, fc.anything()), list, async (asked, text) => {
        await writeFile(join(root, 'list'), text);
        const { decision, codes } = await judge(releaseProof, asked as ReleaseProofRequest);
        expect(decision).not.toBe('allow');
        expect(codes[0]).toMatch(/^(?:guard|release-proof)\./);
      }),
      { numRuns: 100 },
    );
  });
});
