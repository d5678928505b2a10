// The public surface of the guards.

export { openTrusted, type TrustedFile } from '../files/open.ts';
export { type DirectoryToPublish, publishDirectory } from '../files/publish-directory.ts';
export { fileRules, siblingRules } from '../files/rules.ts';
export * from '../kernel/index.ts';
export {
  type AgilabSettings,
  type AgilabSettingsRequest,
  agilabSettings,
} from './agilab-settings/agilab-settings.ts';
export { readEnvironmentFile } from './agilab-settings/environment-file.ts';
export { type BindRequest, type BoundAddress, bind } from './bind/bind.ts';
export {
  type ConfirmedListeners,
  confirmListeners,
  type ListenersRequest,
  listeners,
} from './bind/listeners.ts';
export type { ListeningSocket } from './bind/listening-sockets.ts';
export { type PublicFront, type PublicFrontRequest, publicFront } from './bind/public-front.ts';
export { type ClusterShareRequest, clusterShare, type VerifiedShare } from './cluster-share/cluster-share.ts';
export { type ExternalAppRequest, externalApp, type PinnedApp } from './external-app/external-app.ts';
export { evidenceJournal, type JournalRequest, type VerifiedJournal } from './journal/evidence-journal.ts';
export {
  notebookImport,
  type VerifiedCell,
  type VerifiedNotebook,
} from './notebook-import/notebook-import.ts';
export type { NotebookRequest } from './notebook-import/notebook-look.ts';
export { confinedNode } from './planes/confined-node.ts';
export { type PlanesRequest, planes, type SeparatePlanes } from './planes/planes.ts';
export { type RecoveredState, recovery } from './recovery/recovery.ts';
export type { RecoveryRequest } from './recovery/recovery-look.ts';
export { quarantineTail, swapState } from './recovery/repair.ts';
export {
  type AttestedPackage,
  type NpmProvenanceRequest,
  npmProvenance,
} from './release-proof/npm-provenance.ts';
export { type BuiltRelease, type ReleaseProofRequest, releaseProof } from './release-proof/release-proof.ts';
export type { Limit, Mechanism } from './resources/limit-attempts.ts';
export {
  type BoundedLauncher,
  type LimitInForce,
  type ResourcesRequest,
  resources,
} from './resources/resources.ts';
export { type Route, type RoutesRequest, routes, type VerifiedRoutes } from './routes/routes.ts';
export {
  type ProofCapsuleRequest,
  proofCapsule,
  type VerifiedCapsule,
} from './run-manifest/proof-capsule.ts';
export { runManifest, type VerifiedManifest } from './run-manifest/run-manifest.ts';
export type { RunManifest } from './run-manifest/run-manifest-format.ts';
export type { RunManifestRequest } from './run-manifest/run-manifest-look.ts';
export { type SealedRun, type SealRunOptions, sealRun } from './run-manifest/seal.ts';
export { type ScannedTree, type SecretsRequest, secrets } from './secrets/secrets.ts';
export {
  type HealthyService,
  type ServiceHealthRequest,
  serviceHealth,
} from './service-health/service-health.ts';
export { type KnownPackages, type SupplyChainRequest, supplyChain } from './supply-chain/supply-chain.ts';
export { type ReportOrigin, wrapReport } from './supply-chain/vulnerability-report.ts';
