// The supply-chain guard, its drills, and a look that takes what a report lists for what was audited.
import { observeSupplyChain, supplyChain } from '../../../guards/supply-chain/supply-chain.ts';
import { aboutThisPackage } from '../../live.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { liveSupplyChain } from './live-supply-chain.ts';
import { supplyChainDrills } from './supply-chain-drills.ts';

export const supplyChainProof: Proof = defineHouseProof({
  guard: supplyChain,
  drills: supplyChainDrills,
  live: aboutThisPackage(liveSupplyChain),
  brokenLooks: [
    {
      id: 'supply-chain.reports-cover-all',
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
