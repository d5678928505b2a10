// The second, stronger claim: not only that the bytes are those that were sealed, but that a pinned key released them,
// that they are not an older release, and that they are still meant to be used.
import { z } from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { type NoteVerifier, parseVerifierKey } from '../../evidence/keys.ts';
import { type FileFacts, type OwnerPolicy, observeFile } from '../../guards/file-walk.ts';
import type { Rule } from '../../guards/guard.ts';
import { fileRules } from '../../guards/trusted-file.ts';
import {
  type Counted,
  counterName,
  MAX_COUNTER_BYTES,
  materialOf,
  readCounter,
  rememberRelease,
} from './release-counter.ts';
import { type Release, readRelease } from './statement.ts';

export interface OriginPolicy {
  /** Pinned verifier keys, `name+hash+base64`, the preferred one first. */
  readonly keys: readonly string[];
  /** Verifier keys that are believed no more, and digests of models that must not be used. */
  readonly revoked?: readonly string[] | undefined;
  /** Absolute real path of the directory of the release counters. Outside the root of the models. */
  readonly state: string;
}

export interface OriginFacts {
  readonly policy: OriginPolicy;
  readonly root: string;
  /** Name of the model file, without directories. */
  readonly name: string;
  readonly model: FileFacts;
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

export const originPolicy: z.ZodType<OriginPolicy> = z.strictObject({
  keys: z.array(verifierKey).min(1).max(16),
  revoked: z
    .array(z.union([verifierKey, z.string().regex(/^[0-9a-f]{64}$/)]))
    .max(1_000)
    .optional(),
  state: z.string().min(1).max(4_096),
});

/** Returns what `work` returns, or the coded error that it throws: a refusal is a fact, to be judged by a rule. */
export function attempt<T>(work: () => T): T | CodedError {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

/** Looks at who released the model. The statement was read in the same walk as the model. */
export async function observeOrigin(
  policy: OriginPolicy,
  { root, name, owners }: { readonly root: string; readonly name: string; readonly owners: OwnerPolicy },
  model: FileFacts,
  statementFile: FileFacts,
  signal: AbortSignal,
): Promise<OriginFacts> {
  const revoked = new Set(policy.revoked?.map(materialOf));
  const keys = policy.keys.map(parseVerifierKey);
  const text = statementFile.bytes;
  const read = text && attempt(() => readRelease(text, keys));
  const signed = read === undefined || read instanceof CodedError ? [] : read.signers;
  const signers = signed.filter(({ vkey }) => !revoked.has(materialOf(vkey)));
  const [signer] = signers;
  const counterFile =
    signer &&
    (await observeFile(policy.state, counterName(signer.vkey, name), {
      maxBytes: MAX_COUNTER_BYTES,
      owners,
      signal,
    }));
  const content = counterFile?.bytes?.toString('latin1');
  return {
    policy,
    root,
    name,
    model,
    statementFile,
    release: read instanceof CodedError ? read : read?.release,
    signers,
    revokedSigner: signers.length < signed.length,
    counterFile,
    counted: content === undefined ? undefined : attempt(() => readCounter(content)),
    now: Date.now(),
  };
}

/** Writes down that this release is now the lowest that may be used. Runs before the model is handed out. */
export function rememberOrigin({ policy, name, release, signers: [signer], counted }: OriginFacts): void {
  if (!signer || !release || release instanceof CodedError || counted instanceof CodedError) {
    throw new TypeError('only a signed release can be remembered');
  }
  rememberRelease(policy.state, counterName(signer.vkey, name), release);
}

const FILE_RULES = fileRules<FileFacts>('file', (facts) => facts);

/** Why a file is not trusted, `missing` aside. */
function untrusted(facts: FileFacts): string | false {
  for (const rule of FILE_RULES) {
    const reason = rule.code !== 'file.missing' && rule.refuses(facts);
    if (reason !== false) return `${rule.code}, ${reason}`;
  }
  return false;
}

const signedRelease = ({ release }: OriginFacts): Release | undefined =>
  release instanceof CodedError ? undefined : release;

const SIGN = 'Get a release signed by a pinned key: guardrails model seal --sign.';

export const originRules: readonly Rule<OriginFacts>[] = [
  {
    code: 'origin.statement-untrusted',
    remedy: 'Give the signed sidecar the owner and mode of the model.',
    refuses: ({ statementFile }) => untrusted(statementFile),
  },
  {
    code: 'origin.statement-missing',
    remedy: SIGN,
    refuses: ({ statementFile }) =>
      statementFile.stopped?.kind === 'missing' && 'there is no signed sidecar beside the model',
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
    code: 'origin.not-signed',
    remedy: SIGN,
    refuses: ({ statementFile, release, signers, revokedSigner }) =>
      statementFile.bytes !== undefined &&
      !(release instanceof CodedError) &&
      signers.length === 0 &&
      !revokedSigner &&
      'no pinned key signed the release',
  },
  {
    code: 'origin.other-model',
    remedy: SIGN,
    refuses(facts) {
      const release = signedRelease(facts);
      if (!release || (release.digest === facts.model.digest && release.model === facts.name)) return false;
      return 'the signature is for another model';
    },
  },
  {
    code: 'origin.model-revoked',
    remedy: 'Use another release of the model.',
    refuses: ({ policy, model: { digest } }) =>
      digest !== undefined && policy.revoked?.includes(digest) === true && 'the model is revoked',
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
    refuses: ({ policy: { state }, root }) =>
      `${state}/`.startsWith(root === '/' ? root : `${root}/`) &&
      'the release counters lie below the root of the models',
  },
  {
    code: 'origin.state-untrusted',
    remedy: 'Make the directory of the release counters, and let only this process and root write there.',
    refuses: ({ counterFile }) =>
      counterFile !== undefined &&
      (untrusted(counterFile) ||
        (counterFile.stopped !== undefined &&
          counterFile.stopped.at !== 'file' &&
          'the directory of the release counters does not exist')),
  },
  {
    code: 'origin.state-malformed',
    remedy: 'Look at the release counter. A last line without an end was never granted and may be cut off.',
    refuses: ({ counted }) => counted instanceof CodedError && counted.message,
  },
  {
    code: 'origin.rolled-back',
    remedy: 'Use the newest release of the model; a version is never used for two models.',
    refuses(facts) {
      const release = signedRelease(facts);
      const { counted } = facts;
      if (!release || !counted || counted instanceof CodedError) return false;
      if (release.version < counted.version) return 'a newer release has been used before';
      return (
        release.version === counted.version &&
        release.digest !== counted.digest &&
        'another model has been used under this version'
      );
    },
  },
];
