import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, cliCommand, guardrails, guardrailsAsync, MAIN, scratch } from './run-cli.ts';

const LOOPBACK = '{"sources":[{"from":"cli","value":"127.0.0.1"}],"port":8501}';
const PUBLIC = '{"sources":[{"from":"cli","value":"0.0.0.0"}],"port":8501}';

/** A state directory in which two guards have been drilled once; tests that change it take a copy. */
const drilled = scratch();
let drillRun: CliResult;
beforeAll(() => {
  drillRun = guardrails(['drill', 'bind', 'run-manifest', '--mutants', '--json'], drilled.directory);
});
afterAll(() => drilled.remove());

function withCopy(work: (directory: string, journal: string) => void): void {
  const copy = scratch();
  try {
    cpSync(drilled.directory, copy.directory, { recursive: true });
    work(copy.directory, join(copy.directory, '.guardrails/journal/journal-000000000000.jsonl'));
  } finally {
    copy.remove();
  }
}

describe('drill', () => {
  it('exits 0 with every drill held and every mutant caught', () => {
    const { drills, mutants } = JSON.parse(drillRun.stdout);
    const bad = [...drills, ...mutants].filter(
      ({ passed, unavailable }) => !passed && unavailable === undefined,
    );
    expect(bad).toEqual([]);
    expect(mutants.length).toBeGreaterThan(20);
    expect(drillRun.code).toBe(0);
  });

  it('leaves one journal line for each finding, in a journal that verifies', () => {
    const { drills, mutants } = JSON.parse(drillRun.stdout);
    const { code, stdout } = guardrails(['verify', '--json'], drilled.directory);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      size: drills.length + mutants.length + 2, // the run, and the drill that must fail
      problems: [],
    });
  });

  it('runs drills of several guards by their full names, and no others', () => {
    withCopy((directory) => {
      const only = ['--only', 'routes/flask', 'bind/star', 'bind/octal'];
      const { code, stdout } = guardrails(['drill', ...only, '--json'], directory);
      const { drills } = JSON.parse(stdout);
      const seen = drills.map(({ guard, drill, passed }: Record<string, unknown>) => [guard, drill, passed]);
      expect([code, seen]).toEqual([
        0,
        [
          ['routes', 'flask', true],
          ['bind', 'star', true],
          ['bind', 'octal', true],
        ],
      ]);
    });
  });
});

describe('check', () => {
  it('refuses a public bind with exit 1 and a code, and allows loopback with exit 0; both are in the journal', () => {
    withCopy((directory, journal) => {
      const refused = guardrails(['check', 'bind', '--json', PUBLIC], directory);
      expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
        1,
        { guard: 'bind', decision: 'refuse', codes: ['bind.wildcard'], grant: null },
      ]);
      const allowed = guardrails(['check', 'bind'], directory, LOOPBACK);
      expect([allowed.code, JSON.parse(allowed.stdout)]).toMatchObject([
        0,
        { guard: 'bind', decision: 'allow', codes: [], grant: { host: '127.0.0.1', family: 4, port: 8501 } },
      ]);
      const text = readFileSync(journal, 'utf8');
      for (const { stdout } of [refused, allowed]) {
        const { evidence, ...decision } = JSON.parse(stdout);
        expect(Object.keys(decision)).toEqual(['guard', 'decision', 'codes', 'reason', 'remedy', 'grant']);
        expect(text).toContain(`"id":"${evidence}"`);
      }
      expect(guardrails(['verify'], directory).code).toBe(0);
    });
  });
});

describe('the state directory', () => {
  it('does not believe a journal that came from elsewhere with its own pin', () => {
    withCopy((directory) => {
      const pins = join(directory, '.guardrails/pins.json');
      const [pin] = (JSON.parse(readFileSync(pins, 'utf8')) as { pins: object[] }).pins;
      const elsewhere = { ...pin, host: 'elsewhere', machine: 'f'.repeat(32) };
      writeFileSync(pins, JSON.stringify({ schema: 'agilab.guardrails_pins.v1', pins: [elsewhere] }));
      expect(guardrails(['verify'], directory).code).toBe(1);
      const { stdout: vkey } = guardrails(['keys', 'show'], directory);
      expect(guardrails(['verify', '--pin', vkey.trim()], directory).code).toBe(0);
    });
  });

  it('makes one key when many processes come first at the same time', async () => {
    const fresh = scratch();
    try {
      const checks = await Promise.all(
        Array.from({ length: 8 }, () =>
          guardrailsAsync(['check', 'bind', '--json', LOOPBACK], fresh.directory),
        ),
      );
      expect(checks.map(({ code, stderr }) => [code, stderr.startsWith('guardrails:')])).toEqual(
        checks.map(() => [0, false]),
      );
      expect(JSON.parse(guardrails(['verify', '--json'], fresh.directory).stdout)).toMatchObject({
        ok: true,
        size: 16, // each with its run
      });
    } finally {
      fresh.remove();
    }
  });

  it('is refused when others could replace what is in it', () => {
    withCopy((directory) => {
      chmodSync(join(directory, '.guardrails'), 0o777);
      for (const args of [['verify'], ['scorecard'], ['check', 'bind', '--json', LOOPBACK]]) {
        const { code, stderr } = guardrails(args, directory);
        expect([code, stderr]).toEqual([2, expect.stringContaining('keys.unsafe')]);
      }
    });
  });

  it('is finished by keys init when a first call was interrupted', () => {
    withCopy((directory) => {
      rmSync(join(directory, '.guardrails/pins.json'));
      expect(guardrails(['verify'], directory).code).toBe(1);
      expect(guardrails(['keys', 'init'], directory).code).toBe(0);
      expect(guardrails(['verify'], directory).code).toBe(0);
      expect(guardrails(['keys', 'init'], directory).stderr).toContain('keys.exist');
    });
  });
});

