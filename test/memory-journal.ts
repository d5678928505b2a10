// A sink that keeps what guards leave in memory, decisions and effects apart.
import {
  type DecisionDraft,
  type EffectDraft,
  type EvidenceSink,
  isDecisionDraft,
} from '../src/evidence/record.ts';

export interface MemoryJournal extends EvidenceSink {
  readonly drafts: DecisionDraft[];
  readonly effects: EffectDraft[];
  /** What came with each record, for a digest. */
  readonly inputs: string[];
}

export function memoryJournal(): MemoryJournal {
  const drafts: DecisionDraft[] = [];
  const effects: EffectDraft[] = [];
  const inputs: string[] = [];
  const append: EvidenceSink['append'] = async (draft, input) => {
    if (isDecisionDraft(draft)) drafts.push(draft);
    else effects.push(draft);
    inputs.push(input);
  };
  return { drafts, effects, inputs, append };
}
