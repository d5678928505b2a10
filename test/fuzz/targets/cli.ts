// The arguments of the command: whatever they are, it ends with a documented exit code, one line says why, and no error
// is an unexpected one. A line of the input is one call, its arguments kept apart by blanks.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesOf, type FuzzTarget } from '../target.ts';

const DRIVER = fileURLToPath(new URL('../cli-driver.mjs', import.meta.url));
/** Documented in README: holds, refused or failed, usage, unsupported rise. */
const EXIT_CODES = [0, 1, 2, 3];

interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nothing that leaves the directory of the run, and no run of all drills. */
const isHarmless = (args: readonly string[]): boolean =>
  !args.some((arg) => /[/~\\]|\.\./.test(arg)) &&
  args.every((arg) => !['drill', '--accept-new', '--debug'].includes(arg));

function run(calls: readonly (readonly string[])[], directory: string): readonly CliOutcome[] {
  const file = join(directory, 'calls.json');
  writeFileSync(file, JSON.stringify(calls));
  const { status, stdout, error } = spawnSync(process.execPath, [DRIVER, file], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 26,
    env: { PATH: process.env['PATH'], HOME: directory },
  });
  if (error || status !== 0) throw new Error(`the process ended with ${error?.message ?? status}`);
  return JSON.parse(stdout) as CliOutcome[];
}

const SEEDS = [
  `--help
--version
verify
verify --json --previous none
check bind --json {"sources":[{"from":"cli","value":"127.0.0.1"}],"port":8501}
check bind --json {"sources":[{"from":"cli","value":"0.0.0.0"}],"port":8501}
check nosuch --json {}
check bind --json [1,2
keys init
keys show
scorecard --compact --register none.json
verify --pin x`,
  `model inspect none.pkl --json
model verify none.pkl --root .
model predict none.pkl --root . --rows none.json
model seal none.pkl --root . --release 1 --expires 2030-01-01
ssh render uv-version --json {}
ssh render argv --json {"argv":["uv","--version"]} --shell posix
ssh run none.json --json {} --timeout 5
ssh hosts none.json check
--dir other keys show
check remote-command --json {"recipe":"argv","argv":["uv"]}`,
];

export const target = {
  name: 'cli',
  oracle: 'the documented exit codes',
  seeds: SEEDS.map(bytesOf),
  words: [
    ...'-- - -h --help --json --dir --pin --timeout --root --release --expires check keys model ssh verify render'.split(
      ' ',
    ),
    ...'{} [] null 0 -1 1e999 NaN "" {"__proto__":1} {"a":1,"a":2} __proto__ constructor toString bind host-key'.split(
      ' ',
    ),
    ...' |\n|=|\u001b[2J|\u00e9|\u{1f600}|\u202e|%s|$(id)|2030-02-30|--json=|--compact'.split('|'),
  ],
  fuzz(bytes) {
    const lines = Buffer.from(bytes).toString('utf8').replaceAll('\0', '').split('\n');
    const calls = lines.map((line) => line.split(' ')).filter(isHarmless);
    const directory = mkdtempSync(join(tmpdir(), 'guardrails-fuzz-'));
    try {
      for (const [index, { code, stderr }] of run(calls, directory).entries()) {
        const where = `call ${index + 1}`;
        if (!EXIT_CODES.includes(code)) throw new Error(`${where} ends with ${code}`);
        if (/unexpected \w*Error/.test(stderr)) throw new Error(`${where}: an error that nobody expected`);
        if (code === 2 && stderr === '') throw new Error(`${where} ends with 2 and says nothing`);
        if (/(?!\n)[\p{Cc}\p{Cf}]/u.test(stderr)) throw new Error(`${where} says what acts on a terminal`);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
} satisfies FuzzTarget;
