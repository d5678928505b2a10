// The score that the built command computes on this machine, and what lowers it.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proofs } from '../../src/proof/catalogue.ts';
import { type BuiltPackage, buildPackage } from '../built-package.ts';
import { requiresReal } from '../left-out.ts';
import { type CliResult, scratch } from './run-cli.ts';

interface Result {
  readonly guard: string;
  readonly drill: string;
  readonly mutant?: string;
  readonly passed: boolean;
  /** Why it could not be built here. */
  readonly unavailable?: string;
}
interface Claim {
  readonly drills: readonly unknown[];
  readonly mutants: readonly unknown[];
  /** Where the guard is asked about this package itself as well. */
  readonly live?: string;
}

/** Every guard drilled once, by the built code; tests that change something take a copy. */
let built: BuiltPackage;
let drillRun: CliResult;
/** Its scorecard, and that as a signed statement. */
let printed: CliResult;
let signed: CliResult;
const drilled = scratch();
beforeAll(() => {
  built = buildPackage();
  drillRun = built.guardrails(['drill', '--mutants', '--json'], drilled.directory);
  printed = built.guardrails(['scorecard', '--compact'], drilled.directory);
  signed = built.guardrails(['scorecard', '--format', 'intoto'], drilled.directory);
}, 300_000);
afterAll(() => {
  drilled.remove();
  built.remove();
});

function withCopy(work: (directory: string, journal: string) => void): void {
  const copy = scratch();
  try {
    cpSync(drilled.directory, copy.directory, { recursive: true });
    work(copy.directory, join(copy.directory, '.guardrails/journal/journal-000000000000.jsonl'));
  } finally {
    copy.remove();
  }
}

const card = (directory: string, args: readonly string[] = [], by: BuiltPackage = built) => {
  const { code, stdout } = by.guardrails(['scorecard', '--compact', ...args], directory);
  return { code, ...JSON.parse(stdout) };
};
const whyOf = (directory: string, probe: string, by: BuiltPackage = built): unknown =>
  card(directory, [], by).probes.find((finding: { probe: string }) => finding.probe === probe);
const milliOf = (directory: string): number => card(directory).score.milli;

describe('a run of everything', () => {
  it('holds in every drill, and catches every mutant', () => {
    const { drills, mutants } = JSON.parse(drillRun.stdout) as Record<'drills' | 'mutants', Result[]>;
    const mayLack = !requiresReal;
    const bad = [...drills, ...mutants].filter(
      ({ passed, unavailable }) => !passed && !(mayLack && unavailable !== undefined),
    );
    expect(bad).toEqual([]);
    const { claims } = JSON.parse(readFileSync('data/claims.json', 'utf8')) as { claims: Claim[] };
    const asked = claims.flatMap(({ drills: own, live }) => (live === undefined ? own : [...own, live]));
    expect(drills).toHaveLength(asked.length);
    expect(mutants).toHaveLength(claims.flatMap((claim) => claim.mutants).length);
    const order = [...new Set([...drills, ...mutants].map(({ guard }) => guard))];
    expect(order).toEqual(proofs.map(({ guard }) => guard.id));
    // Each look that is broken on purpose is noticed by the drill that is asked first: any other is one built in vain.
    const held = new Set(drills.flatMap((each) => (each.passed ? `${each.guard}/${each.drill}` : [])));
    const looks = proofs.flatMap(({ guard, brokenLooks }) =>
      brokenLooks.flatMap(({ id, noticedBy }) =>
        noticedBy && held.has(`${guard.id}/${noticedBy}`) ? [[guard.id, id, noticedBy]] : [],
      ),
    );
    const noticed = mutants.map(({ guard, mutant, drill }) => [guard, mutant, drill]);
    expect(noticed).toEqual(expect.arrayContaining(looks));
    expect(drillRun.code).toBe(0);
  });
});

