// The cluster-share guard and its drills.
import { clusterShare } from '../../../guards/cluster-share/cluster-share.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { clusterShareDrills } from './cluster-share-drills.ts';

export const clusterShareProof: Proof = defineHouseProof({
  guard: clusterShare,
  drills: clusterShareDrills,
  excused: {
    'share.mount':
      'compared with what the request says, or with the other directory, which the drills change',
    'local.mount':
      'compared with what the request says, or with the other directory, which the drills change',
    'answer.plainPath': 'one of the shared rules of files, which capacity-model is drilled with one by one',
    'answer.directories': 'the same directories as of the share',
    'answer.ancestors': 'the same directories as of the share',
    'answer.oneDevice': 'one of the shared rules of files, which capacity-model is drilled with one by one',
    'answer.unchanged': 'one of the shared rules of files, which capacity-model is drilled with one by one',
  },
});