describe('an output that cannot take the answer', () => {
  it('is exit 2 and one line, never a crash or a refusal', () => {
    withCopy((directory) => {
      const full = spawnSync('/bin/sh', ['-c', `${cliCommand(['verify'])} >/dev/full`], {
        cwd: directory,
        encoding: 'utf8',
      });
      expect([full.status, full.stderr]).toEqual([2, expect.stringMatching(/^guardrails: [^\n]+\n$/)]);
    });
  });

  it('is not what SIGPIPE says: it comes for any pipe or socket that somebody closed', async () => {
    const copy = scratch();
    try {
      const child = spawn(process.execPath, [MAIN, 'drill', 'bind', '--mutants'], { cwd: copy.directory });
      await once(child.stdout, 'data');
      child.kill('SIGPIPE');
      child.stdout.resume();
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      copy.remove();
    }
  });

  it.each([
    ['much that a reader left', ['journal', 'export', '--format', 'ocsf']],
    ['drills that nobody watches any more', ['drill', 'bind', 'routes', '--mutants']],
  ])('is an end by SIGPIPE and not a word: %s', (_what, args) => {
    withCopy((directory) => {
      const script = `{ ${cliCommand(args)}; echo "$?" >&3; } 3>status | head -n 1`;
      const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { cwd: directory, encoding: 'utf8' });
      expect([stdout.split('\n').length, stderr]).toEqual([2, '']);
      expect(readFileSync(join(directory, 'status'), 'utf8')).toBe('141\n');
      expect(guardrails(['verify'], directory).code).toBe(0); // sealed, and unlocked
    });
  });
});

describe('bad input', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['an unknown command', ['drum']],
    ['no command', []],
    ['an unknown option', ['verify', '--loud']],
    ['an unknown guard to check', ['check', 'dragon', '--json', '{}']],
    ['an unknown guard to drill', ['drill', 'dragon']],
    ['a drill of nobody', ['drill', '--only', 'star']],
    ['a drill below a drill', ['drill', '--only', 'bind/star/wide']],
    ['drills of two guards under one name', ['drill', 'bind', 'routes', '--only', 'flask']],
    ['a drill that the guard has not', ['drill', 'bind', '--only', 'stars']],
    ['one among drills of others', ['drill', '--only', 'routes/flask', 'bind/stars']],
    ['text that is no JSON', ['check', 'bind', '--json', '{"sources":']],
    ['a key given twice', ['check', 'bind', '--json', '{"port":1,"port":2}']],
    ['a journal that is not there', ['verify']],
    ['a register that is not there', ['scorecard', '--register', 'missing.json']],
    ['a baseline that is not there', ['scorecard', '--baseline', 'missing.json']],
    ['a pin that is no key', ['verify', '--pin', 'trust-me']],
    ['a format that does not exist', ['scorecard', '--format', 'xml']],
    ['a key asked for before it was made', ['keys', 'show']],
  ];
  it.each(cases)('%s: exit 2 and one line that says what to do', (_what, args) => {
    const empty = scratch();
    try {
      const { code, stdout, stderr } = guardrails(args, empty.directory);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^guardrails: [^\n]+\n$/);
      expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
      expect(existsSync(join(empty.directory, '.guardrails'))).toBe(false);
    } finally {
      empty.remove();
    }
  });

  it('shows the stack with --debug', () => {
    const empty = scratch();
    try {
      expect(guardrails(['--debug', 'verify'], empty.directory).stderr).toMatch(/\n\s+at /);
    } finally {
      empty.remove();
    }
  });
});
