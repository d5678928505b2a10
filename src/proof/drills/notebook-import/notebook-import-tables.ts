// The tables of names and magics that the notebook-import guard asks.
import { CELL_PYTHON, LINE_HARMLESS, LINE_PYTHON } from '../../../guards/notebook-import/ipython-cell.ts';
import {
  judgeCode,
  type NotebookFacts,
  type NotebookRequest,
} from '../../../guards/notebook-import/notebook-look.ts';
import { reaches } from '../../../guards/notebook-import/reaches.ts';
import type { ProofTable } from '../../tables.ts';
import { idOfEntry } from './notebook-import-drills.ts';

const OF_ANYTHING = 'its last name is refused whatever it is of';

const tables: readonly ProofTable<NotebookRequest>[] = [
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
];

/** They say what code reaches: the file need not be read again. */
export const notebookImportTables: readonly ProofTable<NotebookRequest>[] = tables.map((table) => ({
  ...table,
  look: async (_request, facts: NotebookFacts) =>
    facts.reading.kind === 'read'
      ? { ...facts, ...(await judgeCode(facts.reading.notebook, () => false)) }
      : facts,
}));
