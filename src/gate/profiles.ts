// What each profile of AGILAB's gate demands, check by check: the ids of `agilab.security_check.v1`, and the guards that answer.
export const PROFILES = ['local', 'shared', 'cluster', 'public-ui'] as const;
export type Profile = (typeof PROFILES)[number];

export interface Check {
  readonly id: string;
  readonly label: string;
  /** Guards that must all allow. */
  readonly guards: readonly string[];
  /** Where it must be answered; elsewhere it is answered when somebody asks. */
  readonly demanded: (profile: Profile, settings: Readonly<Record<string, string>>) => boolean;
  /** What to write, when a guard has no request. */
  readonly remedy: string;
}

const isSet = (settings: Readonly<Record<string, string>>, ...names: readonly string[]): boolean =>
  names.some((name) => (settings[name] ?? '').trim() !== '');
const request = (guard: string): string =>
  `Give the request of ${guard} in the file of --requests (guardrails check ${guard} --schema).`;

export const CHECKS: readonly Check[] = [
  {
    id: 'persisted_plaintext_secrets',
    label: 'Settings: secrets, sandboxes, switches',
    guards: ['agilab-settings'],
    demanded: () => true,
    remedy: '',
  },
  {
    id: 'ui_network_exposure',
    label: 'Address of the user interface',
    guards: ['bind'],
    demanded: () => true,
    remedy: '',
  },
  {
    id: 'ui_public_front',
    label: 'Proof that strangers are kept out',
    guards: ['public-front'],
    demanded: (profile) => profile === 'public-ui',
    remedy: request('public-front'),
  },
  {
    id: 'apps_repository_pin',
    label: 'Pinned repository of applications',
    guards: ['external-app'],
    demanded: (profile, settings) => profile !== 'local' && isSet(settings, 'APPS_REPOSITORY'),
    remedy: request('external-app'),
  },
  {
    id: 'cluster_share_isolation',
    label: 'Share of the cluster',
    guards: ['cluster-share'],
    demanded: (profile, settings) =>
      profile === 'cluster' || (profile !== 'local' && isSet(settings, 'AGI_CLUSTER_SHARE')),
    remedy: request('cluster-share'),
  },
  {
    id: 'generated_code_execution_boundary',
    label: 'Limits of generated code that runs in a process',
    guards: ['resources'],
    demanded: (_profile, settings) => settings['AGILAB_GENERATED_CODE_SANDBOX'] === 'process',
    remedy: request('resources'),
  },
  {
    id: 'supply_chain_artifacts',
    label: 'Packages, and what is known of them',
    guards: ['supply-chain'],
    demanded: (profile) => profile !== 'local',
    remedy: request('supply-chain'),
  },
];
