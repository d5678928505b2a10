// What the gate asks: from AGILAB's environment file, the environment and Streamlit's configuration, each read once.
import { join, resolve } from 'node:path';
import { CodedError, errnoOf } from '../evidence/coded-error.ts';
import { readBounded } from '../evidence/files.ts';
import { readEnvironmentFile } from '../guards/agilab-settings/environment-file.ts';
import type { BindRequest } from '../guards/bind/bind.ts';
import type { GateRequest } from './gate.ts';
import type { Profile } from './profiles.ts';
import { uiAddressRequest } from './ui-address.ts';

export interface GatePlace {
  readonly home: string;
  /** Where the interface is started. */
  readonly cwd: string;
  /** The environment file; `~/.agilab/.env`, if it is there, where none is named. */
  readonly envFile: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const MAX_SETTINGS_BYTES = 262_144;
/** Variables that AGILAB or its user interface read. The rest of the environment is nobody's business here. */
const OURS = /^(?:AGILAB_|AGI_|UOAIC_|STREAMLIT_SERVER_|UVICORN_HOST$|APPS_REPOSITORY$)/;

/** What a file holds; `undefined` where there is none that anybody named. */
async function textOf(path: string, isNamed: boolean): Promise<string | undefined> {
  try {
    const policy = { maxBytes: MAX_SETTINGS_BYTES, forbiddenMode: 0o022, owner: 'own' } as const;
    return (await readBounded(path, policy)).toString('utf8');
  } catch (error) {
    if (!isNamed && errnoOf(error) === 'ENOENT') return undefined;
    if (error instanceof CodedError) throw error;
    const remedy = 'Name a file of this user that others cannot write, by its real path.';
    throw new CodedError('gate.unreadable', `${path} cannot be read`, remedy, { cause: error });
  }
}

/** Adds the sources of a given request: flags, which are known to whoever starts the interface. */
function withGiven(derived: BindRequest, given: unknown): unknown {
  if (given === undefined) return derived;
  const { sources, ...more } = given as { readonly sources?: unknown };
  if (!Array.isArray(sources)) return given; // refused as it is
  const named = new Set(sources.map((source: { readonly from?: unknown } | null) => source?.from));
  const kept = derived.sources.filter(({ from, value }) => value !== null || !named.has(from));
  // The program is the one whose settings these are: by the default of another, an address that nobody set would be loopback.
  const { program } = derived;
  return { ...derived, ...more, program, sources: [...(sources as readonly unknown[]), ...kept] };
}

/**
 * Returns what to ask for a profile: `given`, and what the settings say for themselves.
 *
 * @throws CodedError `gate.unreadable`, `read.*`: settings that cannot be read, or that others can write, are no settings.
 */
export async function gateRequest(
  profile: Profile,
  { home, cwd, envFile, environment: all }: GatePlace,
  given: Readonly<Record<string, unknown>>,
): Promise<{ readonly request: GateRequest; readonly settingsFile: string }> {
  const settingsFile = resolve(envFile ?? join(home, '.agilab/.env'));
  const { settings, unclear } = readEnvironmentFile(
    (await textOf(settingsFile, envFile !== undefined)) ?? '',
  );
  const environment = Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      OURS.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
  const config = '.streamlit/config.toml';
  const configs = [
    { path: `./${config}`, text: await textOf(join(cwd, config), false) },
    { path: join(home, config), text: await textOf(join(home, config), false) },
  ];
  const requests = {
    ...given,
    // Asked about what is there, whatever was given: that can only add.
    bind: withGiven(uiAddressRequest({ file: settingsFile, settings, environment, configs }), given['bind']),
    'agilab-settings': { file: settings, unclear, environment, shared: profile !== 'local' },
  };
  return { request: { profile, settings: { ...settings, ...environment }, requests }, settingsFile };
}