describe('the scorecard of a machine on which everything was drilled', () => {
  it('is live in every row', () => {
    expect(drillRun.code).toBe(0);
    expect(JSON.parse(printed.stdout)).toMatchObject({
      schema: 'agilab.architecture_scorecard.v2',
      score: { conditional: false },
      grades: {
        architecture_runtime_guardrails: 'E4',
        architecture_remote_execution_hardening: 'E4',
        architecture_capacity_model_trust_boundary: 'E4',
        architecture_hardening_gap_register: 'E4',
        architecture_claim_boundary: 'E4',
      },
      movement: { baseline: null, unsupported: [] },
    });
  });

  it('prints one line with every key of version 1', () => {
    const { code, stdout } = printed;
    expect(stdout.trimEnd()).not.toContain('\n');
    const keys = Object.keys(JSON.parse(stdout));
    const v1 = ['kpi', 'supported_score', 'score_scope', 'status', 'summary', 'checks'];
    expect(keys).toEqual(expect.arrayContaining([...v1, 'score', 'coverage', 'register']));
    expect(code).toBe(JSON.parse(stdout).status === 'pass' ? 0 : 1);
  });

  it('falls to nothing when a line is deleted, edited, swapped or cut off, and verify names it', () => {
    const lines = readFileSync(
      join(drilled.directory, '.guardrails/journal/journal-000000000000.jsonl'),
      'utf8',
    )
      .split('\n')
      .slice(0, -1);
    const join2 = (changed: readonly string[]): string => `${changed.join('\n')}\n`;
    const attacks: readonly (readonly [string, string, number])[] = [
      ['deleted', join2(lines.toSpliced(4, 1)), 5],
      ['edited', join2(lines.with(6, lines[6]?.replace('"reason":"', '"reason":"really, ') ?? '')), 7],
      ['swapped', join2(lines.with(2, lines[3] ?? '').with(3, lines[2] ?? '')), 3],
      ['cut off', join2(lines.slice(0, -2)), lines.length - 1],
    ];
    expect(JSON.parse(printed.stdout).score.milli).toBeGreaterThan(0);
    for (const [what, text, line] of attacks) {
      withCopy((directory, journal) => {
        writeFileSync(journal, text);
        const verified = built.guardrails(['verify', '--json'], directory);
        expect([what, verified.code, JSON.parse(verified.stdout).problems[0].line]).toEqual([what, 1, line]);
        expect([what, milliOf(directory)]).toEqual([what, 0]);
      });
    }
  });

  it('is compared with a signed baseline, and with no other', () => {
    withCopy((directory) => {
      const baseline = join(directory, 'baseline.json');
      writeFileSync(baseline, signed.stdout);
      const same = card(directory, ['--baseline', baseline]);
      expect(same.movement).toMatchObject({ baseline: same.score.milli, unsupported: [] });
      expect(same.code).toBe(0);

      const refused = (): string => {
        const { code, stdout, stderr } = built.guardrails(['scorecard', '--baseline', baseline], directory);
        expect([code, stdout]).toEqual([2, '']);
        return stderr;
      };
      writeFileSync(baseline, printed.stdout);
      expect(refused()).toContain('is no signed statement');
      const envelope = JSON.parse(signed.stdout);
      const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"milli":', '"milli":1');
      writeFileSync(
        baseline,
        JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }),
      );
      expect(refused()).toContain('no trusted key signed');
      const stranger = scratch();
      built.guardrails(['drill', 'bind', '--json'], stranger.directory);
      writeFileSync(
        baseline,
        built.guardrails(['scorecard', '--format', 'intoto'], stranger.directory).stdout,
      );
      stranger.remove();
      expect(refused()).toContain('no trusted key signed');
    });
  });

  it('exits 3 when claims are gone since the baseline, until a signed entry retires them', () => {
    withCopy((directory) => {
      const [baseline, claims, retired] = ['baseline', 'claims', 'retired'].map((name) =>
        join(directory, `${name}.json`),
      ) as [string, string, string];
      writeFileSync(baseline, signed.stdout);
      const own = readFileSync(join(built.root, 'data/claims.json'), 'utf8');
      const fewer = own.replace(/^ *\{"id":"star",.*\n/m, '');
      expect(fewer).not.toBe(own);
      writeFileSync(claims, fewer);
      const args = ['--baseline', baseline, '--claims', claims];
      const now = card(directory, args);
      expect(now.code).toBe(3);
      expect(now.movement.unsupported).toEqual([expect.stringContaining('drill:bind/star is gone')]);
      expect(now.score.milli).toBeLessThan(now.movement.baseline);

      const why = 'the address is refused by its spelling, as the drill of another one shows';
      writeFileSync(retired, built.guardrails(['retire', 'drill:bind/star', '--why', why], directory).stdout);
      const excused = card(directory, [...args, '--retired', retired]);
      expect(excused.movement).toMatchObject({ unsupported: [], retired: [{ id: 'drill:bind/star', why }] });
      expect([excused.code, excused.score.milli]).toEqual([0, excused.movement.baseline]);

      writeFileSync(retired, JSON.stringify({ retired: [{ id: 'drill:bind/star', why }] }));
      expect(built.guardrails(['scorecard', ...args, '--retired', retired], directory).code).toBe(2);
    });
  });
});

