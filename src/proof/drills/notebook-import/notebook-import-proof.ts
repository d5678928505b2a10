// The notebook-import guard, its drills, and looks that stop after the first cell, forget what lies beside sources, or take one
// acknowledgement for all.
import { notebookImport } from '../../../guards/notebook-import/notebook-import.ts';
import {
  type NotebookFacts,
  type NotebookRequest,
  observeNotebook,
} from '../../../guards/notebook-import/notebook-look.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { type BrokenLook, defineHouseProof, type Proof } from '../../proof.ts';
import { notebookImportDrills } from './notebook-import-drills.ts';
import { notebookImportTables } from './notebook-import-tables.ts';

const broken = (
  id: string,
  noticedBy: string,
  change: (facts: NotebookFacts, request: NotebookRequest) => NotebookFacts['findings'],
): BrokenLook<NotebookRequest> => ({
  id: `notebook-import.${id}`,
  noticedBy,
  observe: async (request, signal) => {
    const facts = await observeNotebook(request, signal);
    return { ...facts, findings: change(facts, request) };
  },
});

export const notebookImportProof: Proof = defineHouseProof({
  guard: notebookImport,
  drills: [
    ...notebookImportDrills,
    ...fileTableDrills({
      name: 'notebook',
      drills: notebookImportDrills,
      file: 'flights.ipynb',
      maxBytes: 16 * 1024 * 1024,
      expects: 'notebook-import.untrusted',
      about: (request, root, notebook) => ({ ...request, root, notebook }),
    }),
  ],
  tables: notebookImportTables,
  brokenLooks: [
    broken('first-cell-alone', 'remove-all', ({ findings }) => findings.filter(({ cell }) => cell <= 1)),
    broken('sources-alone', 'secret-in-output', ({ findings }) => findings.filter(({ line }) => line > 0)),
    broken('one-for-all', 'two-cells', ({ findings }, { acknowledged = [] }) =>
      findings.map((finding) => ({ ...finding, acknowledged: acknowledged.length > 0 })),
    ),
  ],
});
