// Every guard that can be asked by name. Their drills are in src/proof, which nobody needs who only asks.

import { capacityModel } from './capacity/capacity-model.ts';
import { capacityOrigin } from './capacity/origin/capacity-origin.ts';
import { CodedError } from './evidence/coded-error.ts';
import { agilabSettings } from './guards/agilab-settings/agilab-settings.ts';
import { bind } from './guards/bind/bind.ts';
import { listeners } from './guards/bind/listeners.ts';
import { publicFront } from './guards/bind/public-front.ts';
import { clusterShare } from './guards/cluster-share/cluster-share.ts';
import { externalApp } from './guards/external-app/external-app.ts';
import { evidenceJournal } from './guards/journal/evidence-journal.ts';
import { notebookImport } from './guards/notebook-import/notebook-import.ts';
import { planes } from './guards/planes/planes.ts';
import { recovery } from './guards/recovery/recovery.ts';
import { npmProvenance } from './guards/release-proof/npm-provenance.ts';
import { releaseProof } from './guards/release-proof/release-proof.ts';
import { resources } from './guards/resources/resources.ts';
import { routes } from './guards/routes/routes.ts';
import { proofCapsule } from './guards/run-manifest/proof-capsule.ts';
import { runManifest } from './guards/run-manifest/run-manifest.ts';
import { secrets } from './guards/secrets/secrets.ts';
import { serviceHealth } from './guards/service-health/service-health.ts';
import { supplyChain } from './guards/supply-chain/supply-chain.ts';
import type { AnyGuard } from './kernel/guard.ts';
import { claimBoundary } from './scorecard/claim-boundary/claim-boundary.ts';
import { gapRegister } from './scorecard/gap-register/gap-register.ts';
import { hostKey } from './ssh/host-key/host-key.ts';
import { ownedSockets } from './ssh/process/owned-sockets.ts';
import { processStop } from './ssh/process/process-stop.ts';
import { remoteCommand } from './ssh/remote-command.ts';

export const catalogue: readonly AnyGuard[] = [
  evidenceJournal,
  bind,
  listeners,
  publicFront,
  runManifest,
  proofCapsule,
  clusterShare,
  serviceHealth,
  notebookImport,
  agilabSettings,
  routes,
  recovery,
  planes,
  supplyChain,
  releaseProof,
  npmProvenance,
  secrets,
  externalApp,
  resources,
  remoteCommand,
  hostKey,
  processStop,
  ownedSockets,
  capacityModel,
  capacityOrigin,
  gapRegister,
  claimBoundary,
];

/**
 * Returns a guard by its id.
 *
 * @throws CodedError `guard.unknown`.
 */
export function guardNamed(id: string): AnyGuard {
  const guard = catalogue.find((candidate) => candidate.id === id);
  if (guard) return guard;
  const remedy = `Name one of: ${catalogue.map((known) => known.id).join(', ')}.`;
  throw new CodedError('guard.unknown', 'there is no guard of that name', remedy);
}