describe('--replay', () => {
  /** Mints, with the key of the directory, every record that is claimed: what a thief of an account can do. */
  const MINT = `
    const [, , root, dir] = process.argv;
    const from = (name) => import(root + '/dist/' + name);
    const { openState, codeIdentity, uuidv7 } = await from('evidence/index.js');
    const { unrestricted } = await from('evidence/journal.js');
    const { packageDigest } = await from('evidence/package-digest.js');
    const { dimensions, claims } = JSON.parse((await import('node:fs')).readFileSync(root + '/data/claims.json'));
    const journal = await openState({ dir });
    const sink = unrestricted(journal);
    const leave = async (guard, expected, observed, over = {}, fixtureDigest = undefined) => sink.append({
      id: uuidv7(),
      guard: { id: guard, ...codeIdentity() },
      dimension: dimensions.find(({ probes }) => probes.includes(guard))?.id ?? 'architecture_runtime_guardrails',
      decision: observed === 'allow' ? 'allow' : 'refuse',
      codes: observed === 'allow' ? [] : [observed],
      reason: 'minted',
      method: 'none',
      policyDigest: claims.find((claim) => claim.guard === guard)?.policyDigest ?? '0'.repeat(64),
      replay: { argv: ['guardrails', 'drill', guard], ...(fixtureDigest && { fixtureDigest }) },
      mode: over.mutant ? 'mutant' : over.drill === 'live' ? 'live' : 'drill',
      ...(over.drill === 'live' && { subject: { kind: 'package', digest: 'sha256:' + packageDigest() } }),
      probe: { drill: 'must-fail', fault: 'minted', expected, observed, passed: true, ...over },
    }, '');
    await leave('canary', 'allow', 'canary.refused', { passed: false });
    for (const { guard, drills, mutants, live } of claims) {
      if (live) await leave(guard, 'allow', 'allow', { drill: 'live' });
      for (const { id, expects, fixture } of drills) await leave(guard, expects, expects, { drill: id }, fixture);
      const { id, expects } = drills.find((drill) => drill.expects !== 'allow');
      for (const mutant of mutants) await leave(guard, expects, 'allow', { drill: id, mutant });
    }
    await journal.close();`;

  it('leaves a true journal as it is', () => {
    const again = card(drilled.directory, ['--replay', '5']);
    const live = again.replay.filter(({ drill }: { drill: string }) => drill === 'live');
    expect([again.replay.length, live.length]).toEqual([5 + 6, 6]);
    for (const { recorded, seen } of again.replay) expect(seen).toBe(recorded);
    expect(again.score.milli).toBe(JSON.parse(printed.stdout).score.milli);
  });

  it('catches a guard that does nothing, and text that nobody looked at, behind records that say otherwise', () => {
    const broken = buildPackage((root) => {
      const source = join(root, 'src/guards/bind/bind.ts');
      const text = readFileSync(source, 'utf8');
      writeFileSync(
        source,
        text.replace(
          '\n  rules,\n',
          '\n  rules: rules.map((rule) => ({ ...rule, refuses: () => false })),\n',
        ),
      );
      appendFileSync(join(root, 'README.md'), '\n## Everything\n\nIt does everything.\n');
    });
    try {
      writeFileSync(join(broken.root, 'mint.mjs'), MINT);
      spawnSync(process.execPath, ['mint.mjs', broken.root, '.guardrails'], { cwd: broken.root });
      for (const guard of ['bind', 'claim-boundary'])
        expect(whyOf(broken.root, guard, broken)).toMatchObject({ grade: 'E4' });
      const own = JSON.parse(readFileSync(join(broken.root, 'data/claims.json'), 'utf8'));
      const replayed = (guard: string, letters: string): unknown => {
        const claims = own.claims.filter((claim: { guard: string }) => claim.guard === guard);
        const rows = own.dimensions.filter((row: { letters: string }) => row.letters === letters);
        const dimensions = rows.map((row: object) => ({ ...row, probes: [guard], restsOn: [] }));
        const asked = JSON.stringify({ schema: own.schema, dimensions, claims });
        writeFileSync(join(broken.root, 'asked.json'), asked);
        const { code, probes } = card(broken.root, ['--claims', 'asked.json', '--replay', '20'], broken);
        expect(code).toBe(1);
        return probes[0];
      };
      expect(replayed('bind', 'RG')).toMatchObject({
        grade: 'E0',
        why: expect.stringMatching(/its record says .*, run again it shows allow/),
      });
      expect(replayed('claim-boundary', 'CB')).toMatchObject({
        grade: 'E0',
        why: 'live: its record says allow, run again it shows claim-boundary.unmarked',
      });
    } finally {
      broken.remove();
    }
  });
});

