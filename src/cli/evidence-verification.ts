// The answer about a run as AGILAB's own report, `agilab.evidence_verification.v1`: its eight checks in its order, and one of ours for
// what its format has no check for. A check fails when a code of the guard speaks of it; each of its codes is in some check.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import type { VerifiedManifest } from '../guards/run-manifest/run-manifest.ts';

/** AGILAB's checks, and the codes that fail them. What is not listed fails the last, which is ours. */
const CHECKS: readonly (readonly [id: string, codes: readonly string[]])[] = [
  ['manifest_exists', ['untrusted']],
  ['manifest_schema_supported', ['not-strict-json', 'malformed', 'unsupported']],
  ['manifest_status_pass', ['not-passed']],
  ['validations_pass', ['not-validated']],
  ['command_present', ['no-command']],
  ['replay_available', []],
  ['declared_artifacts_present', ['no-artifacts', 'artifact-outside', 'artifact-missing', 'artifact-kind']],
  ['secret_env_values_redacted', ['bare-secret', 'secret-in-text']],
];
const OURS = 'files_are_as_sealed';

export interface Judged {
  readonly path: string;
  readonly codes: readonly string[];
  readonly reason: string;
  readonly remedy: string;
  readonly evidence: string | undefined;
  readonly granted: VerifiedManifest | undefined;
}

/** Whether a program is there to run it again. It is not started. */
function isThere(program: string, cwd: string): boolean {
  const directories = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => isAbsolute(directory));
  const paths = program.includes('/')
    ? [isAbsolute(program) ? program : join(cwd, program)]
    : directories.map((directory) => join(directory, program));
  return paths.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** Returns the report, and whether it says pass. */
export function evidenceVerification({ path, codes, reason, remedy, evidence, granted }: Judged): {
  readonly report: object;
  readonly holds: boolean;
} {
  const short = codes.map((code) => code.replace(/^run-manifest\./, ''));
  const known = new Set(CHECKS.flatMap(([, of]) => of));
  const { command } = granted?.manifest ?? {};
  const replay = command !== undefined && isThere(command.argv[0] ?? '', command.cwd);
  const checks = [...CHECKS, [OURS, short.filter((code) => !known.has(code))] as const].map(([id, of]) => {
    const found = codes.filter((code) => of.includes(code.replace(/^run-manifest\./, '')));
    // What a refusal did not speak of was looked at as well, but for a manifest that could not be read.
    const isFailed = found.length > 0 || (id === 'replay_available' && !replay);
    const summary = isFailed
      ? id === 'replay_available'
        ? 'The program that would run it again is not here, or was not looked for.'
        : `${reason}. ${remedy}`
      : 'Nothing speaks against it.';
    return { id, status: isFailed ? 'fail' : 'pass', summary, details: { codes: found } };
  });
  const manifest = granted?.manifest;
  const holds = codes.length === 0 && checks.every(({ status }) => status === 'pass');
  const report = {
    schema: 'agilab.evidence_verification.v1',
    status: holds ? 'pass' : 'fail',
    manifest_path: path,
    manifest_sha256: granted?.digest ?? '',
    checks,
    evidence: evidence ?? '',
    ...(manifest && {
      manifest: {
        run_id: manifest.run_id,
        path_id: manifest.path_id,
        label: manifest.label,
        status: manifest.status,
        created_at: manifest.created_at,
      },
    }),
  };
  return { report, holds };
}
