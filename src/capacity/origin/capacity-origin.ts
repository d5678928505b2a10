// Guards the origin of a model: not only that its bytes are those that were sealed, but that a pinned key released them,
// that no newer release is known, and that they are still meant to be used. The claim is about a digest, the one that
// the capacity-model guard granted, so the model is not looked at again and nobody can swap it between the two questions.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { parseVerifierKey } from '../../evidence/keys.ts';
import type { Guard } from '../../kernel/guard.ts';
import { originBrokenLooks } from '../../proof/drills/capacity-origin/origin-broken-looks.ts';
import { originDrills } from '../../proof/drills/capacity-origin/origin-drills.ts';
import { type CapacityOriginFacts, type CapacityOriginRequest, observeOrigin } from './origin-look.ts';
import { originRules } from './origin-rules.ts';
import { counterName, rememberRelease } from './release-counter.ts';
import type { Release } from './statement.ts';

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
  /** Pinned verifier keys that signed, the preferred one first. There is at least one. */
  readonly keys: readonly string[];

  /** @throws CodedError `origin.not-granted` for everyone but the guard. */
  private constructor(granted: symbol, { digest, version, expires }: Release, keys: readonly string[]) {
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
    this.keys = Object.freeze([...keys]);
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
    if (signers.length === 0 || !release || release instanceof CodedError) {
      throw new TypeError('a grant needs a signed release');
    }
    const keys = signers.map(({ vkey }) => vkey);
    for (const key of keys) rememberRelease(request.state, counterName(key, name), release);
    return new ProvenRelease(granted, release, keys);
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
  observe: observeOrigin,
  rules: originRules,
  grant: (facts) => ProvenRelease.grant(granting, facts),
  subject: ({ request, statementFile, release, signers }) => {
    const by = signers.map(({ hash }) => hash).join(' and ');
    const signed = by !== '' && release !== undefined && !(release instanceof CodedError);
    const which = signed ? `; version ${release.version} by key ${by}` : '';
    return {
      kind: 'capacity-model',
      name: `claim: origin; read by ${statementFile.method}${which}`,
      digest: `sha256:${request.digest}`,
    };
  },
  drills: originDrills,
  mutants: originBrokenLooks,
};
