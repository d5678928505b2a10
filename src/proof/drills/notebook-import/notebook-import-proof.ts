// The notebook-import guard, its drills, and looks that stop after the first cell, forget what lies beside sources, or take one
// acknowledgement for all.
import { CELL_PYTHON, LINE_HARMLESS, LINE_PYTHON } from '../../../guards/notebook-import/ipython-cell.ts';
import { notebookImport } from '../../../guards/notebook-import/notebook-import.ts';
import {
  type NotebookFacts,
  type NotebookRequest,
  observeNotebook,
} from '../../../guards/notebook-import/notebook-look.ts';
import { reaches } from '../../../guards/notebook-import/reaches.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { type BrokenLook, defineHouseProof, type Proof } from '../../proof.ts';
import { idOfEntry, notebookImportDrills } from './notebook-import-drills.ts';

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

const OF_ANYTHING = 'its last name is refused whatever it is of';

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
  tables: [
    {
      id: 'names',
      what: 'names that reach the world',
      denies: reaches.names,
      drillOf: idOfEntry,
      excused: {
        getattr: 'what it is given decides, and that is read without the table',
        'yaml.unsafe_load': OF_ANYTHING,
        'keras.models.load_model': OF_ANYTHING,
        'tensorflow.keras.models.load_model': OF_ANYTHING,
        'asyncio.open_connection': OF_ANYTHING,
        'os.chdir': OF_ANYTHING,
        'os.pardir': OF_ANYTHING,
        'os.path.pardir': OF_ANYTHING,
        'os.path.expanduser': OF_ANYTHING,
        'os.path.expandvars': OF_ANYTHING,
      },
    },
    {
      id: 'modules',
      what: 'modules that reach the world',
      denies: reaches.modules,
      drillOf: (module) => idOfEntry(`${module}.*`),
    },
    {
      id: 'attributes',
      what: 'names that reach the world whatever they are of',
      denies: reaches.attributes,
      drillOf: (attribute) => idOfEntry(`*.${attribute}`),
    },
    {
      id: 'arguments',
      what: 'arguments that reach the world',
      denies: reaches.keywords,
      drillOf: (keyword) => idOfEntry(`${keyword}=`),
    },
    // Which refused magics are called commands of the system is no table of this kind: without its entry a magic is refused
    // as one that is not known.
    {
      id: 'cell-magics',
      what: 'magics that leave the rest of a cell Python',
      allows: CELL_PYTHON,
      foreign: { entry: 'bash', value: /^/, drill: 'bash-cell' },
    },
    {
      id: 'line-magics',
      what: 'magics of a line that are harmless',
      allows: LINE_HARMLESS,
      foreign: { entry: 'store', value: /^/, drill: 'unknown-magic' },
    },
    {
      id: 'timed-lines',
      what: 'magics of a line whose rest is Python',
      allows: LINE_PYTHON,
      foreign: { entry: 'store', drill: 'unknown-magic' },
    },
  ],
  brokenLooks: [
    broken('first-cell-alone', 'remove-all', ({ findings }) => findings.filter(({ cell }) => cell <= 1)),
    broken('sources-alone', 'secret-in-output', ({ findings }) => findings.filter(({ line }) => line > 0)),
    broken('one-for-all', 'two-cells', ({ findings }, { acknowledged = [] }) =>
      findings.map((finding) => ({ ...finding, acknowledged: acknowledged.length > 0 })),
    ),
  ],
});
