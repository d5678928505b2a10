// The seven rows, as AGILAB publishes them. Which probes prove a row is what the guards themselves say; see the claims.
// The denominator is fixed: a row without a probe counts as nothing, it is never left out.
import type { DimensionId } from '../evidence/record.ts';
import type { Dimension } from './claims.ts';

interface Row extends Omit<Dimension, 'probes'> {
  readonly id: DimensionId;
}

export const ROWS: readonly Row[] = [
  {
    id: 'architecture_plane_boundaries',
    letters: 'PB',
    label: 'Control, data and worker planes are separate',
    weight: 1,
  },
  {
    id: 'architecture_runtime_guardrails',
    letters: 'RG',
    label: 'Runtime guards fail closed',
    weight: 1,
  },
  {
    id: 'architecture_supply_chain_release_proof',
    letters: 'SC',
    label: 'Supply chain and releases are proven',
    weight: 1,
  },
  {
    id: 'architecture_remote_execution_hardening',
    letters: 'RX',
    label: 'No dynamic byte becomes code on a remote host',
    weight: 1,
  },
  {
    id: 'architecture_capacity_model_trust_boundary',
    letters: 'CM',
    label: 'Capacity models are proven before they are read',
    weight: 1,
  },
  {
    id: 'architecture_hardening_gap_register',
    letters: 'GR',
    label: 'Known gaps are registered and priced',
    weight: 1,
  },
  {
    id: 'architecture_claim_boundary',
    letters: 'CB',
    label: 'Claims stay inside what is proven',
    weight: 1,
  },
];
