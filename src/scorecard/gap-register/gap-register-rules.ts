// Every reason to disbelieve a register. What it says of itself comes first, then what it names, then what became of it since
// the baseline.
import type { Rule } from '../../kernel/guard.ts';
import { type Cheaper, whyCheaper } from '../cheaper.ts';
import { drillIds, sharedEvidence, speaksFor } from '../gap-proof.ts';
import { type PricedGap, penaltyOf } from '../price.ts';
import type { Gap } from '../register.ts';
import { retiredSince } from '../retired.ts';
import type { GapRegisterFacts } from './gap-register-look.ts';

const gapsOf = ({ register }: GapRegisterFacts): readonly Gap[] => register.value?.gaps ?? [];

/** Every (gap, drill) that the register names. */
function namedDrills(facts: GapRegisterFacts): readonly { readonly gap: string; readonly id: string }[] {
  return gapsOf(facts).flatMap(({ id: gap, evidence_required }) =>
    evidence_required.flatMap(({ evidence }) => evidence.map((id) => ({ gap, id }))),
  );
}

/** The first gap that asks for less than the baseline had it in this way. Shipped is taken at its word: grades decide. */
function cheaper(facts: GapRegisterFacts, ...kinds: readonly Cheaper['kind'][]): string | false {
  const { baseline, retired } = facts;
  const since = baseline?.value ? retiredSince(baseline.value, retired?.value ?? []) : [];
  const excused = new Set(since.map(({ id }) => id));
  const now = new Map(
    gapsOf(facts).map((gap): readonly [string, PricedGap] => {
      const { id, severity, status: counted } = gap;
      return [id, { ...gap, counted, why: '', penalty: penaltyOf(severity, counted) }];
    }),
  );
  for (const before of baseline?.value?.register.gaps ?? []) {
    const found = excused.has(`gap:${before.id}`) ? undefined : whyCheaper(before, now.get(before.id));
    if (found && kinds.includes(found.kind)) return `${before.id} ${found.why}`;
  }
  return false;
}

const KEEP = 'Put it back, or take it out by a signed entry: guardrails retire gap:ID --why TEXT.';

export const gapRegisterRules: readonly Rule<GapRegisterFacts>[] = [
  {
    code: 'gap-register.unreadable',
    remedy: 'Name a plain file of at most 16 MiB that this process may read, and no link.',
    refuses: ({ register }) =>
      register.code === 'unreadable' && `the register could not be read (${register.why})`,
  },
  {
    code: 'gap-register.malformed',
    remedy: 'Write it as agilab.architecture_hardening_gaps.v2, strict JSON: docs/gaps.md has every key.',
    refuses: ({ register: { code, why } }) =>
      code !== undefined && code !== 'unreadable' && code !== 'register.mandatory' && `${why}`,
  },
  {
    code: 'gap-register.mandatory-gap',
    remedy: 'Name all five mandatory gaps, at least as severe as docs/gaps.md has them.',
    refuses: ({ register: { code, why } }) => code === 'register.mandatory' && `${why}`,
  },
  {
    code: 'gap-register.unowned',
    remedy: 'Write it as version 2: each gap with its owner, its dates, and the drills of each requirement.',
    refuses: (facts) =>
      gapsOf(facts).some(({ owner }) => owner === undefined) &&
      'version 1 of a register says neither whose a gap is nor which drills would close it',
  },
  {
    code: 'gap-register.dates',
    remedy: 'Write when the gap was found, and when somebody last looked at it, up to today.',
    refuses: (facts) => {
      const wrong = gapsOf(facts).find(
        ({ opened = '', reviewed = '' }) => reviewed < opened || reviewed > facts.today,
      );
      return wrong !== undefined && `${wrong.id} was looked at before it was found, or in the future`;
    },
  },
  {
    code: 'gap-register.claims-unreadable',
    remedy: 'Name a claims file as `guardrails claims` writes it.',
    refuses: ({ claims: { code, why } }) => code !== undefined && `the claims cannot be used: ${why}`,
  },
  {
    code: 'gap-register.unknown-drill',
    remedy: 'Name drills that are claimed, as drill:GUARD/DRILL: `guardrails claims` lists them.',
    refuses: (facts) => {
      if (!facts.claims.value) return false;
      const known = drillIds(facts.claims.value);
      const unknown = namedDrills(facts).find(({ id }) => !known.has(id));
      return unknown !== undefined && `${unknown.gap} names ${unknown.id}, which nobody claims`;
    },
  },
  {
    code: 'gap-register.foreign-drill',
    remedy:
      'Prove what a deployment does by guards under its own prefix, and what this package does by its own.',
    refuses: (facts) => {
      const known = facts.claims.value ? drillIds(facts.claims.value) : new Map<string, string>();
      const foreign = namedDrills(facts).find(({ gap, id }) => {
        const guard = known.get(id);
        return guard !== undefined && !speaksFor(gap, guard);
      });
      return foreign !== undefined && `${foreign.id} does not speak for ${foreign.gap}`;
    },
  },
  {
    code: 'gap-register.shared-drill',
    remedy: 'Name a drill of its own for each requirement.',
    refuses: (facts) => {
      const [shared] = sharedEvidence(gapsOf(facts));
      return shared !== undefined && `${shared} is to show two things`;
    },
  },
  {
    code: 'gap-register.shipped-unproven',
    remedy: 'Name a drill for every requirement, or call the gap what it is: open or conditional.',
    refuses: (facts) => {
      const bare = gapsOf(facts).find(
        ({ status, evidence_required }) =>
          status === 'shipped' && evidence_required.some(({ evidence }) => evidence.length === 0),
      );
      return bare !== undefined && `${bare.id} is called shipped, and no drill is named for some requirement`;
    },
  },
  {
    code: 'gap-register.baseline-unbelieved',
    remedy: 'Give a scorecard that one of the given keys signed (guardrails scorecard --format intoto).',
    refuses: ({ baseline }) => baseline?.code !== undefined && `the baseline cannot be used: ${baseline.why}`,
  },
  {
    code: 'gap-register.retired-unbelieved',
    remedy: 'Give entries that one of the given keys signed (guardrails retire gap:ID --why TEXT).',
    refuses: ({ retired }) =>
      retired?.code !== undefined && `the retired entries cannot be used: ${retired.why}`,
  },
  { code: 'gap-register.removed', remedy: KEEP, refuses: (facts) => cheaper(facts, 'removed') },
  {
    code: 'gap-register.less-severe',
    remedy: 'Leave the severity as it was: a gap gets cheaper by proof alone.',
    refuses: (facts) => cheaper(facts, 'less-severe'),
  },
  {
    code: 'gap-register.asks-for-less',
    remedy: 'Leave every requirement in place, and the drills of what was shipped; others may be added.',
    refuses: (facts) => cheaper(facts, 'asks-for-less'),
  },
  {
    code: 'gap-register.redated',
    remedy: 'Leave the day on which the gap was found as it was.',
    refuses: (facts) => cheaper(facts, 'redated'),
  },
  {
    code: 'gap-register.cheaper',
    remedy: 'Close the gap by drills, or leave its status as it was.',
    refuses: (facts) => cheaper(facts, 'cheaper'),
  },
];
