// What is looked at to know the origin of a model: the signed sidecar beside it, who of the pinned keys signed that, and
// how far the releases of these keys have come.
import { CodedError } from '../../evidence/coded-error.ts';
import { MAX_ENVELOPE_BYTES } from '../../evidence/dsse.ts';
import { type NoteVerifier, parseVerifierKey } from '../../evidence/keys.ts';
import { type FileFacts, type OwnerPolicy, observeFile, observeFiles } from '../../files/walk.ts';
import { attempt } from '../attempt.ts';
import { type Counted, counterName, MAX_COUNTER_BYTES, materialOf, readCounter } from './release-counter.ts';
import { type Release, readRelease, statementName } from './statement.ts';

export interface CapacityOriginRequest {
  /** Absolute real path of the trusted directory that holds the model. */
  readonly root: string;
  /** The model file, below the root. Its signed sidecar lies beside it. */
  readonly model: string;
  /** SHA-256 of the bytes that the capacity-model guard granted, 64 lowercase hex digits. */
  readonly digest: string;
  /** Pinned verifier keys, `name+hash+base64`, the preferred one first. */
  readonly keys: readonly string[];
  /** Verifier keys that are believed no more, and digests of models that must not be used. */
  readonly revoked?: readonly string[] | undefined;
  /** Absolute real path of the directory of the release counters. Outside the root of the models. */
  readonly state: string;
  /** Whose signed sidecar is believed. Default `self-or-root`. */
  readonly owners?: OwnerPolicy | undefined;
}

export interface CounterFacts {
  readonly file: FileFacts;
  /** The highest release seen, or the error that the file is no counter; absent when nothing was counted yet. */
  readonly counted: Counted | CodedError | undefined;
}

export interface CapacityOriginFacts {
  readonly request: CapacityOriginRequest;
  /** Name of the model file, without directories. */
  readonly name: string;
  /** The signed sidecar and the way to it. */
  readonly statementFile: FileFacts;
  /** The signed release, or the error that there is none; absent when nothing was read or no pinned key signed it. */
  readonly release: Release | CodedError | undefined;
  /** Pinned keys that signed, revoked ones aside. */
  readonly signers: readonly NoteVerifier[];
  /** Whether a key that signed is revoked. */
  readonly revokedSigner: boolean;
  /** The release counter of each signer, in their order. */
  readonly counters: readonly CounterFacts[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * Looks at the counters of a model, in the order of their keys. Whoever is asked to believe root alone still believes
 * its own counters: nobody else could have written them, and an account that is not root could never count otherwise.
 */
export async function observeCounters(
  { state }: CapacityOriginRequest,
  keys: readonly NoteVerifier[],
  model: string,
  signal: AbortSignal,
): Promise<readonly CounterFacts[]> {
  if (keys.length === 0) return [];
  const wanted = keys.map(({ vkey }) => ({ name: counterName(vkey, model), maxBytes: MAX_COUNTER_BYTES }));
  const files = await observeFiles(state, [], wanted, { signal });
  return files.map((file) => {
    const content = file.bytes?.toString('latin1');
    return { file, counted: content === undefined ? undefined : attempt(() => readCounter(content)) };
  });
}

/** The only look. `pins` are the keys of the request, parsed. */
export async function observeOrigin(
  request: CapacityOriginRequest,
  signal: AbortSignal,
  pins: readonly NoteVerifier[] = request.keys.map(parseVerifierKey),
): Promise<CapacityOriginFacts> {
  const { root, model, owners = 'self-or-root' } = request;
  const name = model.slice(model.lastIndexOf('/') + 1);
  const statementFile = await observeFile(root, statementName(model), {
    maxBytes: MAX_ENVELOPE_BYTES,
    owners,
    signal,
  });
  const text = statementFile.bytes;
  const read = text && attempt(() => readRelease(text, pins));
  const signed = read === undefined || read instanceof CodedError ? [] : read.signers;
  const revoked = new Set(request.revoked?.map(materialOf));
  const signers = signed.filter(({ vkey }) => !revoked.has(materialOf(vkey)));
  return {
    request,
    name,
    statementFile,
    release: read instanceof CodedError ? read : read?.release,
    signers,
    revokedSigner: signers.length < signed.length,
    // Every signer's: from a release that two keys signed, whoever writes the file can take one signature off, and an old
    // one would then come to a counter that never saw the new one.
    counters: await observeCounters(request, signers, name, signal),
    now: Date.now(),
  };
}
