// Every guard that can be asked by name, each loaded when it is asked: all of them bring a lot with them. Their drills are in
// src/proof, which nobody needs who only asks.
import { CodedError } from './evidence/coded-error.ts';
import type { AnyGuard } from './kernel/guard.ts';

type Load = () => Promise<AnyGuard>;

/** By the id of each guard, what loads it. */
export const catalogue: ReadonlyMap<string, Load> = new Map<string, Load>([
  ['journal', async () => (await import('./guards/journal/evidence-journal.ts')).evidenceJournal],
  ['bind', async () => (await import('./guards/bind/bind.ts')).bind],
  ['listeners', async () => (await import('./guards/bind/listeners.ts')).listeners],
  ['public-front', async () => (await import('./guards/bind/public-front.ts')).publicFront],
  ['run-manifest', async () => (await import('./guards/run-manifest/run-manifest.ts')).runManifest],
  ['proof-capsule', async () => (await import('./guards/run-manifest/proof-capsule.ts')).proofCapsule],
  ['cluster-share', async () => (await import('./guards/cluster-share/cluster-share.ts')).clusterShare],
  ['service-health', async () => (await import('./guards/service-health/service-health.ts')).serviceHealth],
  [
    'notebook-import',
    async () => (await import('./guards/notebook-import/notebook-import.ts')).notebookImport,
  ],
  [
    'agilab-settings',
    async () => (await import('./guards/agilab-settings/agilab-settings.ts')).agilabSettings,
  ],
  ['routes', async () => (await import('./guards/routes/routes.ts')).routes],
  ['recovery', async () => (await import('./guards/recovery/recovery.ts')).recovery],
  ['planes', async () => (await import('./guards/planes/planes.ts')).planes],
  ['supply-chain', async () => (await import('./guards/supply-chain/supply-chain.ts')).supplyChain],
  ['release-proof', async () => (await import('./guards/release-proof/release-proof.ts')).releaseProof],
  ['npm-provenance', async () => (await import('./guards/release-proof/npm-provenance.ts')).npmProvenance],
  ['secrets', async () => (await import('./guards/secrets/secrets.ts')).secrets],
  ['external-app', async () => (await import('./guards/external-app/external-app.ts')).externalApp],
  ['resources', async () => (await import('./guards/resources/resources.ts')).resources],
  ['remote-command', async () => (await import('./ssh/remote-command.ts')).remoteCommand],
  ['host-key', async () => (await import('./ssh/host-key/host-key.ts')).hostKey],
  ['process-stop', async () => (await import('./ssh/process/process-stop.ts')).processStop],
  ['owned-sockets', async () => (await import('./ssh/process/owned-sockets.ts')).ownedSockets],
  ['capacity-model', async () => (await import('./capacity/capacity-model.ts')).capacityModel],
  ['capacity-origin', async () => (await import('./capacity/origin/capacity-origin.ts')).capacityOrigin],
  ['gap-register', async () => (await import('./scorecard/gap-register/gap-register.ts')).gapRegister],
  [
    'claim-boundary',
    async () => (await import('./scorecard/claim-boundary/claim-boundary.ts')).claimBoundary,
  ],
]);

/** Those that were asked for: an import that is done takes longer to repeat than the guard to judge. */
const loaded = new Map<string, AnyGuard>();

/**
 * Returns a guard by its id.
 *
 * @throws CodedError `guard.unknown`.
 */
export async function guardNamed(id: string): Promise<AnyGuard> {
  const known = loaded.get(id);
  if (known) return known;
  const load = catalogue.get(id);
  if (load) {
    const guard = await load();
    loaded.set(id, guard);
    return guard;
  }
  const remedy = `Name one of: ${[...catalogue.keys()].join(', ')}.`;
  throw new CodedError('guard.unknown', 'there is no guard of that name', remedy);
}
