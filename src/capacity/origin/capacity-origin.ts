// Guards the origin of a model: not only that its bytes are those that were sealed, but that a pinned key released them,
// that no newer release is known, and that they are still meant to be used. The claim is about a digest, the one that
// the capacity-model guard granted, so the model is not looked at again and nobody can swap it between the two questions.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { hex64 } from '../../evidence/hex64.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard } from '../../kernel/guard.ts';
import { path, verifierKey } from '../../kernel/request-parts.ts';
import { type CapacityOriginFacts, type CapacityOriginRequest, observeOrigin } from './origin-look.ts';
import { originRules } from './origin-rules.ts';
import { counterName, rememberRelease } from './release-counter.ts';
import type { Release } from './statement.ts';

const capacityOriginRequest: z.ZodType<CapacityOriginRequest> = z.strictObject({
  root: path,
  model: path,
  digest: hex64,
  keys: z.array(verifierKey).min(1).max(16),
  revoked: z
    .array(z.union([verifierKey, hex64]))
    .max(1_000)
    .optional(),
  state: path,
  owners: z.enum(['self-or-root', 'root']).optional(),
});

/** A release that a pinned key signed, and that is now the lowest which may be used. */
export interface ProvenRelease {
  /** SHA-256 of the model that was released, 64 lowercase hex digits: the digest that was asked about. */
  readonly digest: string;
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly expires: string;
  /** Pinned verifier keys that signed, the preferred one first. There is at least one. */
  readonly keys: readonly string[];
}

/** The release that pinned keys signed; the rules have seen that there is one. */
function signedRelease({ release, signers }: CapacityOriginFacts): Release {
  if (signers.length === 0 || !release || release instanceof CodedError)
    throw new TypeError('a grant needs a signed release');
  return release;
}

/** Counts the release with every signer: what cannot be remembered is not handed over. */
async function commit(facts: CapacityOriginFacts): Promise<void> {
  const release = signedRelease(facts);
  for (const { vkey } of facts.signers)
    await rememberRelease(facts.request.state, counterName(vkey, facts.name), release);
}

function grant(facts: CapacityOriginFacts): ProvenRelease {
  const { digest, version, expires } = signedRelease(facts);
  const keys = Object.freeze(facts.signers.map(({ vkey }) => vkey));
  return Object.freeze({ digest, version, expires, keys });
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
export const capacityOrigin: Guard<CapacityOriginRequest, ProvenRelease> = defineHouseGuard({
  id: 'capacity-origin',
  dimension: 'architecture_capacity_model_trust_boundary',
  request: capacityOriginRequest,
  observe: (request, signal) => observeOrigin(request, signal),
  rules: originRules,
  commit,
  grant,
  subject: ({ request, release, signers }) => {
    const by = signers.map(({ hash }) => hash).join(' and ');
    const signed = by !== '' && release !== undefined && !(release instanceof CodedError);
    const which = signed ? `; version ${release.version} by key ${by}` : '';
    return { kind: 'capacity-model', name: `claim: origin${which}`, digest: `sha256:${request.digest}` };
  },
  method: ({ statementFile }) => statementFile.method,
});