describe('what lowers it', () => {
  const BIND = ['drill', 'bind', '--mutants', '--json'];

  it('a preload in the process that drilled', () => {
    const fresh = scratch();
    try {
      const patch = join(fresh.directory, 'patch.cjs');
      writeFileSync(patch, '');
      built.guardrails(BIND, fresh.directory, { NODE_OPTIONS: `--require=${patch}` });
      expect(whyOf(fresh.directory, 'bind')).toMatchObject({
        grade: 'E3',
        why: 'recorded under node --require, which can change any guard',
      });
    } finally {
      fresh.remove();
    }
  });

  it('a preload that takes its own name out of the process', () => {
    const fresh = scratch();
    try {
      const patch = join(fresh.directory, 'patch.cjs');
      writeFileSync(patch, 'delete process.env.NODE_OPTIONS; process.execArgv.length = 0;');
      built.guardrails(BIND, fresh.directory, { NODE_OPTIONS: `--require=${patch}` });
      const why = 'recorded under node --require, which can change any guard';
      expect(whyOf(fresh.directory, 'bind')).toMatchObject({ grade: 'E3', why });
      const argv = [
        '--require',
        patch,
        join(built.root, 'dist/node/main.js'),
        '--dir',
        '.guardrails',
        ...BIND,
      ];
      const run = (): unknown =>
        spawnSync(process.execPath, argv, {
          cwd: fresh.directory,
          env: { ...process.env, NODE_OPTIONS: undefined },
        });
      run();
      expect(whyOf(fresh.directory, 'bind')).toMatchObject({ grade: 'E3', why });
      // The kernel shows a title in the place of the words that the process was started with.
      for (const title of ['node', `node dist/node/main.js${' drill'.repeat(100)}`]) {
        writeFileSync(patch, `process.execArgv.length = 0; process.title = '${title}';`);
        run();
        expect(whyOf(fresh.directory, 'bind')).toMatchObject({
          grade: 'E3',
          why: 'recorded under node --title, which can change any guard',
        });
      }
      // Node 20 reads a file that is named behind the program before it starts that.
      const environment = join(fresh.directory, 'other.env');
      writeFileSync(environment, `NODE_OPTIONS=--require=${patch}\n`);
      const hide = 'process.argv = process.argv.filter((word) => !word.startsWith("--env-file"));';
      writeFileSync(patch, `delete process.env.NODE_OPTIONS; ${hide}`);
      argv.splice(0, 2);
      argv.splice(1, 0, `--env-file=${environment}`);
      run();
      expect(whyOf(fresh.directory, 'bind')).toMatchObject({
        grade: 'E3',
        why: 'recorded under node --env-file, which can change any guard',
      });
    } finally {
      fresh.remove();
    }
  });

  it('a guard over the deployment that is asked about another one, alone or beside others in two processes', () => {
    const fresh = scratch();
    const about = ['--json', '--about', join(drilled.directory, '.guardrails')];
    try {
      for (const guards of [
        ['planes'],
        ['planes', 'routes', 'recovery', 'notebook-import', 'gap-register'],
      ]) {
        expect(built.guardrails(['drill', ...guards, ...about], fresh.directory).code).toBe(0);
        expect(whyOf(fresh.directory, 'planes')).toMatchObject({
          grade: 'E2',
          why: 'it was asked about another deployment than it is recorded in',
        });
      }
    } finally {
      fresh.remove();
    }
  });

  it('a rule that is deleted from the source of a guard; without its drill and its claim as well', () => {
    const copy = buildPackage((root) => {
      const source = join(root, 'src/guards/bind/bind.ts');
      const text = readFileSync(source, 'utf8');
      const without = text.replace(
        '\n  rules,\n',
        "\n  rules: rules.filter(({ code }) => code !== 'bind.wildcard'),\n",
      );
      expect(without).not.toBe(text);
      writeFileSync(source, without);
    });
    try {
      expect(copy.guardrails(BIND, copy.root).code).toBe(1);
      expect(whyOf(copy.root, 'bind', copy)).toMatchObject({
        grade: 'E0',
        why: expect.stringContaining('expected bind.wildcard, saw allow'),
      });
      // The drills of that rule go too: what is claimed is still asked for, and the rules have another digest.
      const drills = join(copy.root, 'src/proof/drills/bind/bind-drills.ts');
      const all = readFileSync(drills, 'utf8').replace('export const bindDrills', 'const everyDrill');
      const rest = "everyDrill.filter(({ expects }) => expects !== 'bind.wildcard')";
      writeFileSync(drills, `${all}\nexport const bindDrills = ${rest};\n`);
      copy.build();
      copy.guardrails(BIND, copy.root);
      expect(whyOf(copy.root, 'bind', copy)).toMatchObject({
        grade: 'E0',
        why: 'the drill ipv4-wildcard does not show bind.wildcard',
      });
    } finally {
      copy.remove();
    }
  });

  it('a built file that differs from what was built', () => {
    const copy = buildPackage();
    try {
      const file = join(copy.root, 'dist/guards/bind/bind.js');
      writeFileSync(file, `${readFileSync(file, 'utf8')}// edited\n`);
      copy.guardrails(BIND, copy.root);
      expect(whyOf(copy.root, 'bind', copy)).toMatchObject({
        grade: 'E2',
        why: 'recorded by code that is not what was built',
      });
    } finally {
      copy.remove();
    }
  });
});

