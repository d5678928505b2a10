// The request to the bind guard, from every place where AGILAB's user interface may take its address: a flag is not known before the
// start, so the manager has to start it without one, or say which.
import { parse } from 'smol-toml';
import type { BindRequest } from '../guards/bind/bind.ts';

export interface UiAddressSources {
  /** Name and content of the environment file. */
  readonly file: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Streamlit's configurations: of each its path, and its text where there is one. */
  readonly configs: readonly { readonly path: string; readonly text: string | undefined }[];
}

const NAMES = ['STREAMLIT_SERVER_ADDRESS', 'AGILAB_UI_HOST', 'UVICORN_HOST'];

/** The address in a configuration; a text that no host is when it cannot be read. */
function addressIn(text: string | undefined): string | null {
  if (text === undefined) return null;
  try {
    const { server } = parse(text) as { readonly server?: { readonly address?: unknown } };
    const address = server?.address;
    return address === undefined ? null : typeof address === 'string' ? address : '?';
  } catch {
    return '?';
  }
}

/** Returns the request about where the interface will listen. */
export function uiAddressRequest({ file, settings, environment, configs }: UiAddressSources): BindRequest {
  const set = NAMES.flatMap((name) => [
    ...(environment[name] === undefined && name !== 'STREAMLIT_SERVER_ADDRESS'
      ? []
      : [{ from: name, value: environment[name] ?? null }]),
    ...(settings[name] === undefined ? [] : [{ from: `${file}:${name}`, value: settings[name] }]),
  ]);
  const port = Number(environment['STREAMLIT_SERVER_PORT'] ?? settings['STREAMLIT_SERVER_PORT'] ?? 8_501);
  return {
    program: 'streamlit',
    sources: [
      { from: '--server.address', value: null },
      ...set,
      ...configs.map(({ path, text }) => ({ from: path, value: addressIn(text) })),
    ],
    ...(Number.isInteger(port) ? { port } : {}),
  };
}
