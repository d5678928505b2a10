// The gap-register guard, its drills, and looks that believe what nobody signed or that compare with nothing.
import { OF_THE_DEPLOYMENT, OWN } from '../../../scorecard/gap-proof.ts';
import { gapRegister } from '../../../scorecard/gap-register/gap-register.ts';
import { observeGapRegister } from '../../../scorecard/gap-register/gap-register-look.ts';
import { MANDATORY } from '../../../scorecard/register.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { gapRegisterDrills } from './gap-register-drills.ts';
import { liveGapRegister } from './live-gap-register.ts';

export const gapRegisterProof: Proof = defineHouseProof({
  guard: gapRegister,
  excused: {
    'register.value.gaps.*.evidence_required.*.requirement':
      'names a requirement in both registers; the drills take it away',
    today: 'the clock',
    'claims.value': 'the claims that were agreed on',
    'register.value.gaps.*.surface': 'words of a gap: only that they are there counts',
    'register.value.gaps.*.production_boundary': 'words of a gap: only that they are there counts',
    'register.value.gaps.*.words': 'words of a gap: only that they are there counts',
  },
  drills: gapRegisterDrills,
  tables: [
    {
      id: 'mandatory',
      what: 'gaps that every register names',
      denies: MANDATORY,
      drillOf: (id) => `mandatory-missing-${[...MANDATORY.keys()].indexOf(id) + 1}`,
    },
    {
      id: 'of-the-deployment',
      what: 'gaps that no package closes',
      denies: OF_THE_DEPLOYMENT,
      drillOf: (id) => `house-drill-${[...OF_THE_DEPLOYMENT].indexOf(id) + 1}`,
    },
    {
      id: 'own',
      what: 'gaps that guards of this package close',
      denies: OWN,
      drillOf: () => 'other-house-drill',
    },
  ],
  live: aboutThisPackage(liveGapRegister),
  brokenLooks: [
    {
      id: 'gap-register.nothing-compared',
      noticedBy: 'unsigned',
      observe: ({ baseline: _left, ...request }) => observeGapRegister(request),
    },
    {
      id: 'gap-register.everything-retired',
      noticedBy: 'retired-by-stranger',
      observe: async (request) => {
        const facts = await observeGapRegister(request);
        const ids = facts.baseline?.value?.register.gaps.map(({ id }) => ({ id: `gap:${id}`, why: '' }));
        return { ...facts, retired: { value: ids ?? [] } };
      },
    },
  ],
});
