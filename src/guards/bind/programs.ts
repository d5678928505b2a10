// Where programs take their address from, and what they do when nobody says. Each row is taken from the program's own
// documentation; tests start those that the machine has, with nothing set and with everything, and read their sockets.

export interface Program {
  /** Flags and variables that decide the address. Each must be among the sources, as `null` where it is not set. */
  readonly settings: readonly string[];
  /** Reads a configuration file as well: one source is named by a path. */
  readonly file?: true;
  /** What it binds when nothing is set; empty for every interface. */
  readonly fallback: string;
  /** A variable that moves the default to every interface once it is set. */
  readonly exposedBy?: string;
  /** A setting of another kind, the protocol: only with one of {@link KEEP_TO_ADDRESS} is the address obeyed. */
  readonly protocol?: string;
}

/** Dask's other protocol, a WebSocket, listens on every interface whatever the address, and its configuration may make it the default. */
export const KEEP_TO_ADDRESS: ReadonlySet<unknown> = new Set(['tcp', 'tls']);

// Opens a second socket for HTTP, with a setting of its own. --interface and --listen-address do not go with --host.
const DASK = { settings: ['--host', '--protocol'], fallback: '', protocol: '--protocol' } as const;

export const PROGRAMS = {
  // browser.serverAddress is only printed; an unset server.address is every interface.
  streamlit: { settings: ['--server.address', 'STREAMLIT_SERVER_ADDRESS'], file: true, fallback: '' },
  jupyter: { settings: ['--ip'], file: true, fallback: '127.0.0.1' },
  'dask-scheduler': DASK,
  'dask-worker': DASK,
  'dask-dashboard': { settings: ['--dashboard-address'], fallback: '' },
  uvicorn: { settings: ['--host', 'UVICORN_HOST'], fallback: '127.0.0.1' },
  gunicorn: {
    settings: ['--bind', 'GUNICORN_CMD_ARGS', 'PORT'],
    file: true,
    fallback: '127.0.0.1',
    exposedBy: 'PORT',
  },
  // Reads .env and .flaskenv where python-dotenv is installed.
  flask: { settings: ['--host', 'FLASK_RUN_HOST'], file: true, fallback: '127.0.0.1' },
  'ray-dashboard': { settings: ['--dashboard-host'], fallback: '127.0.0.1' },
  ollama: { settings: ['OLLAMA_HOST'], fallback: '127.0.0.1' },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof PROGRAMS;

interface Source {
  readonly from: string;
  readonly value: string | readonly string[] | null;
}

/** Returns the settings of a program that no source speaks of: one that was not read may say anything. */
export function unreadSettings(name: ProgramName, sources: readonly Source[]): readonly string[] {
  const program: Program = PROGRAMS[name];
  const named = new Set(sources.map(({ from }) => from));
  const unread = program.settings.filter((setting) => !named.has(setting));
  const hasFile = sources.some(({ from }) => from.includes('/'));
  return program.file && !hasFile ? [...unread, 'its configuration file'] : unread;
}

/**
 * Returns what the sources come to for a known program: those that are set, or its default when none is. Whichever of
 * those that are set the program obeys, all are judged.
 */
export function effectiveSources(name: ProgramName, sources: readonly Source[]): readonly Source[] {
  const { protocol, exposedBy, fallback }: Program = PROGRAMS[name];
  const judged = sources.flatMap((source) => {
    if (source.from !== protocol) return source;
    return KEEP_TO_ADDRESS.has(source.value) ? [] : { ...source, value: '*' };
  });
  const set = judged.filter(({ from, value }) => value !== null && from !== exposedBy);
  if (set.length > 0) return set;
  const exposed = sources.some(({ from, value }) => from === exposedBy && value !== null);
  return [{ from: `the default of ${name}`, value: exposed ? '' : fallback }];
}