describe('a package that holds a link', () => {
  it('is nothing that can be asked about: what lies behind the link changes without it', () => {
    const copy = buildPackage();
    const elsewhere = scratch();
    try {
      const register = join(copy.root, 'data/hardening-gaps.json');
      renameSync(register, join(elsewhere.directory, 'gaps.json'));
      symlinkSync(join(elsewhere.directory, 'gaps.json'), register);
      copy.guardrails(['drill', 'gap-register', '--json'], copy.root);
      expect(whyOf(copy.root, 'gap-register', copy)).toMatchObject({
        grade: 'E1',
        why: expect.stringContaining('could not be asked about the package itself'),
      });
    } finally {
      copy.remove();
      elsewhere.remove();
    }
  });
});

describe('the example that closes a gap', () => {
  it('moves it to shipped by drills, and back by one that fails', () => {
    cpSync('examples/close-a-gap', join(built.root, 'examples/close-a-gap'), { recursive: true });
    const state = scratch();
    try {
      const argv = [join(built.root, 'examples/close-a-gap/close-gap.mjs'), state.directory];
      const env = { ...process.env, NODE_OPTIONS: '' };
      const { status, stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8', env });
      const counted = stdout
        .split('\n')
        .map((line) => /: (\w+), costs (\d+) /.exec(line)?.slice(1).join(' '));
      expect([status, counted.slice(0, -1)]).toEqual([
        0,
        ['conditional 75', 'shipped 0', 'open 150', 'conditional 75'],
      ]);
      const given = ['claims', 'gaps'].map((name) => join(state.directory, `${name}.json`));
      const args = ['--dir', state.directory, 'scorecard', '--compact', '--claims', `${given[0]}`];
      const { code, stdout: card } = built.guardrails(
        [...args, '--register', `${given[1]}`],
        state.directory,
      );
      expect([code, JSON.parse(card).register.gaps[0].counted]).toEqual([1, 'open']);
    } finally {
      state.remove();
    }
  });
});
