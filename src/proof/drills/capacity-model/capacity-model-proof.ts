// The capacity-model guard, every way to slip another model to the balancer that it is drilled with, and a look that first
// resolves the path, as most loaders do, and then checks what it came to.
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { capacityModel, observeModel } from '../../../capacity/capacity-model.ts';
import { BY_MODULE } from '../../../capacity/pickle/allowed.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { contentDrills, pickleDrills } from './content-drills.ts';
import { fileDrills } from './file-drills.ts';
import { namespaceDrills } from './namespace-drills.ts';

export const capacityModelProof: Proof = defineHouseProof({
  guard: capacityModel,
  excused: {
    name: 'asked for, not found',
  },
  drills: [...fileDrills, ...contentDrills, ...pickleDrills, ...namespaceDrills],
  // The opcodes are no such table: what is carried out is code, one case each, and an opcode that is not among those refused
  // by name is refused as unknown. Nor are the keys of each class: they are the schema of its state.
  tables: [
    {
      id: 'modules',
      what: 'modules whose names a model may mention',
      allows: BY_MODULE,
      foreign: {
        entry: 'sklearm.tree._classes',
        value: BY_MODULE.get('sklearn.tree._classes'),
        drill: 'pickle-near-module',
      },
    },
  ],
  brokenLooks: [
    {
      id: 'look.resolves-links',
      noticedBy: 'dot-dot',
      async observe(request, signal) {
        const path = await realpath(join(request.root, request.model));
        return observeModel({ ...request, root: dirname(path), model: basename(path) }, signal);
      },
    },
  ],
});
