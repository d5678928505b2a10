// The answer of the gate as the two reports that AGILAB's tools read from disk: `agilab.security_check.v1` and
// `agilab.shared_go_gate.v1`. What was not asked and not demanded is a warning there.
import type { CheckResult, GateResult } from './gate.ts';

const STATUS = { pass: 'pass', fail: 'fail', 'not-asked': 'warn' } as const;

const stamp = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, '+00:00');

const checkOf = ({ id, label, status, reason, remedy, codes, evidence }: CheckResult): object => ({
  id,
  label,
  status: STATUS[status],
  summary: status === 'not-asked' ? `Not judged: ${reason}.` : reason,
  remediation: remedy,
  details: { codes, evidence, judged: status !== 'not-asked' },
});

/** `security-check.json`. `pass` is said only of a go. */
export function securityCheck({ profile, decision, checks }: GateResult, file: string, time: Date): object {
  const failures = checks.filter(({ status }) => status === 'fail').length;
  return {
    schema: 'agilab.security_check.v1',
    schema_version: 1,
    kind: 'agilab.security_check',
    status: decision === 'go' ? 'pass' : 'fail',
    generated_at: stamp(time),
    summary: {
      check_count: checks.length,
      warnings: checks.filter(({ status }) => status === 'not-asked').length,
      failures,
      env_file: file,
      advisory: false,
      profile,
    },
    checks: checks.map(checkOf),
  };
}

/** `shared-go-gate.json`. A local profile says nothing of shared use: it is never a go there. */
export function sharedGoGate({ profile, decision, checks }: GateResult, time: Date): object {
  const failed = checks.filter(({ status }) => status === 'fail').map(({ id }) => id);
  const supply = checks.find(({ id }) => id === 'supply_chain_artifacts')?.status;
  const isShared = profile !== 'local';
  const isGo = isShared && decision === 'go' && supply === 'pass';
  return {
    schema: 'agilab.shared_go_gate.v1',
    kind: 'agilab.shared_go_gate',
    generated_at: stamp(time),
    decision: isGo ? 'go' : 'blocked',
    summary: {
      failed_checks: isShared ? failed : [...failed, 'profile'],
      install_profiles: ['base'],
      go_gate: isGo
        ? `every guard that the profile ${profile} demands allowed`
        : isShared
          ? 'a guard that the profile demands refused or was not asked'
          : 'the profile local is for one user on one machine',
    },
    checks: {
      security_check: { status: decision === 'go' ? 'pass' : 'fail' },
      supply_chain: { status: supply === 'pass' ? 'pass' : 'fail' },
    },
  };
}
