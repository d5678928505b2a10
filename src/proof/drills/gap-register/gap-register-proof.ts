// The gap-register guard, its drills, and looks that believe what nobody signed or that compare with nothing.
import { gapRegister } from '../../../scorecard/gap-register/gap-register.ts';
import { observeGapRegister } from '../../../scorecard/gap-register/gap-register-look.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { gapRegisterDrills } from './gap-register-drills.ts';

export const gapRegisterProof: Proof = defineHouseProof({
  guard: gapRegister,
  drills: gapRegisterDrills,
  brokenLooks: [
    {
      id: 'gap-register.nothing-compared',
      observe: ({ baseline: _left, ...request }) => observeGapRegister(request),
    },
    {
      id: 'gap-register.everything-retired',
      observe: async (request) => {
        const facts = await observeGapRegister(request);
        const ids = facts.baseline?.value?.register.gaps.map(({ id }) => ({ id: `gap:${id}`, why: '' }));
        return { ...facts, retired: { value: ids ?? [] } };
      },
    },
  ],
});
