// The capacity-origin guard, and every way to slip in a model that nobody released, or released no more.

import { capacityOrigin } from '../../../capacity/origin/capacity-origin.ts';
import { MAX_ENVELOPE_BYTES } from '../../../evidence/dsse.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { counterDrills } from './counter-drills.ts';
import { originBrokenLooks } from './origin-broken-looks.ts';
import { statementDrills } from './statement-drills.ts';

export const capacityOriginProof: Proof = defineHouseProof({
  guard: capacityOrigin,
  excused: {
    now: 'the clock',
    name: 'asked for, not found',
    'statementFile.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'statementFile.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'counters.*.file.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'counters.*.file.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'counters.*.file.plainPath': 'the name of a counter is made here',
  },
  drills: [
    ...statementDrills,
    ...counterDrills,
    ...fileTableDrills({
      name: 'release',
      drills: statementDrills,
      file: 'models/balancer_model.pkl.intoto.jsonl',
      maxBytes: MAX_ENVELOPE_BYTES,
      expects: 'origin.statement-untrusted',
    }).filter(({ id }) => id !== 'release-missing'), // a code of its own: `statement-missing`
  ],
  brokenLooks: originBrokenLooks,
});
