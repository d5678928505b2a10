// Every reason to refuse the origin of a model. In this order: the signed sidecar, who signed it, what it says, and how
// far the releases had come before.
import { CodedError } from '../../evidence/coded-error.ts';
import { FILE_RULES } from '../../files/rules.ts';
import type { FileFacts } from '../../files/walk.ts';
import type { Rule } from '../../kernel/guard.ts';
import type { CapacityOriginFacts } from './origin-look.ts';
import type { Release } from './statement.ts';

/** Why a file, or the way to it, is not trusted; that it is missing aside. */
function untrusted(facts: FileFacts): string | false {
  for (const rule of FILE_RULES) {
    const reason = rule.code !== 'file.missing' && rule.refuses(facts);
    if (reason !== false) return `${rule.code}, ${reason}`;
  }
  return false;
}

const signedRelease = ({ release }: CapacityOriginFacts): Release | undefined =>
  release instanceof CodedError ? undefined : release;

const SIGN = 'Get a release signed by a pinned key: guardrails model seal --sign.';

export const originRules: readonly Rule<CapacityOriginFacts>[] = [
  {
    code: 'origin.statement-untrusted',
    remedy: 'Give the signed sidecar, and the directories above it, the owner and mode of a trusted model.',
    refuses: ({ statementFile }) => untrusted(statementFile),
  },
  {
    code: 'origin.statement-missing',
    remedy: SIGN,
    refuses: ({ statementFile: { stopped } }) =>
      (stopped?.kind === 'missing' || stopped?.kind === 'other') &&
      'there is no signed sidecar beside the model',
  },
  {
    code: 'origin.statement-malformed',
    remedy: SIGN,
    refuses: ({ release }) =>
      release instanceof CodedError && `the signed sidecar is none: ${release.code}, ${release.message}`,
  },
  {
    code: 'origin.key-revoked',
    remedy: SIGN,
    refuses: ({ revokedSigner, signers }) =>
      revokedSigner && signers.length === 0 && 'only a revoked key signed the release',
  },
  {
    // Also where nothing could be read, whatever the reason: without a signer nothing is ever allowed.
    code: 'origin.not-signed',
    remedy: SIGN,
    refuses: ({ release, signers, revokedSigner }) =>
      signers.length === 0 &&
      !revokedSigner &&
      !(release instanceof CodedError) &&
      'no pinned key signed the release',
  },
  {
    code: 'origin.other-model',
    remedy: SIGN,
    refuses(facts) {
      const release = signedRelease(facts);
      if (!release || (release.digest === facts.request.digest && release.model === facts.name)) return false;
      return 'the signature is for another model';
    },
  },
  {
    code: 'origin.model-revoked',
    remedy: 'Use another release of the model.',
    refuses: ({ request: { revoked, digest } }) =>
      revoked?.includes(digest) === true && 'the model is revoked',
  },
  {
    code: 'origin.expired',
    remedy: 'Release the model again, or a newer one.',
    refuses(facts) {
      const release = signedRelease(facts);
      return release !== undefined && !(facts.now < Date.parse(release.expires)) && 'the release has expired';
    },
  },
  {
    code: 'origin.state-inside-root',
    remedy: 'Keep the release counters where whoever writes models cannot write.',
    refuses: ({ request: { state, root } }) =>
      `${state}/`.startsWith(root === '/' ? root : `${root}/`) &&
      'the release counters lie below the root of the models',
  },
  {
    code: 'origin.state-untrusted',
    remedy: 'Make the directory of the release counters, and let only this process and root write there.',
    refuses({ counters }) {
      for (const { file } of counters) {
        const reason = untrusted(file);
        if (reason !== false) return reason;
        // A counter may be missing: nothing was counted yet. Its directory may not.
        if (file.stopped && file.stopped.at !== 'file') return 'there is no directory of release counters';
      }
      return false;
    },
  },
  {
    code: 'origin.state-malformed',
    remedy: 'Look at the release counter. A last line without an end was never granted and may be cut off.',
    refuses: ({ counters }) =>
      counters.map(({ counted }) => counted instanceof CodedError && counted.message).find(Boolean) ?? false,
  },
  {
    code: 'origin.rolled-back',
    remedy: 'Use the newest release of the model; a version is never used for two models.',
    refuses(facts) {
      const release = signedRelease(facts);
      if (!release) return false;
      for (const { counted } of facts.counters) {
        if (!counted || counted instanceof CodedError) continue;
        if (release.version < counted.version) return 'a newer release has been used before';
        if (release.version === counted.version && release.digest !== counted.digest)
          return 'another model has been used under this version';
      }
      return false;
    },
  },
];
