// The packages note and tlog of the Go checksum database, as a second opinion. Built where Go and golang.org/x/mod are
// installed (Debian: golang-go, golang-golang-x-mod-dev).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requiresReal } from '../left-out.ts';
import { missing } from '../ssh/support.ts';

const GOPATH = '/usr/share/gocode';

export interface Question {
  readonly Ask: 'open' | 'record' | 'tree' | 'root';
  readonly Note?: string;
  readonly Key?: string;
  readonly Entry?: string;
  readonly Entries?: readonly string[];
  readonly Index?: number;
  readonly Size?: number;
  readonly Root?: string;
  readonly Before?: number;
  readonly OldRoot?: string;
  readonly Path?: readonly string[];
}

export interface Answer {
  readonly ok: boolean;
  readonly said: string;
}

/** Why the oracle cannot be asked here; `false` when it can. */
export function withoutGo(): string | false {
  const absent = missing('go');
  if (absent !== false) return absent;
  if (existsSync(join(GOPATH, 'src/golang.org/x/mod/sumdb/tlog'))) return false;
  if (requiresReal) throw new Error('install golang-golang-x-mod-dev');
  return 'left out: no golang.org/x/mod here';
}

/** Builds the program, and opens it: a worker of the tests is ended by a signal, so nothing may be left to do then. */
function opened(): number {
  const directory = mkdtempSync(join(tmpdir(), 'guardrails-oracle-'));
  try {
    const program = join(directory, 'oracle');
    const source = new URL('go-oracle/main.go', import.meta.url).pathname;
    const env = { ...process.env, GO111MODULE: 'off', GOPATH, GOCACHE: join(directory, 'cache') };
    const built = spawnSync('go', ['build', '-o', program, source], { env, encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
    return openSync(program, 'r');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Builds the oracle and returns a function that puts questions to it. */
export function goOracle(): (questions: readonly Question[]) => readonly Answer[] {
  const program = `/proc/${process.pid}/fd/${opened()}`;
  return (questions) => {
    const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('');
    const { stdout } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer);
    if (answers.length !== questions.length) throw new Error('the oracle did not answer every question');
    return answers;
  };
}
