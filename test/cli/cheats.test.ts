// The ways in which AGILAB's scorecard was talked into its 4.7, and some of ours, each done to a copy of this package: every one
// lowers the number, or is refused. A scorer that reads source text keeps its number in all of them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPackage, buildPackage } from '../built-package.ts';
import { leftOut } from '../left-out.ts';
import { missing } from '../ssh/support.ts';
import { type CliResult, scratch } from './run-cli.ts';

const ROWS = {
  RX: ['remote-command'],
  CM: ['capacity-model', 'capacity-origin'],
  GR: ['gap-register'],
  CB: ['claim-boundary'],
} as const;
const GUARDS = Object.values(ROWS).flat();

/** Four rows of the package's claims, so that what is drilled here is all that they ask for. */
function fewerClaims(root: string): string {
  const { schema, dimensions, claims } = JSON.parse(readFileSync(join(root, 'data/claims.json'), 'utf8'));
  const some = dimensions.flatMap((row: { letters: keyof typeof ROWS; restsOn?: string[] }) => {
    const probes = ROWS[row.letters];
    const restsOn = row.restsOn?.filter((probe) => GUARDS.some((guard) => guard === probe));
    return probes ? [{ ...row, probes, ...(restsOn && { restsOn }) }] : [];
  });
  const asked = claims.filter(({ guard }: { guard: string }) => GUARDS.some((each) => each === guard));
  return JSON.stringify({ schema, dimensions: some, claims: asked });
}

let honest: BuiltPackage;
const state = scratch();
const claims = join(state.directory, 'claims.json');

/** Runs the command with a memory of heads of its own: a copy of a journal that goes on is a fork to whoever saw the other. */
const ask = (by: BuiltPackage, args: readonly string[], dir: string): CliResult =>
  by.guardrails(args, dir, { XDG_STATE_HOME: join(dir, '.state') });

interface Card {
  readonly milli: number;
  readonly why: (probe: string) => string;
  readonly grade: (row: string) => string;
}

function cardOf(by: BuiltPackage, dir: string, more: readonly string[] = []): Card {
  const { stdout } = ask(by, ['scorecard', '--compact', '--claims', claims, ...more], dir);
  const card = JSON.parse(stdout);
  return {
    milli: card.score.milli,
    why: (probe) => card.probes.find((each: { probe: string }) => each.probe === probe)?.why,
    grade: (row) => card.score.vector.match(new RegExp(`${row}:(E\\d)`))?.[1],
  };
}

let before: Card;
beforeAll(() => {
  honest = buildPackage();
  writeFileSync(claims, fewerClaims(honest.root));
  ask(honest, ['drill', ...GUARDS, '--json'], state.directory);
  before = cardOf(honest, state.directory);
}, 300_000);
afterAll(() => {
  honest.remove();
  state.remove();
});

/** A copy of the state, for what changes it. */
function withState<T>(work: (directory: string) => T): T {
  const copy = scratch();
  try {
    cpSync(join(state.directory, '.guardrails'), join(copy.directory, '.guardrails'), { recursive: true });
    return work(copy.directory);
  } finally {
    copy.remove();
  }
}

/** Changes files below a package, and puts them back. */
function withFiles<T>(
  root: string,
  files: Readonly<Record<string, (text: string) => string>>,
  work: () => T,
): T {
  const was = Object.keys(files).map((path) => [path, readFileSync(join(root, path), 'utf8')] as const);
  try {
    for (const [path, text] of was) writeFileSync(join(root, path), files[path]?.(text) ?? text);
    return work();
  } finally {
    for (const [path, text] of was) writeFileSync(join(root, path), text);
  }
}

const drillAnew = (guard: string): Card =>
  withState((directory) => {
    ask(honest, ['drill', guard, '--json'], directory);
    return cardOf(honest, directory);
  });

