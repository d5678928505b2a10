// The agilab-settings guard and the environment files that it is drilled with: read as the gate reads them.
import {
  type AgilabSettingsRequest,
  agilabSettings,
  NO_SECRETS,
  SANDBOXES,
  SWITCHES,
} from '../../../guards/agilab-settings/agilab-settings.ts';
import { readEnvironmentFile } from '../../../guards/agilab-settings/environment-file.ts';
import { GUESSED_SHAPES, INNER_SHAPES, PREFIXED_SHAPES } from '../../../guards/secret-shapes.ts';
import { type Drill, defineHouseProof, type Proof } from '../../proof.ts';
import type { DenyTable } from '../../tables.ts';
import { SAMPLES } from '../secrets/samples.ts';

const drill = (
  id: string,
  fault: string,
  expects: string,
  text: string,
  more: Partial<AgilabSettingsRequest> = {},
): Drill<AgilabSettingsRequest> => {
  const { settings, unclear } = readEnvironmentFile(text);
  return {
    id,
    fault,
    expects: expects === 'allow' ? expects : `agilab-settings.${expects}`,
    build: async () => ({ file: settings, unclear, environment: {}, shared: true, ...more }),
  };
};

const SOUND = `# AGILAB
AGI_CLUSTER_SHARE=/srv/agilab/share
export STREAMLIT_SERVER_ADDRESS="127.0.0.1"  # loopback
OPENAI_API_KEY=env://OPENAI_API_KEY
MISTRAL_API_KEY=
AGILAB_DEV_APPS_REPOSITORY='off'
AGI_SSH_KEY_PATH=/home/agi/.ssh/id_ed25519
AGILAB_CLUSTER_SSH_HOST_KEY_POLICY=strict
AGILAB_CLUSTER_SSH_STRICT_HOST_KEY_CHECKING=yes
`;
const SECRET = 'plain-secret';

/** Shapes of secrets are drilled here one by one: to judge settings takes no file. */
const shapes: readonly DenyTable<AgilabSettingsRequest>[] = [
  { id: 'shapes', denies: PREFIXED_SHAPES },
  { id: 'inner-shapes', denies: INNER_SHAPES },
  { id: 'guessed-shapes', denies: GUESSED_SHAPES },
].map(({ id, denies }) => ({
  id,
  denies,
  what: 'shapes of secrets',
  drillOf: (name) => `shape-${name}`,
  excused: { 'azure-key': 'it always stands beside its name, which says secret as well' },
}));

