// Guards AGILAB's own settings, as its environment file and the environment give them: secrets that lie open, generated code that would
// run outside a sandbox, applications that float, and switches that nobody can read.
import * as z from 'zod';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { findSecrets } from '../find-secrets.ts';
import { isBareSecret } from '../secret-patterns.ts';

export interface AgilabSettingsRequest {
  /** What the environment file says, name by name. */
  readonly file: Readonly<Record<string, string>>;
  /** Lines of the file that could not be read in one way only. */
  readonly unclear: readonly number[];
  /** What the environment says beside it; it wins. Only names that AGILAB reads. */
  readonly environment: Readonly<Record<string, string>>;
  /** Others than this user work with this installation. */
  readonly shared: boolean;
}

const settings = z.record(z.string().regex(/^[A-Za-z_]\w{0,127}$/), z.string().max(4_096));
const agilabSettingsRequest: z.ZodType<AgilabSettingsRequest> = z.strictObject({
  file: settings,
  unclear: z.array(z.int().min(1)).max(100_000),
  environment: settings,
  shared: z.boolean(),
});

/** Words that AGILAB takes for yes, and those that anybody takes for no. */
const YES = /^(?:1|true|yes|on|enabled)$/i;
const NO = /^(?:|0|false|no|off|disabled)$/i;
const NAMES = [
  'UOAIC_AUTOFIX',
  'AGILAB_GENERATED_CODE_AUTORUN',
  'AGILAB_ALLOW_FLOATING_APPS_REPOSITORY',
  'AGILAB_DEV_APPS_REPOSITORY',
  'AGI_CLUSTER_ENABLED',
  'AGILAB_PUBLIC_BIND_OK',
] as const;
export const SWITCHES: ReadonlySet<string> = new Set(NAMES);
export const SANDBOXES: ReadonlySet<string> = new Set(['container', 'vm', 'process']);

/** References of AGILAB to what lies elsewhere. Behind `env:` and no such name a secret may stand itself. */
const REFERENCE = /^(?:env:(?:\/\/)?[A-Za-z_]\w*|(?:secret|vault):\/\/[\w./-]+)$/;
/** Names of AGILAB that speak of keys, and say where they lie or how hosts are known. */
export const NO_SECRETS: ReadonlySet<string> = new Set([
  'AGI_SSH_KEY_PATH',
  'AGILAB_CLUSTER_SSH_HOST_KEY_POLICY',
  'AGILAB_CLUSTER_SSH_STRICT_HOST_KEY_CHECKING',
]);

type Facts = AgilabSettingsRequest & { readonly effective: Readonly<Record<string, string>> };

const isOn = ({ effective }: Facts, ...names: readonly (typeof NAMES)[number][]): boolean =>
  names.some((name) => YES.test((effective[name] ?? '').trim()));

const rules: readonly Rule<Facts>[] = [
  {
    code: 'agilab-settings.unclear',
    remedy:
      'Write NAME=value, each name once, quotes only around a whole value, nothing escaped or expanded.',
    refuses: ({ unclear: [first] }) =>
      first !== undefined && `line ${first} of the environment file can be read in two ways, or in none`,
  },
  {
    code: 'agilab-settings.plain-secret',
    remedy:
      'Take the secret out of the file, count it as leaked, and name it by reference: env://NAME or a vault.',
    refuses: ({ file }) => {
      const open = Object.entries(file).find(
        ([name, value]) =>
          (isBareSecret(name, value) && !REFERENCE.test(value) && !NO_SECRETS.has(name)) ||
          findSecrets(value).length > 0,
      );
      return open !== undefined && `the environment file shows the value of ${open[0]}`;
    },
  },
  {
    code: 'agilab-settings.unclear-switch',
    remedy: 'Switch it on (1, true, yes, on, enabled) or off (0, false, no, off, disabled).',
    refuses: ({ effective }) => {
      const odd = [...SWITCHES].find((name) => {
        const value = (effective[name] ?? '').trim();
        return !YES.test(value) && !NO.test(value);
      });
      return odd !== undefined && `${odd} is neither on nor off`;
    },
  },
  {
    code: 'agilab-settings.unsandboxed',
    remedy:
      'Set AGILAB_GENERATED_CODE_SANDBOX to container, vm or process, or let no generated code run by itself.',
    refuses: (facts) =>
      isOn(facts, 'UOAIC_AUTOFIX', 'AGILAB_GENERATED_CODE_AUTORUN') &&
      !SANDBOXES.has(facts.effective['AGILAB_GENERATED_CODE_SANDBOX'] ?? '') &&
      'generated code runs by itself, and in no sandbox',
  },
  {
    code: 'agilab-settings.floating-apps',
    remedy: 'Pin applications to a commit where several people work: unset the switch.',
    refuses: (facts) =>
      facts.shared &&
      isOn(facts, 'AGILAB_ALLOW_FLOATING_APPS_REPOSITORY', 'AGILAB_DEV_APPS_REPOSITORY') &&
      'applications may float on a branch although the installation is shared',
  },
];

/** Settings that may be used: what wins for each name. */
export interface AgilabSettings {
  readonly settings: Readonly<Record<string, string>>;
  /** Generated code runs by itself, in this sandbox; `undefined` when none does. */
  readonly sandbox: string | undefined;
}

/** Grants {@link AgilabSettings}: no open secret, no code without a sandbox, no switch that can be read in two ways. */
export const agilabSettings: Guard<AgilabSettingsRequest, AgilabSettings> = defineHouseGuard({
  id: 'agilab-settings',
  dimension: 'architecture_runtime_guardrails',
  request: agilabSettingsRequest,
  observe: async (request: AgilabSettingsRequest): Promise<Facts> => ({
    ...request,
    effective: { ...request.file, ...request.environment },
  }),
  rules,
  grant: (facts) => {
    const runs = isOn(facts, 'UOAIC_AUTOFIX', 'AGILAB_GENERATED_CODE_AUTORUN');
    return deepFreeze({
      settings: { ...facts.effective },
      sandbox: runs ? facts.effective['AGILAB_GENERATED_CODE_SANDBOX'] : undefined,
    });
  },
});