describe("AGILAB's seven rows", () => {
  it('1: nothing changed', () => {
    expect(before.milli).toBeGreaterThan(1_000);
    for (const row of Object.keys(ROWS)) expect([row, before.grade(row)]).toEqual([row, 'E3']);
  });

  it('2, 3 and 4: quoting does nothing, a comment says the word, and no model is refused', () => {
    const cheat = buildPackage((root) => {
      const edit = (path: string, from: string, to: string): void => {
        const text = readFileSync(join(root, path), 'utf8');
        expect(text).toContain(from);
        writeFileSync(join(root, path), text.replace(from, to));
      };
      edit(
        'src/ssh/quote.ts',
        "return `'${word.includes(",
        "return word; // shlex.quote\n  return `'${word.includes(",
      );
      edit(
        'src/capacity/capacity-model.ts',
        '\n  rules,\n',
        '\n  rules: rules.map((rule) => ({ ...rule, refuses: () => false as const })),\n',
      );
    });
    try {
      withState((directory) => {
        ask(cheat, ['drill', 'remote-command', 'capacity-model', '--json'], directory);
        const card = cardOf(cheat, directory);
        expect([card.grade('RX'), card.grade('CM')]).toEqual(['E0', 'E0']);
        expect(card.why('remote-command')).toMatch(/^drill /);
        expect(card.why('capacity-model')).toMatch(/saw allow$/);
        expect(card.milli).toBeLessThan(before.milli);
      });
    } finally {
      cheat.remove();
    }
  });

  it.each([
    ['beside the list of tests as it was', false],
    ['with the list of tests written anew', true],
  ])('5: every test body emptied, %s', (_how, rewritten) => {
    const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.test.ts'),
    );
    for (const path of tests) {
      const at = join(honest.root, 'test', path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, "import { it } from 'vitest';\nit('holds', () => {});\n");
    }
    // Who does not drill again keeps nothing: what was asked about had other tests.
    const kept = cardOf(honest, state.directory);
    expect([kept.grade('CB'), kept.why('claim-boundary')]).toEqual([
      'E2',
      'it was asked about another package than is here',
    ]);
    const hollow = (text: string): string =>
      rewritten ? text.replaceAll(/"tests":\d+,"assertions":\d+/g, '"tests":1,"assertions":0') : text;
    try {
      const card = withFiles(honest.root, { 'data/suite.json': hollow }, () => drillAnew('claim-boundary'));
      expect([card.grade('CB'), card.why('claim-boundary')]).toEqual([
        'E0',
        expect.stringContaining('asked about the package itself'),
      ]);
      expect(card.milli).toBeLessThan(before.milli);
    } finally {
      rmSync(join(honest.root, 'test'), { recursive: true });
    }
  });

  it('6: every gap called shipped without evidence, and a new open P0', () => {
    const register = join(state.directory, 'gaps.json');
    const own = JSON.parse(readFileSync('data/hardening-gaps.json', 'utf8'));
    const shipped = own.gaps.map((gap: object) => ({ ...gap, status: 'shipped' }));
    const open = { ...own.gaps[0], id: 'found-today', severity: 'P0', status: 'open' };
    writeFileSync(register, JSON.stringify({ ...own, gaps: [...shipped, open] }));
    const card = cardOf(honest, state.directory, ['--register', register]);
    expect(card.milli).toBeLessThan(before.milli);
  });

  it('7: the evidence deleted', () => {
    withState((directory) => {
      rmSync(join(directory, '.guardrails/journal/checkpoint'));
      expect(cardOf(honest, directory).milli).toBe(0);
      rmSync(join(directory, '.guardrails/journal'), { recursive: true });
      const { code, stdout, stderr } = ask(honest, ['scorecard'], directory);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain('scorecard.not-drilled');
    });
  });
});

describe('other ways to look better', () => {
  it.each([
    [
      'text that promises too much',
      'README.md',
      (text: string) => `${text}\n<!-- no-claim: limits -->\nIt is tamper-proof.\n`,
    ],
    [
      'a claim that nobody looked at',
      'SECURITY.md',
      (text: string) => text.replace('`bind` defends:', '`bind` always defends:'),
    ],
    ['a claim without evidence', 'docs/ssh.md', (text: string) => `${text}\n## New\n\nIt does everything.\n`],
    [
      'a gap taken out of the register',
      'data/hardening-gaps.json',
      (text: string) => text.replace('"tenant-isolation"', '"tenants"'),
    ],
  ])('%s', (_what, path, change) => {
    const guard = path.endsWith('.json') ? 'gap-register' : 'claim-boundary';
    const seen = withFiles(honest.root, { [path]: change }, () =>
      withState((directory) => {
        ask(honest, ['drill', guard, '--json'], directory);
        return ask(honest, ['scorecard', '--compact', '--claims', claims], directory);
      }),
    );
    // A register that lacks a mandatory gap is no register: no number at all.
    if (guard === 'gap-register') expect([seen.code, seen.stdout]).toEqual([2, '']);
    else expect(JSON.parse(seen.stdout).score.milli).toBeLessThan(before.milli);
  });
});

it('a manifest that publishes less does not let text change after the package was asked about', () => {
  const less = (text: string): string => JSON.stringify({ ...JSON.parse(text), files: ['dist'] });
  withFiles(honest.root, { 'package.json': less }, () =>
    withState((directory) => {
      ask(honest, ['drill', 'claim-boundary', '--json'], directory);
      expect(cardOf(honest, directory).why('claim-boundary')).toBe('its mutants were not run with it');
      const promise = (text: string): string => `${text}\nIt is tamper-proof.\n`;
      withFiles(honest.root, { 'SECURITY.md': promise }, () =>
        expect(cardOf(honest, directory).why('claim-boundary')).toBe(
          'it was asked about another package than is here',
        ),
      );
    }),
  );
});

