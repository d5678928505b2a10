// The seven rows of the scorecard and the probes that each one needs. The denominator is fixed: a row without a probe
// counts as nothing, it is never left out.
import type { DimensionId } from '../evidence/record.ts';

export interface Dimension {
  readonly id: DimensionId;
  /** Two letters for the score vector. */
  readonly letters: string;
  readonly label: string;
  readonly weight: number;
  /** Probes that must all hold; the row's grade is their minimum. Empty: nobody has built this row yet. */
  readonly probes: readonly string[];
}

export const DIMENSIONS: readonly Dimension[] = [
  {
    id: 'architecture_plane_boundaries',
    letters: 'PB',
    label: 'Control, data and worker planes are separate',
    weight: 1,
    probes: [],
  },
  {
    id: 'architecture_runtime_guardrails',
    letters: 'RG',
    label: 'Runtime guards fail closed',
    weight: 1,
    probes: ['fail-closed', 'journal', 'bind', 'run-manifest'],
  },
  {
    id: 'architecture_supply_chain_release_proof',
    letters: 'SC',
    label: 'Supply chain and releases are proven',
    weight: 1,
    probes: [],
  },
  {
    id: 'architecture_remote_execution_hardening',
    letters: 'RX',
    label: 'No dynamic byte becomes code on a remote host',
    weight: 1,
    probes: ['remote-command', 'host-key', 'process-stop'],
  },
  {
    id: 'architecture_capacity_model_trust_boundary',
    letters: 'CM',
    label: 'Capacity models are proven before they are read',
    weight: 1,
    probes: ['capacity-model', 'capacity-origin'],
  },
  {
    id: 'architecture_hardening_gap_register',
    letters: 'GR',
    label: 'Known gaps are registered and priced',
    weight: 1,
    probes: [],
  },
  {
    id: 'architecture_claim_boundary',
    letters: 'CB',
    label: 'Claims stay inside what is proven',
    weight: 1,
    probes: [],
  },
];
