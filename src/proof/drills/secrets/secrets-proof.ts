// The secrets guard, its drills, and looks that miss what lies in hidden files, or acknowledge a file by its name.
import { observeSecrets, secrets } from '../../../guards/secrets/secrets.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { liveSecrets } from './live-secrets.ts';
import { secretsDrills } from './secrets-drills.ts';

export const secretsProof: Proof = defineHouseProof({
  guard: secrets,
  drills: secretsDrills,
  live: aboutThisPackage(liveSecrets),
  brokenLooks: [
    {
      id: 'secrets.no-hidden-files',
      noticedBy: 'hidden-file',
      observe: async (request, signal) => {
        const facts = await observeSecrets(request, signal);
        return { ...facts, findings: facts.findings.filter(({ path }) => !path.startsWith('.')) };
      },
    },
    {
      id: 'secrets.acknowledged-by-name',
      noticedBy: 'changed-since',
      observe: async (request, signal) => {
        const facts = await observeSecrets(request, signal);
        const names = new Set(request.acknowledged?.map(({ path }) => path));
        const findings = facts.findings.map((finding) => ({
          ...finding,
          acknowledged: names.has(finding.path),
        }));
        return { ...facts, findings };
      },
    },
  ],
});
