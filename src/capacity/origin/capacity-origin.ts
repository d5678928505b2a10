// Guards the origin of a model: not only that its bytes are those that were sealed, but that a pinned key released them,
// that no newer release is known, and that they are still meant to be used. The claim is about a digest, the one that
// the capacity-model guard granted, so the model is not looked at again and nobody can swap it between the two questions.
import { z } from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { MAX_ENVELOPE_BYTES } from '../../evidence/dsse.ts';
import { type NoteVerifier, parseVerifierKey } from '../../evidence/keys.ts';
import { type FileFacts, type OwnerPolicy, observeFile } from '../../guards/file-walk.ts';
import type { Guard } from '../../guards/guard.ts';
import { attempt } from '../attempt.ts';
import { capacityOriginDrills } from './capacity-origin-drills.ts';
import { capacityOriginRules } from './capacity-origin-rules.ts';
import {
  type Counted,
  counterName,
  MAX_COUNTER_BYTES,
  materialOf,
  readCounter,
  rememberRelease,
} from './release-counter.ts';
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
  /** Whose files are believed. Default `self-or-root`. */
  readonly owners?: OwnerPolicy | undefined;
}

export interface CapacityOriginFacts {
  readonly request: CapacityOriginRequest;
  /** Name of the model file, without directories. */
  readonly name: string;
  /** The signed sidecar and the way to it. */
  readonly statementFile: FileFacts;
  /** The signed release, or the error that there is none; absent when nothing was read or no pinned key signed it. */
  readonly release: Release | CodedError | undefined;
  /** Pinned keys that signed, revoked ones aside. The first is the one that counts. */
  readonly signers: readonly NoteVerifier[];
  /** Whether a key that signed is revoked. */
  readonly revokedSigner: boolean;
  /** The release counter of that key, or the error that it is none; absent when nobody signed. */
  readonly counterFile: FileFacts | undefined;
  readonly counted: Counted | CodedError | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const verifierKey = z.string().refine((text) => {
  try {
    return parseVerifierKey(text).vkey === text;
  } catch {
    return false;
  }
});
const hex64 = z.string().regex(/^[0-9a-f]{64}$/);

const capacityOriginRequest: z.ZodType<CapacityOriginRequest> = z.strictObject({
  root: z.string().min(1).max(4_096),
  model: z.string().min(1).max(4_096),
  digest: hex64,
  keys: z.array(verifierKey).min(1).max(16),
  revoked: z
    .array(z.union([verifierKey, hex64]))
    .max(1_000)
    .optional(),
  state: z.string().min(1).max(4_096),
  owners: z.enum(['self-or-root', 'root']).optional(),
});

async function observe(request: CapacityOriginRequest, signal: AbortSignal): Promise<CapacityOriginFacts> {
  const { root, model, owners = 'self-or-root', state } = request;
  const name = model.slice(model.lastIndexOf('/') + 1);
  const trust = { owners, signal };
  const statementFile = await observeFile(root, statementName(model), {
    ...trust,
    maxBytes: MAX_ENVELOPE_BYTES,
  });
  const text = statementFile.bytes;
  const read = text && attempt(() => readRelease(text, request.keys.map(parseVerifierKey)));
  const signed = read === undefined || read instanceof CodedError ? [] : read.signers;
  const revoked = new Set(request.revoked?.map(materialOf));
  const signers = signed.filter(({ vkey }) => !revoked.has(materialOf(vkey)));
  const [signer] = signers;
  const counterFile =
    signer &&
    (await observeFile(state, counterName(signer.vkey, name), { ...trust, maxBytes: MAX_COUNTER_BYTES }));
  const content = counterFile?.bytes?.toString('latin1');
  return {
    request,
    name,
    statementFile,
    release: read instanceof CodedError ? read : read?.release,
    signers,
    revokedSigner: signers.length < signed.length,
    counterFile,
    counted: content === undefined ? undefined : attempt(() => readCounter(content)),
    now: Date.now(),
  };
}

const granting = Symbol('granted by the capacity-origin guard');

/** A release that a pinned key signed, and that is now the lowest which may be used. Only the guard makes one. */
export class ProvenRelease {
  // Private, so the class is nominal: neither a look-alike object nor Object.create can stand in for a grant.
  readonly #granted: symbol;
  /** SHA-256 of the model that was released, 64 lowercase hex digits: the digest that was asked about. */
  readonly digest: string;
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly expires: string;
  /** The pinned verifier key that signed. */
  readonly key: string;

  /** @throws CodedError `origin.not-granted` for everyone but the guard. */
  private constructor(granted: symbol, { digest, version, expires }: Release, key: string) {
    if (granted !== granting) {
      const remedy = 'Ask the guard: enforce(capacityOrigin, request, { journal }).';
      throw new CodedError(
        'origin.not-granted',
        'only the capacity-origin guard makes a ProvenRelease',
        remedy,
      );
    }
    this.#granted = granted;
    this.digest = digest;
    this.version = version;
    this.expires = expires;
    this.key = key;
    Object.freeze(this);
  }

  /** Whether `value` came from the guard. */
  static isGranted(value: unknown): value is ProvenRelease {
    return typeof value === 'object' && value !== null && #granted in value && value.#granted === granting;
  }

  /**
   * Counts the release first: what cannot be remembered is not handed over.
   *
   * @internal
   */
  static grant(granted: symbol, { request, name, release, signers }: CapacityOriginFacts): ProvenRelease {
    const [signer] = signers;
    if (!signer || !release || release instanceof CodedError) {
      throw new TypeError('a grant needs a signed release');
    }
    rememberRelease(request.state, counterName(signer.vkey, name), release);
    return new ProvenRelease(granted, release, signer.vkey);
  }
}

/**
 * Grants a {@link ProvenRelease} when a pinned key released the model of this digest, and no newer release is known.
 * It is the second claim about a model; ask for the first first, and use the model only when both are granted:
 *
 * ```ts
 * const trusted = await enforce(capacityModel, { root, model }, { journal });
 * await enforce(capacityOrigin, { root, model, digest: trusted.digest, keys, state }, { journal });
 * trusted.predict(rows);
 * ```
 */
export const capacityOrigin: Guard<CapacityOriginRequest, CapacityOriginFacts, ProvenRelease> = {
  id: 'capacity-origin',
  dimension: 'architecture_capacity_model_trust_boundary',
  request: capacityOriginRequest,
  observe,
  rules: capacityOriginRules,
  grant: (facts) => ProvenRelease.grant(granting, facts),
  subject: ({ request, statementFile, release, signers: [signer] }) => {
    const which =
      signer && release && !(release instanceof CodedError)
        ? `; version ${release.version} by key ${signer.hash}`
        : '';
    return {
      kind: 'capacity-model',
      name: `claim: origin; read by ${statementFile.method}${which}`,
      digest: `sha256:${request.digest}`,
    };
  },
  drills: capacityOriginDrills,
};