export const agilabSettingsProof: Proof = defineHouseProof({
  guard: agilabSettings,
  excused: {
    file: 'the settings of the caller, a name for each; the drills show the same by other names',
    effective: 'the settings of the caller, a name for each; the drills show the same by other names',
  },
  drills: [
    drill('sound', 'none: references and switches that are off', 'allow', SOUND),
    drill('empty', 'none: no file at all', 'allow', ''),
    drill(
      'sandboxed',
      'none: generated code runs in a container',
      'allow',
      'UOAIC_AUTOFIX=1\nAGILAB_GENERATED_CODE_SANDBOX=container',
    ),
    drill(
      'floating-alone',
      'none: applications float for one user alone',
      'allow',
      'AGILAB_DEV_APPS_REPOSITORY=1',
      { shared: false },
    ),
    drill('open-key', 'a key that lies open', SECRET, `${SOUND}AZURE_API_${'KEY'}=9f8e7d6c5b4a`),
    drill(
      'test-key',
      'a key that only calls itself a test',
      SECRET,
      `STRIPE_KEY=${'sk'}-test-REAL9f8e7d6c5b4a`,
    ),
    drill(
      'password-in-url',
      'a password in the locator of a database',
      SECRET,
      `DATABASE_URL=postgres://app:${'hunter2'}@db.example/x`,
    ),
    drill(
      'behind-env',
      'a key behind the mark of a reference',
      SECRET,
      `AZURE_API_${'KEY'}=env:9f8e7d6c5b4a`,
    ),
    drill(
      'behind-vault',
      'a password in the locator of a vault',
      SECRET,
      `MISTRAL_API_KEY=vault://app:${'hunter2'}@vault.example/x`,
    ),
    drill(
      'behind-path',
      'a key under a name that says path',
      SECRET,
      `AGI_SSH_KEY_PATH=${'sk'}-proj-9f8e7d6c5b4aQWERTYuiop12`,
    ),
    drill('odd-name', 'a password under a short name', SECRET, `SMTP_PASSWD='${'hunter2'}'`),
    ...[...SAMPLES].map(
      ([name, sample]): Drill<AgilabSettingsRequest> => ({
        ...drill(`shape-${name}`, 'a secret of a known shape under an innocent name', SECRET, ''),
        build: async () => ({ file: { NOTE: sample }, unclear: [], environment: {}, shared: true }),
      }),
    ),
    drill('no-setting', 'a line that sets nothing', 'unclear', `${SOUND}source /etc/profile`),
    drill(
      'two-values',
      'a name with two values',
      'unclear',
      'AGILAB_UI_HOST=127.0.0.1\nAGILAB_UI_HOST=0.0.0.0',
    ),
    drill('expanded', 'a value that readers expand or do not', 'unclear', 'AGILAB_UI_HOST="$HOST"'),
    drill(
      'hidden-line',
      'a line end that is none to everybody',
      'unclear',
      'AGI_CLUSTER_SHARE=/srv/share\rUOAIC_AUTOFIX=1',
    ),
    drill(
      'expanded-anyway',
      'a value that python-dotenv expands in any quotes',
      'unclear',
      `NOTE='$${'{HOST}'}'`,
    ),
    drill('expanded-bare', 'a value that a shell expands', 'unclear', 'NOTE=$HOST'),
    drill(
      'marked',
      'a name behind a byte order mark, which is another name to python-dotenv',
      'unclear',
      '\ufeffAGILAB_GENERATED_CODE_SANDBOX=container\nUOAIC_AUTOFIX=1',
    ),
    drill('strange-blank', 'a value with a blank at its end that some take off', 'unclear', 'NOTE=1\u00a0'),
    drill('comment-or-value', 'a comment where a value belongs', 'unclear', 'NOTE= # 1'),
    drill('named-export', 'a name that is a word of the shell', 'unclear', 'export = 1'),
    drill('half-quoted', 'a quote that nobody closes', 'unclear', 'AGILAB_UI_HOST="127.0.0.1'),
    drill('maybe', 'a switch that is neither on nor off', 'unclear-switch', 'UOAIC_AUTOFIX=maybe'),
    ...[...SWITCHES].map((name) =>
      drill(`switch-${name}`, 'a switch that is neither on nor off', 'unclear-switch', `${name}=maybe`),
    ),
    drill(
      'autorun',
      'generated code that runs by itself',
      'unsandboxed',
      'AGILAB_GENERATED_CODE_AUTORUN=yes',
    ),
    drill(
      'autofix-by-environment',
      'a switch of the environment over that of the file',
      'unsandboxed',
      'UOAIC_AUTOFIX=0',
      { environment: { UOAIC_AUTOFIX: 'on' } },
    ),
    drill(
      'sandbox-of-paper',
      'a sandbox that is none',
      'unsandboxed',
      'UOAIC_AUTOFIX=1\nAGILAB_GENERATED_CODE_SANDBOX=yes',
    ),
    drill(
      'floating',
      'applications that float although several work with them',
      'floating-apps',
      'AGILAB_ALLOW_FLOATING_APPS_REPOSITORY=true',
    ),
  ],
  tables: [
    ...shapes,
    {
      id: 'switches',
      what: 'switches that are read',
      denies: SWITCHES,
      drillOf: (name) => `switch-${name}`,
    },
    {
      id: 'no-secrets',
      what: 'names that speak of keys and hold none',
      allows: NO_SECRETS,
      foreign: { entry: 'SMTP_PASSWD', drill: 'odd-name' },
    },
    {
      id: 'sandboxes',
      what: 'sandboxes',
      allows: SANDBOXES,
      foreign: { entry: 'yes', drill: 'sandbox-of-paper' },
    },
  ],
  brokenLooks: [
    {
      id: 'agilab-settings.file-alone',
      noticedBy: 'autofix-by-environment',
      observe: async (request) => ({ ...request, effective: request.file }),
    },
  ],
});
