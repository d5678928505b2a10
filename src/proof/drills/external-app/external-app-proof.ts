// The guard of external apps, its drills, and looks that believe what git's own shortcuts say.
import {
  type ExternalAppFacts,
  type ExternalAppRequest,
  externalApp,
  FILE_MODES,
  OBEYED,
  observeExternalApp,
} from '../../../guards/external-app/external-app.ts';
import { LENDERS, observeGitDirectory, PLAIN } from '../../../guards/external-app/git-directory.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { externalAppDrills } from './external-app-drills.ts';

/** Looks at .git alone: to read every object takes long. */
const lookAtGit = async (
  { root }: ExternalAppRequest,
  facts: ExternalAppFacts,
): Promise<ExternalAppFacts> => ({
  ...facts,
  git: await observeGitDirectory(root),
});

export const externalAppProof: Proof = defineHouseProof({
  guard: externalApp,
  excused: {
    'commit.entries.*.oid': 'compared with what was found, which the drills change',
  },
  drills: externalAppDrills,
  tables: [
    {
      id: 'lenders',
      what: 'files of .git that lend objects',
      denies: LENDERS,
      drillOf: (name) => name.replace(/^.*\//, ''),
      look: lookAtGit,
    },
    {
      id: 'config',
      what: 'settings of a plain clone',
      allows: PLAIN,
      foreign: { entry: 'core.fsmonitor', value: /^/, drill: 'fsmonitor' },
      look: lookAtGit,
    },
    {
      id: 'obeyed',
      what: 'what git obeys in a repository',
      denies: OBEYED,
      drillOf: (name) => `inside-${name}`,
    },
    {
      id: 'file-modes',
      what: 'kinds of entries that a work tree holds',
      allows: FILE_MODES,
      foreign: { entry: '160000', drill: 'submodule' },
    },
  ],
  brokenLooks: [
    {
      id: 'external-app.ignores-obeyed',
      noticedBy: 'ignored-file',
      observe: async (request, signal) => {
        const facts = await observeExternalApp(request, signal);
        const files = facts.work.files.filter(({ path }) => !path.startsWith('ignored/'));
        return { ...facts, work: { ...facts.work, files } };
      },
    },
    {
      id: 'external-app.contents-unread',
      noticedBy: 'edited',
      // Takes a file that is there for the one of the commit, as an index with old times does.
      observe: async (request, signal) => {
        const facts = await observeExternalApp(request, signal);
        const recorded = new Map(facts.commit?.entries.map(({ path, oid }) => [path, oid]));
        const files = facts.work.files.map((file) => ({ ...file, oid: recorded.get(file.path) ?? file.oid }));
        return { ...facts, work: { ...facts.work, files } };
      },
    },
  ],
});
