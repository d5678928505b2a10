// The process-stop guard, its drills, and looks that judge a set of processes by one of them.
import { localShell } from '../../../ssh/process/ownership.ts';
import { observeOver, type ProcessStopFacts, processStop } from '../../../ssh/process/process-stop.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { processStopDrills } from './process-stop-drills.ts';

const observe = observeOver(localShell);

type Look = ProcessStopFacts['look'];

const changes: readonly (readonly [id: string, noticedBy: string, change: (look: Look) => Partial<Look>])[] =
  [
    ['look.leader-only', 'child-left', ({ process }) => ({ members: process ? 1 : 0, unproven: 0 })],
    [
      'look.session-is-ours',
      'session-left',
      ({ members, unproven }) => ({ members: members + unproven, unproven: 0 }),
    ],
  ];

export const processStopProof: Proof = defineHouseProof({
  guard: processStop,
  excused: {
    'look.boot': 'what is true of this host; the drills change what the record says',
    'look.namespace': 'what is true of this host; the drills change what the record says',
    'look.hertz': 'what is true of this host; the drills change what the record says',
    'look.bootTime': 'what is true of this host; the drills change what the record says',
  },
  drills: processStopDrills,
  brokenLooks: changes.map(([id, noticedBy, change]) => ({
    id,
    noticedBy,
    observe: async (...asked: Parameters<typeof observe>): Promise<ProcessStopFacts> => {
      const facts = await observe(...asked);
      return { ...facts, look: { ...facts.look, ...change(facts.look) } };
    },
  })),
});
