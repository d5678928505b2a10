// The cluster-share guard and its drills.
import { clusterShare } from '../../../guards/cluster-share/cluster-share.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { clusterShareDrills } from './cluster-share-drills.ts';

export const clusterShareProof: Proof = defineHouseProof({ guard: clusterShare, drills: clusterShareDrills });
