// Every guard of this package with its drills. A guard that is not listed here is not drilled, and a row of the scorecard
// that needs it falls.

import { CodedError } from '../evidence/coded-error.ts';
import { agilabSettingsProof } from './drills/agilab-settings/agilab-settings-proof.ts';
import { bindProof } from './drills/bind/bind-proof.ts';
import { capacityModelProof } from './drills/capacity-model/capacity-model-proof.ts';
import { capacityOriginProof } from './drills/capacity-origin/capacity-origin-proof.ts';
import { claimBoundaryProof } from './drills/claim-boundary/claim-boundary-proof.ts';
import { clusterShareProof } from './drills/cluster-share/cluster-share-proof.ts';
import { externalAppProof } from './drills/external-app/external-app-proof.ts';
import { gapRegisterProof } from './drills/gap-register/gap-register-proof.ts';
import { hostKeyProof } from './drills/host-key/host-key-proof.ts';
import { journalProof } from './drills/journal/journal-proof.ts';
import { listenersProof } from './drills/listeners/listeners-proof.ts';
import { notebookImportProof } from './drills/notebook-import/notebook-import-proof.ts';
import { npmProvenanceProof } from './drills/npm-provenance/npm-provenance-proof.ts';
import { ownedSocketsProof } from './drills/owned-sockets/owned-sockets-proof.ts';
import { planesProof } from './drills/planes/planes-proof.ts';
import { processStopProof } from './drills/process-stop/process-stop-proof.ts';
import { proofCapsuleProof } from './drills/proof-capsule/proof-capsule-proof.ts';
import { publicFrontProof } from './drills/public-front/public-front-proof.ts';
import { recoveryProof } from './drills/recovery/recovery-proof.ts';
import { releaseProofProof } from './drills/release-proof/release-proof-proof.ts';
import { remoteCommandProof } from './drills/remote-command/remote-command-proof.ts';
import { resourcesProof } from './drills/resources/resources-proof.ts';
import { routesProof } from './drills/routes/routes-proof.ts';
import { runManifestProof } from './drills/run-manifest/run-manifest-proof.ts';
import { secretsProof } from './drills/secrets/secrets-proof.ts';
import { serviceHealthProof } from './drills/service-health/service-health-proof.ts';
import { supplyChainProof } from './drills/supply-chain/supply-chain-proof.ts';
import type { Proof } from './proof.ts';
import { failClosedProof } from './self-test/fail-closed.ts';

export const proofs: readonly Proof[] = [
  failClosedProof,
  journalProof,
  bindProof,
  listenersProof,
  publicFrontProof,
  runManifestProof,
  proofCapsuleProof,
  clusterShareProof,
  serviceHealthProof,
  notebookImportProof,
  agilabSettingsProof,
  routesProof,
  recoveryProof,
  planesProof,
  supplyChainProof,
  releaseProofProof,
  npmProvenanceProof,
  secretsProof,
  externalAppProof,
  resourcesProof,
  remoteCommandProof,
  hostKeyProof,
  processStopProof,
  ownedSocketsProof,
  capacityModelProof,
  capacityOriginProof,
  gapRegisterProof,
  claimBoundaryProof,
];

/**
 * Returns the proof of a guard by its id.
 *
 * @throws CodedError `guard.unknown`.
 */
export function proofNamed(id: string): Proof {
  const proof = proofs.find(({ guard }) => guard.id === id);
  if (proof) return proof;
  const remedy = `Name one of: ${proofs.map(({ guard }) => guard.id).join(', ')}.`;
  throw new CodedError('guard.unknown', 'there is no guard of that name', remedy);
}
