// The journal guard, its drills, and a look that does not ask what was there before, as a verifier without memory would.
import { evidenceJournal, observeJournal } from '../../../guards/journal/evidence-journal.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { journalDrills } from './journal-drills.ts';

export const journalProof: Proof = defineHouseProof({
  guard: evidenceJournal,
  drills: journalDrills,
  brokenLooks: [
    {
      id: 'journal.no-memory',
      noticedBy: 'cut-previous',
      observe: ({ directory, pins }, signal) => observeJournal({ directory, pins }, signal),
    },
  ],
});
