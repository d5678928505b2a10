// `guardrails model`, as a process of its own: what it prints and how it exits.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type EvidenceRecord, isDecision } from '../../src/evidence/record.ts';
import { drillModel } from '../../src/proof/drills/capacity-model/drill-model.ts';
import { GROWN_ROWS, GROWN_TABLE, grownForest, grownPrediction, grownSidecar } from '../fuzz/grown-forest.ts';
import { beside, withBeside } from '../left-out.ts';
import { guardrails, scratch } from './run-cli.ts';

async function laid(): Promise<{ at: string; root: string; path: string }> {
  const site = scratch();
  onTestFinished(() => site.remove());
  const at = realpathSync(site.directory);
  const root = join(at, 'models');
  await mkdir(root, { mode: 0o700 });
  const path = join(root, 'm.pkl');
  await writeFile(path, drillModel(), { mode: 0o600 });
  return { at, root, path };
}

const slow = { timeout: 120_000 };

describe('guardrails model', () => {
  it('seals, verifies and predicts; a spoiled file is refused with exit 1', slow, async () => {
    const { at, path } = await laid();
    const args = ['m.pkl', '--root', 'models'];
    expect(guardrails(['model', 'verify', ...args], at)).toMatchObject({ code: 1, stdout: '' });
    expect(guardrails(['model', 'seal', ...args], at).code).toBe(0);
    // The model may be named from here as well as from the root.
    const verified = guardrails(['model', 'verify', 'models/m.pkl', '--root', 'models'], at);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^[0-9a-f]{64} {2}integrity proven\n$/),
    });
    await writeFile(join(at, 'rows.json'), '[[1.5], [1.6], [-1e30]]');
    await writeFile(join(at, 'bad.json'), '[[1, 2]]');
    expect(guardrails(['model', 'predict', ...args, '--rows', 'rows.json'], at).stdout).toBe('10\n20\n10\n');
    expect(guardrails(['model', 'predict', ...args, '--rows', 'bad.json'], at).code).toBe(2);
    await writeFile(join(at, 'bad.json'), '[[1],\n [1,]]');
    expect(guardrails(['model', 'predict', ...args, '--rows', 'bad.json'], at).stderr).toContain(
      'json.syntax: bad.json: not JSON (line 2, column 5)',
    );
    await writeFile(join(at, 'rows.csv'), 'x\n1.5\n1.6\n-1e30\n');
    await writeFile(join(at, 'rows.ndjson'), '[1.5]\n[1.6]\n[-1e30]\n');
    for (const rows of [
      ['--csv', 'rows.csv'],
      ['--ndjson', 'rows.ndjson'],
    ])
      expect(guardrails(['model', 'predict', ...args, ...rows], at).stdout).toBe('10\n20\n10\n');
    await writeFile(join(at, 'bad.csv'), '1.5\nx\n');
    expect(guardrails(['model', 'predict', ...args, '--csv', 'bad.csv'], at)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('line 2'),
    });
    await chmod(path, 0o666);
    const refused = guardrails(['model', 'predict', ...args, '--rows', 'rows.json'], at);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('model.world-writable');
    const journal = readFileSync(join(at, '.guardrails/journal/journal-000000000000.jsonl'), 'utf8');
    expect(journal).toContain('"claim: integrity"');
  });

  it('signs a release, proves its origin and refuses an older one', slow, async () => {
    const { at } = await laid();
    await mkdir(join(at, 'state'), { mode: 0o700 });
    const key = guardrails(['keys', 'init'], at).stdout.trim();
    const seal = (version: string) =>
      guardrails(
        [
          'model',
          'seal',
          'm.pkl',
          '--root',
          'models',
          '--sign',
          '--release',
          version,
          '--expires',
          '2999-01-01',
        ],
        at,
      );
    await writeFile(join(at, 'rows.json'), '[[1.5]]');
    const origin = ['m.pkl', '--root', 'models', '--key', key, '--counters', 'state'];
    const verify = () => guardrails(['model', 'verify', ...origin], at);
    const predict = () => guardrails(['model', 'predict', ...origin, '--rows', 'rows.json'], at);
    /** The newest records: which guard, what it decided, and which claim that was about. */
    const newest = (count: number) =>
      readFileSync(join(at, '.guardrails/journal/journal-000000000000.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as EvidenceRecord)
        .filter(isDecision)
        .slice(-count)
        .map(({ guard, decision, subject }) => [guard.id, decision, subject?.name?.split(';')[0]]);
    expect(seal('2').code).toBe(0);
    expect(verify().stdout).toMatch(/integrity and origin proven\n$/);
    expect(predict()).toMatchObject({ code: 0, stdout: '10\n' });
    expect(newest(2)).toEqual([
      ['capacity-model', 'allow', 'claim: integrity'],
      ['capacity-origin', 'allow', 'claim: origin'],
    ]);
    expect(seal('1').code).toBe(0);
    for (const refused of [verify(), predict()]) {
      expect(refused).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('origin.rolled-back'),
      });
      expect(newest(2)).toEqual([
        ['capacity-model', 'allow', 'claim: integrity'],
        ['capacity-origin', 'refuse', 'claim: origin'],
      ]);
    }
    expect(seal('0').code).toBe(2);
  });

  it('inspects anything, and exits 0 only for a model that would load', slow, async () => {
    const { at, path } = await laid();
    const good = guardrails(['model', 'inspect', path, '--json'], at);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      refusals: [],
      description: { estimator: 'DecisionTreeRegressor' },
    });
    await writeFile(path, 'cposix\nsystem\n(S"touch marker"\ntR.', { mode: 0o666 });
    const bad = guardrails(['model', 'inspect', path], at);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/byte 0 +REFUSED +posix system/);
    expect(existsSync(join(at, 'marker'))).toBe(false);
    await rm(path);
    expect(guardrails(['model', 'inspect', path], at)).toMatchObject({ code: 2, stdout: '' });
  });

  it.each([
    [['model', 'verify', 'm.pkl']],
    [['model', 'verify', 'm.pkl', '--root', 'models', '--key', 'x']],
    [['model', 'verify', 'm.pkl', '--root', 'models', '--owners', 'anyone']],
    [['model', 'predict', 'm.pkl', '--root', 'models']],
    [['model', 'seal', 'm.pkl', '--root', 'models', '--release', '1']],
  ])('exits 2 with one line for %j', slow, async (args) => {
    const { at } = await laid();
    const { code, stderr } = guardrails(args, at);
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('reads a table as AGILAB writes it, for a model of that size', slow, async () => {
    const { at, root } = await laid();
    const bytes = grownForest();
    await writeFile(join(root, 'grown.pkl'), bytes, { mode: 0o600 });
    await writeFile(join(root, 'grown.pkl.sha256.json'), grownSidecar('grown.pkl', bytes), { mode: 0o600 });
    await writeFile(join(at, 'table.csv'), GROWN_TABLE);
    const args = ['model', 'predict', 'grown.pkl', '--root', root, '--csv', 'table.csv'];
    expect(guardrails(args, at)).toMatchObject({
      code: 0,
      stdout: GROWN_ROWS.map((row) => `${grownPrediction(row)}\n`).join(''),
    });
  });

  const agilab = fileURLToPath(beside('agilab'));
  it("reads AGILAB's model and its table", { ...slow, ...withBeside('agilab') }, async () => {
    const { at, root } = await laid();
    for (const name of ['balancer_model.pkl', 'balancer_model.pkl.sha256.json']) {
      await writeFile(join(root, name), readFileSync(join(agilab, name)), { mode: 0o600 });
    }
    const csv = join(agilab, 'balancer_df.csv');
    const { code, stdout } = guardrails(
      ['model', 'predict', 'balancer_model.pkl', '--root', root, '--csv', csv],
      at,
    );
    expect(code).toBe(0);
    const { cases } = JSON.parse(readFileSync(join(agilab, 'predictions.json'), 'utf8')) as {
      cases: { g: string; ybits: string }[];
    };
    const expected = cases
      .filter(({ g }) => g === 'csv')
      .map(({ ybits }) => Buffer.from(ybits, 'hex').readDoubleBE(0));
    expect(expected.length).toBeGreaterThan(0);
    const ours = new Set(stdout.trim().split('\n').map(Number));
    expect(expected.filter((value) => !ours.has(value))).toEqual([]);
  });
});
