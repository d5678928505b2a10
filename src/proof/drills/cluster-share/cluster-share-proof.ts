// The cluster-share guard and its drills.
import { clusterShare } from '../../../guards/cluster-share/cluster-share.ts';
import { HOMES, SYSTEM, VAR_SYSTEM, WHOLLY_SYSTEM } from '../../../guards/cluster-share/share-path.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { clusterShareDrills } from './cluster-share-drills.ts';

export const clusterShareProof: Proof = defineHouseProof({
  guard: clusterShare,
  drills: clusterShareDrills,
  tables: [
    {
      id: 'system',
      what: 'directories that are no share',
      denies: SYSTEM,
      drillOf: (name) => `top-${name}`,
    },
    {
      id: 'wholly-system',
      what: 'directories below which nothing is a share',
      denies: WHOLLY_SYSTEM,
      drillOf: (name) => `below-${name}`,
    },
    {
      id: 'var-system',
      what: 'directories of /var below which nothing is a share',
      denies: VAR_SYSTEM,
      drillOf: (name) => `in-var-${name}`,
    },
    { id: 'homes', what: 'directories of homes', denies: HOMES, drillOf: (name) => `in-${name}` },
  ],
  excused: {
    'share.mount':
      'compared with what the request says, or with the other directory, which the drills change',
    'local.mount':
      'compared with what the request says, or with the other directory, which the drills change',
    'share.place':
      'seen by identity as well, but for mounts, and those are of another namespace, where a drill is judged',
    'local.place':
      'seen by identity as well, but for mounts, and those are of another namespace, where a drill is judged',
    'share.placesBelow': 'of another namespace, where a drill is judged',
    'local.placesBelow': 'of another namespace, where a drill is judged',
    'answer.plainPath': 'one of the shared rules of files, which capacity-model is drilled with one by one',
    'answer.directories': 'the same directories as of the share',
    'answer.ancestors': 'the same directories as of the share',
    'answer.oneDevice': 'one of the shared rules of files, which capacity-model is drilled with one by one',
    'answer.unchanged': 'one of the shared rules of files, which capacity-model is drilled with one by one',
  },
});
