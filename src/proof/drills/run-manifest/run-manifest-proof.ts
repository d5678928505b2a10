// The run-manifest guard and its drills.

import { runManifest } from '../../../guards/run-manifest/run-manifest.ts';
import { SECRET_PATTERNS } from '../../../guards/secret-patterns.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { runManifestDrills } from './run-manifest-drills.ts';
import { sealedRunDrills } from './sealed-run-drills.ts';

export const runManifestProof: Proof = defineHouseProof({
  guard: runManifest,
  excused: {
    place: 'the same directories as of the manifest and of each artifact',
    'manifest.path': 'asked for, not found',
    'reading.content': 'the search for secrets reads every text; what else is read of it is missed',
    'artifacts.*.declared.exists': 'compared with what was found, which the drills change',
    'sealReading.content': 'compared with what was found, which the drills change',
    'manifest.facts.plainPath':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'manifest.facts.directories': 'the same directories as of `place`, which is judged first',
    'manifest.facts.ancestors': 'the same directories as of `place`, which is judged first',
    'manifest.facts.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'manifest.facts.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'found.*.facts.plainPath':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'found.*.facts.directories': 'the same directories as of `place`, which is judged first',
    'found.*.facts.ancestors': 'the same directories as of `place`, which is judged first',
    'found.*.facts.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'found.*.facts.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'seal.facts.plainPath':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'seal.facts.directories': 'the same directories as of `place`, which is judged first',
    'seal.facts.ancestors': 'the same directories as of `place`, which is judged first',
    'seal.facts.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'seal.facts.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
  },
  tables: [
    {
      id: 'secrets',
      what: 'shapes of secrets that no manifest may show',
      denies: SECRET_PATTERNS,
      drillOf: (name) => `secret-${name}`,
    },
  ],
  drills: [
    ...runManifestDrills,
    ...sealedRunDrills,
    ...fileTableDrills({
      name: 'manifest',
      drills: runManifestDrills,
      file: 'run/run_manifest.json',
      maxBytes: 1_048_576,
      expects: 'run-manifest.untrusted',
    }),
    ...fileTableDrills({
      name: 'artifact',
      drills: runManifestDrills,
      file: 'run/metrics.csv',
      maxBytes: 64 * 1_048_576,
      expects: 'run-manifest.artifact-untrusted',
    }).filter(({ id }) => !/-(?:open-directory|open-ancestor|missing)$/.test(id)), // of the manifest as well
  ],
});