describe('a list of claims that asks for less than the guards can be asked', () => {
  interface Lock {
    dimensions: { letters: string; probes: string[]; weight: number }[];
    claims: { guard: string; mutants: string[]; drills: { id: string; needs?: string }[] }[];
  }
  const ownCard = (): { readonly code: number | null; readonly digest: string; readonly milli: number } =>
    withState((directory) => {
      const { code, stdout } = ask(honest, ['scorecard', '--compact'], directory);
      const { digests, score } = JSON.parse(stdout);
      return { code, digest: digests.claims, milli: score.milli };
    });
  let was: ReturnType<typeof ownCard>;
  beforeAll(() => {
    was = ownCard();
  });
  const changed =
    (change: (lock: Lock) => void) =>
    (text: string): string => {
      const lock = JSON.parse(text);
      change(lock);
      return JSON.stringify(lock);
    };

  it.each<[string, (lock: Lock) => void]>([
    [
      'one row alone',
      (lock) => {
        lock.dimensions = lock.dimensions.filter(({ letters }) => letters === 'CM');
        const probes = lock.dimensions.flatMap((row) => row.probes);
        lock.claims = lock.claims.filter(({ guard }) => probes.includes(guard));
      },
    ],
    [
      'rows that weigh otherwise',
      (lock) => {
        for (const row of lock.dimensions) row.weight = row.letters === 'CM' ? 1_000 : 1;
      },
    ],
    [
      'no probe that was not drilled',
      (lock) => {
        for (const row of lock.dimensions)
          row.probes = row.probes.filter((guard) => GUARDS.some((each) => each === guard));
        lock.claims = lock.claims.filter(({ guard }) => GUARDS.some((each) => each === guard));
      },
    ],
    [
      'no mutants, and drills that any machine may lack the place for',
      (lock) => {
        for (const claim of lock.claims) {
          claim.mutants = claim.mutants.slice(0, 1);
          for (const drill of claim.drills.slice(2)) drill.needs = 'a place';
        }
      },
    ],
  ])('%s: the score is as it was', (_what, change) => {
    const lock = readFileSync(join(honest.root, 'data/claims.json'));
    expect(was.digest).toBe(createHash('sha256').update(lock).digest('hex'));
    const now = withFiles(honest.root, { 'data/claims.json': changed(change) }, ownCard);
    expect([now.milli <= was.milli, now.code]).toEqual([true, was.code]);
  });
});

describe("AGILAB's own readiness check", () => {
  // As its tools/production_readiness_report.py loads a module beside it and reads a report.
  const CONSUMER = `
import importlib.util, json, pathlib, sys
path = pathlib.Path(sys.argv[1]) / 'tools' / 'architecture_scorecard.py'
spec = importlib.util.spec_from_file_location('architecture_scorecard_for_production_report', path)
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
report = module.build_report(repo_root=pathlib.Path(sys.argv[1]))
ids = sorted(check['id'] for check in report['checks'])
keys = sorted(set().union(*(check.keys() for check in report['checks'])))
print(json.dumps([report['schema'] == module.SCHEMA, report['status'], report['supported_score'], len(ids), ids[0], keys]))`;

  it('takes our report through the lines of docs/agilab.md', leftOut(missing('python3')), () => {
    const [, shim = ''] = /```python\n([\s\S]*?)```/.exec(readFileSync('docs/agilab.md', 'utf8')) ?? [];
    expect(shim.trimEnd().split('\n')).toHaveLength(5);
    withState((directory) => {
      mkdirSync(join(directory, 'tools'));
      writeFileSync(join(directory, 'tools/architecture_scorecard.py'), shim);
      const npx = `#!/bin/sh\nshift\nexec '${process.execPath}' '${honest.root}/dist/node/main.js' "$@"\n`;
      mkdirSync(join(directory, 'bin'));
      writeFileSync(join(directory, 'bin/npx'), npx, { mode: 0o755 });
      const env = {
        ...process.env,
        PATH: `${join(directory, 'bin')}:${process.env['PATH']}`,
        NODE_OPTIONS: '',
      };
      const state = { XDG_STATE_HOME: join(directory, '.state') };
      const { stdout, stderr } = spawnSync('python3', ['-c', CONSUMER, directory], {
        encoding: 'utf8',
        env: { ...env, ...state },
      });
      expect([JSON.parse(stdout || 'null'), stderr]).toEqual([
        [
          true,
          'fail', // four rows of seven were drilled here
          expect.stringMatching(/^[0-5]\.\d \/ 5$/),
          7,
          'architecture_capacity_model_trust_boundary',
          ['details', 'evidence', 'id', 'label', 'status', 'summary'],
        ],
        '',
      ]);
    });
  });
});
