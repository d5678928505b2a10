// The supply-chain guard, its drills, and a look that takes what a report lists for what was audited.
import { observeSupplyChain, supplyChain } from '../../../guards/supply-chain/supply-chain.ts';
import { SETTLED } from '../../../guards/supply-chain/waivers.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { liveSupplyChain } from './live-supply-chain.ts';
import { supplyChainDrills } from './supply-chain-drills.ts';

export const supplyChainProof: Proof = defineHouseProof({
  guard: supplyChain,
  excused: {
    now: 'the clock',
    maxAgeDays: 'what the caller allows',
    'files.*.file.plainPath':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'files.*.file.oneDevice':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
    'files.*.file.unchanged':
      'one of the shared rules of files, which capacity-model is drilled with one by one',
  },
  drills: [
    ...supplyChainDrills,
    ...fileTableDrills({
      name: 'lock',
      drills: supplyChainDrills,
      file: 'package-lock.json',
      maxBytes: 32 * 1024 * 1024,
      expects: 'supply-chain.untrusted',
    }),
  ],
  tables: [
    {
      id: 'settled',
      what: 'states in which a finding is settled',
      allows: SETTLED,
      foreign: { entry: 'in_triage', drill: 'in-triage' },
    },
  ],
  live: aboutThisPackage(liveSupplyChain),
  brokenLooks: [
    {
      id: 'supply-chain.reports-cover-all',
      noticedBy: 'part-audited',
      observe: async (request, signal) => {
        const facts = await observeSupplyChain(request, signal);
        const audited = facts.lock.kind === 'read' ? facts.lock.value : [];
        const reports = facts.reports?.map((report) =>
          report.kind === 'read'
            ? { ...report, value: { ...report.value, npmTotal: undefined, audited } }
            : report,
        );
        return { ...facts, reports };
      },
    },
    {
      id: 'supply-chain.file-times',
      noticedBy: 'old-report',
      // Takes a report for as fresh as somebody last touched its file.
      observe: async (request, signal) => {
        const facts = await observeSupplyChain(request, signal);
        const reports = facts.reports?.map((report) =>
          report.kind === 'read'
            ? { ...report, value: { ...report.value, madeAt: facts.now, dataAt: undefined } }
            : report,
        );
        return { ...facts, reports };
      },
    },
  ],
});
