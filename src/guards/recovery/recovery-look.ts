// What is looked at before work goes on after a crash: a state that somebody else may have written, a log that may end in
// half a line, a bundle that may be half published, and settings that another version may have written.

import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { pause } from '../../evidence/pass.ts';
import {
  type JsonObject,
  type JsonValue,
  parseStrictJson,
  StrictJsonError,
} from '../../evidence/strict-json.ts';
import { observeTree, type TreeFacts } from '../../files/tree.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { revisionOf } from './python-json.ts';

export type RecoveryRequest =
  /** A runner's state file, and the revision that the writer last read. */
  | { readonly kind: 'state'; readonly root: string; readonly file: string; readonly revision: string }
  /** A log of one JSON object a line, each with its `seq` from 1 on: `agent_events.ndjson`. */
  | { readonly kind: 'log'; readonly root: string; readonly file: string }
  /** A published bundle with its `.complete.json`, by its directory below the root. */
  | { readonly kind: 'bundle'; readonly root: string; readonly directory: string }
  /** The content of `app_settings.toml`, as a TOML reader gives it. */
  | { readonly kind: 'settings'; readonly settings: unknown };

type Hashed = Omit<FileFacts, 'bytes'>;

export interface RecoveryFacts {
  readonly kind: RecoveryRequest['kind'];
  /** The file, or every file of the bundle; none for settings. */
  readonly files: readonly { readonly path: string; readonly facts: Hashed }[];
  readonly place?: Hashed;
  /** `undefined` where it could not be computed. */
  readonly revision?: { readonly expected: string; readonly found: string | undefined };
  readonly log?: { readonly whole: boolean; readonly inOrder: boolean };
  readonly bundle?: {
    readonly complete: boolean;
    /** Says which files, and they are those that are there. */
    readonly matches: boolean;
  };
  readonly settings?: { readonly version: 'ours' | 'another'; readonly conflict: boolean };
}

const MAX_STATE_BYTES = 16 * 1_048_576;
const COMPLETE = '.complete.json';
const SETTINGS_VERSION = 1;
const SETTINGS_SCHEMA = 'agilab.app_settings.v1';

const completion = z.strictObject({
  schema_version: z.literal(1),
  kind: z.literal('agilab.workflow_evidence.complete'),
  manifest_id: z.string().min(1).max(255),
  files: z.record(z.string().regex(/^(?!\.{1,2}$)[^/\0]{1,255}$/), hex64),
});

function parse(bytes: Uint8Array | undefined, maxDepth = 64): JsonValue | undefined {
  if (!bytes) return undefined;
  try {
    return parseStrictJson(bytes, { maxBytes: MAX_STATE_BYTES, maxDepth });
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}

const LINE = {
  maxBytes: 1_048_576,
  maxDepth: 64,
  fractionAt: ([key]: readonly (string | number)[]) => key !== 'seq',
};

function isLine(bytes: Uint8Array, seq: number): boolean {
  try {
    const value = parseStrictJson(bytes, LINE);
    return (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      (value as JsonObject)['seq'] === seq
    );
  } catch {
    return false;
  }
}

/** Lines that are read before others have their turn. */
const AT_ONCE = 1_024;

/** A last line without its end was being written when its writer died. */
async function readLog(bytes: Buffer, signal: AbortSignal): Promise<NonNullable<RecoveryFacts['log']>> {
  const whole = bytes.length === 0 || bytes.at(-1) === 0x0a;
  let start = 0;
  for (let seq = 1; ; seq += 1) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) return { whole, inOrder: true };
    if (!isLine(bytes.subarray(start, end), seq)) return { whole, inOrder: false };
    start = end + 1;
    if (seq % AT_ONCE > 0) continue;
    await pause();
    signal.throwIfAborted();
  }
}

function readBundle({ place, entries }: TreeFacts, name: string): NonNullable<RecoveryFacts['bundle']> {
  const found = entries.find(({ path }) => path === COMPLETE);
  if (place.stopped || !found) return { complete: false, matches: false };
  const parsed = completion.safeParse(parse(found.facts.bytes, 4));
  if (!parsed.success || parsed.data.manifest_id !== name) return { complete: true, matches: false };
  const there = entries.filter(({ path }) => path !== COMPLETE);
  const { files } = parsed.data;
  const matches =
    there.length > 0 &&
    there.length === Object.keys(files).length &&
    there.every(({ path, facts }) => facts.digest !== undefined && files[path] === facts.digest);
  return { complete: true, matches };
}

function readSettings(settings: unknown): NonNullable<RecoveryFacts['settings']> {
  const args = z.looseObject({ args: z.unknown().optional(), stages: z.unknown().optional() });
  const { data } = z
    .looseObject({
      __meta__: z.looseObject({ version: z.unknown(), schema: z.unknown().optional() }).optional(),
      args: args.optional(),
    })
    .safeParse(settings);
  // Without a mark it is what version 1 wrote before there was one.
  const { version, schema = SETTINGS_SCHEMA } = data?.__meta__ ?? { version: SETTINGS_VERSION };
  return {
    version: data && version === SETTINGS_VERSION && schema === SETTINGS_SCHEMA ? 'ours' : 'another',
    conflict: data?.args?.args !== undefined && data.args.stages !== undefined,
  };
}

/** The only look. */
export async function observeRecovery(request: RecoveryRequest, signal: AbortSignal): Promise<RecoveryFacts> {
  const { kind } = request;
  if (kind === 'settings') return { kind, files: [], settings: readSettings(request.settings) };
  if (kind === 'bundle') {
    const folder = request.directory.split('/');
    const tree = await observeTree(request.root, folder, {
      keep: new Map([[COMPLETE, 65_536]]),
      maxEntries: 1_024,
      maxDepth: 4,
      maxFileBytes: 64 * 1_048_576,
      maxTotalBytes: 256 * 1_048_576,
      signal,
    });
    const files = tree.entries.map(({ path, facts: { bytes: _bytes, ...facts } }) => ({ path, facts }));
    const bundle = readBundle(tree, folder.at(-1) ?? '');
    return {
      kind,
      files,
      place: tree.place,
      bundle: { ...bundle, matches: bundle.matches && tree.complete },
    };
  }
  const { bytes, ...facts } = await observeFile(request.root, request.file, {
    maxBytes: MAX_STATE_BYTES,
    signal,
  });
  const files = [{ path: request.file, facts }];
  if (kind === 'log') return { kind, files, ...(bytes ? { log: await readLog(bytes, signal) } : {}) };
  const state = parse(bytes);
  const found = state === undefined ? undefined : revisionOf(state);
  return { kind, files, revision: { expected: request.revision, found } };
}
