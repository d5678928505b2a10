// The sixteen scenarios of AGILAB's robustness matrix, each answered by drills of ours, as its report
// `agilab.robustness_matrix.v1`. A scenario passes when every drill that stands for it was run and passed.
import type { DrillResult } from './drill.ts';

interface Scenario {
  readonly id: string;
  readonly domain: string;
  readonly profile: 'p0' | 'p1-recovery';
  readonly guard: string;
  readonly drills: readonly string[];
  readonly expected: string;
  readonly remediation: string;
}

const scenario = (
  id: string,
  domain: string,
  [guard, ...drills]: readonly [string, ...string[]],
  expected: string,
  remediation: string,
  profile: Scenario['profile'] = 'p0',
): Scenario => ({ id, domain, profile, guard, drills, expected, remediation });

/** In each of them the state is left by a process that was really killed. */
const RECOVERY = 'p1-recovery';
const SCENARIOS: readonly Scenario[] = [
  scenario(
    'cluster_share_same_as_local_fails_closed',
    'cluster',
    ['cluster-share', 'same'],
    'the share is refused, whatever its name',
    'Give the cluster a directory of its own.',
  ),
  scenario(
    'cluster_share_missing_fails_closed',
    'cluster',
    ['cluster-share', 'missing', 'not-mounted'],
    'a share that is not there, or not mounted, is refused',
    'Mount the share.',
  ),
  scenario(
    'public_streamlit_bind_without_controls_refused',
    'ui-security',
    ['bind', 'ipv4-wildcard', 'exposed-file'],
    'a public address is refused, whichever setting names it',
    'Listen on loopback behind a proxy.',
  ),
  scenario(
    'public_streamlit_bind_incomplete_controls_refused',
    'ui-security',
    ['bind', 'attestation'],
    'a flag that attests protection is no proof and is refused',
    'Listen on loopback behind a proxy.',
  ),
  scenario(
    'service_unhealthy_workers_block_promotion',
    'service',
    ['service-health', 'unhealthy'],
    'promotion is refused',
    'Restart the unhealthy workers.',
  ),
  scenario(
    'service_idle_requires_explicit_override',
    'service',
    ['service-health', 'idle', 'idle-allowed'],
    'an idle service is refused until it is allowed to be idle',
    'Say that an idle service will do.',
  ),
  scenario(
    'missing_run_manifest_fails_verification',
    'evidence',
    ['run-manifest', 'no-manifest'],
    'a run without a manifest is refused',
    'Run it again.',
  ),
  scenario(
    'invalid_run_manifest_fails_verification',
    'evidence',
    ['run-manifest', 'not-json', 'duplicate-key'],
    'a manifest that two readers could take differently is refused',
    'Write the manifest again.',
  ),
  scenario(
    'invalid_notebook_import_fails_preflight',
    'notebook-import',
    ['notebook-import', 'cells-not-a-list'],
    'a notebook that departs from its format is refused',
    'Export the notebook again.',
  ),
  scenario(
    'unsupported_app_settings_schema_fails_closed',
    'app-settings',
    ['recovery', 'settings-version'],
    'settings of another version are refused',
    'Use the version that wrote them.',
  ),
  scenario(
    'conflicting_app_settings_run_payload_fails_closed',
    'app-settings',
    ['recovery', 'settings-conflict'],
    'settings in two forms at once are refused',
    'Keep args.stages.',
  ),
  scenario(
    'streamlit_routes_do_not_hardcode_pages_directory',
    'ui-routing',
    ['routes', 'hard-coded', 'pages'],
    'a source that switches to a page by its path is refused',
    'Take pages from the registry.',
  ),
  scenario(
    'stale_runner_state_writer_is_rejected',
    'runner-state',
    ['recovery', 'stale-writer', 'stale-swap', 'state-swapped'],
    'a writer that has not seen the newest state is refused, and the state stays',
    'Read the state again.',
    RECOVERY,
  ),
  scenario(
    'crash_partial_agent_trace_tail_is_quarantined',
    'agent-trace',
    ['recovery', 'partial-tail', 'tail-quarantined'],
    'half a line is refused, kept aside with its exact bytes, and the next line follows',
    'Set the tail aside.',
    RECOVERY,
  ),
  scenario(
    'interrupted_workflow_evidence_publish_recovers',
    'workflow-evidence',
    ['recovery', 'publish-interrupted', 'publish-retried'],
    'nothing is published by halves, and the next attempt succeeds',
    'Publish again.',
    RECOVERY,
  ),
  scenario(
    'tampered_workflow_evidence_manifest_is_rejected',
    'workflow-evidence',
    ['recovery', 'bundle-tampered'],
    'a bundle that was changed is refused',
    'Take it from where it was published.',
    RECOVERY,
  ),
];

function report({ guard, drills, ...given }: Scenario, results: readonly DrillResult[]): object {
  const found = drills.map((drill) =>
    results.find((result) => result.guard === guard && result.drill === drill),
  );
  const passed = found.every((result) => result?.passed === true);
  const observed = found
    .map((result, at) => `${drills[at]}: ${result?.observed ?? 'not drilled'}`)
    .join('; ');
  return {
    id: given.id,
    domain: given.domain,
    status: passed ? 'pass' : 'fail',
    fault: found.map((result) => result?.fault ?? 'not drilled').join('; '),
    expected_behavior: given.expected,
    observed,
    remediation: given.remediation,
    replay_command: `guardrails drill ${guard}`,
    profiles: [given.profile],
    evidence: found.flatMap((result) => result?.evidenceId ?? []),
    details: { guard, ...(given.profile === RECOVERY ? { abrupt_child_termination_observed: passed } : {}) },
    // A drill whose state could not be taken down has not passed.
    cleanup_status: found.some((result) => result?.observed === 'drill.cleanup-failed')
      ? 'left_on_disk'
      : 'removed',
  };
}

/** Returns the report `agilab.robustness_matrix.v1` over the drills of a run. Mutants are left out. */
export function robustnessMatrix(all: readonly DrillResult[], generatedAt: Date): object {
  const results = all.filter(({ mutant }) => mutant === undefined);
  const scenarios = SCENARIOS.map((each) => report(each, results)) as {
    status: string;
    cleanup_status: string;
  }[];
  const passed = scenarios.filter(({ status }) => status === 'pass').length;
  const left = scenarios.some(({ cleanup_status: cleanup }) => cleanup !== 'removed');
  return {
    schema: 'agilab.robustness_matrix.v1',
    report: 'AGILAB robustness matrix',
    status: passed === scenarios.length ? 'pass' : 'fail',
    generated_at: generatedAt.toISOString().replace('Z', '+00:00'),
    profile: 'all',
    available_profiles: ['p0', RECOVERY, 'all'],
    summary: {
      scenario_count: scenarios.length,
      passed,
      failed: scenarios.length - passed,
      domains: [...new Set(SCENARIOS.map(({ domain }) => domain))].toSorted(),
      cleanup_status: left ? 'left_on_disk' : 'removed',
    },
    scenarios,
  };
}
