// The public-front guard and its drills.
import { publicFront } from '../../../guards/bind/public-front.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { publicFrontDrills } from './public-front-drills.ts';

export const publicFrontProof: Proof = defineHouseProof({
  guard: publicFront,
  drills: publicFrontDrills,
  excused: {
    'asked.*.credentials': 'what was asked of the front, not what it answered',
    'asked.*.method': 'what was asked of the front, not what it answered',
    'asked.*.path': 'what was asked of the front, not what it answered',
    'asked.*.what': 'what was asked of the front, not what it answered',
    'backEnd.sockets.*.family': 'told by the address as well',
  },
});
