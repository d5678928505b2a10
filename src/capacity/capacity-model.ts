// Guards the model file that the balancer predicts with. Model and sidecar are read once, in one walk, and what the
// caller gets was decoded from the very bytes that were hashed: there is no second open for anyone to get in front of.
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { MAX_SUBJECT_NAME } from '../evidence/limits.ts';
import { DEFAULT_MAX_BYTES, openTrusted } from '../files/open.ts';
import { fileRules, siblingRules } from '../files/rules.ts';
import { type FileFacts, type OwnerPolicy, observeFiles } from '../files/walk.ts';
import { defineHouseGuard } from '../kernel/define.ts';
import type { Guard, Rule } from '../kernel/guard.ts';
import { path } from '../kernel/request-parts.ts';
import { attempt } from './attempt.ts';
import { type CapacityModel, decodeModel, type ModelDescription } from './forest/model.ts';
import { withRoom } from './load-room.ts';
import { ModelRefusal } from './model-refusal.ts';
import { MAX_SIDECAR_BYTES, parseSidecar, type Sidecar, sidecarName } from './sidecar.ts';

export interface CapacityModelRequest {
  /** Absolute real path of a trusted directory. */
  readonly root: string;
  /** The model file, below the root. Its sidecar lies beside it. */
  readonly model: string;
  /** Where in the file the model is, as Python would write it (`best_estimator_`, `['model']`); needed where it holds several. */
  readonly at?: string | undefined;
  /** Whose files are believed. Default `self-or-root`. */
  readonly owners?: OwnerPolicy | undefined;
}

/** Where a model was found, and whose files were believed on the way. */
type Place = Pick<CapacityModelRequest, 'root' | 'model'> & { readonly owners: OwnerPolicy };

export interface CapacityModelFacts {
  readonly place: Place;
  readonly name: string;
  readonly model: Omit<FileFacts, 'bytes'>;
  /** How many bytes were read and hashed; absent when none were. The bytes themselves are gone once they are decoded. */
  readonly size: number | undefined;
  readonly sidecarFile: FileFacts;
  /** What the sidecar says, or the error that it is not one; absent when it could not be read. */
  readonly sidecar: Sidecar | CodedError | undefined;
  /** Absent when the sidecar does not vouch for the bytes: nothing unverified is decoded. */
  readonly decoded: CapacityModel | CodedError | undefined;
}

const capacityModelRequest: z.ZodType<CapacityModelRequest> = z.strictObject({
  root: path,
  model: path,
  at: z.string().max(200).optional(),
  owners: z.enum(['self-or-root', 'root']).optional(),
});

/** What the sidecar says, if it is one. */
const sidecarOf = ({ sidecar }: CapacityModelFacts): Sidecar | undefined =>
  sidecar instanceof CodedError ? undefined : sidecar;

/** The only look: model and sidecar in one walk. */
export async function observeModel(
  { root, model: path, at, owners = 'self-or-root' }: CapacityModelRequest,
  signal: AbortSignal,
): Promise<CapacityModelFacts> {
  const folder = path.split('/');
  const name = folder.pop() ?? '';
  return await withRoom(async (room) => {
    const wanted = [
      { name, maxBytes: DEFAULT_MAX_BYTES, room },
      { name: sidecarName(name), maxBytes: MAX_SIDECAR_BYTES },
    ];
    const [file, sidecarFile] = await observeFiles(root, folder, wanted, { owners, signal });
    if (!file || !sidecarFile) throw new TypeError('two files wanted, fewer observed');
    const { bytes, ...model } = file;
    const text = sidecarFile.bytes;
    const sidecar = text && attempt(() => parseSidecar(text));
    const vouched = sidecar && !(sidecar instanceof CodedError) && sidecar.digest_sha256 === model.digest;
    const decoded = bytes && vouched ? attempt(() => decodeModel(bytes, { at })) : undefined;
    const place = { root, model: path, owners };
    return { place, name, model, size: bytes?.length, sidecarFile, sidecar, decoded };
  });
}

const SEAL = 'Check where the model comes from, then seal it: guardrails model seal.';

const sidecarRules = siblingRules<CapacityModelFacts>('sidecar', ({ sidecarFile }) => sidecarFile);
const isMissing = ({ code }: Rule<CapacityModelFacts>): boolean => code === 'sidecar.missing';

const rules: readonly Rule<CapacityModelFacts>[] = [
  ...sidecarRules.filter((rule) => !isMissing(rule)),
  ...fileRules<CapacityModelFacts>('model', ({ model }) => model),
  // Last of the file rules: where the model itself is bad or missing, that is the headline.
  ...sidecarRules.filter(isMissing).map((rule) => ({ ...rule, remedy: SEAL })),
  {
    code: 'sidecar.not-strict-json',
    remedy: SEAL,
    refuses: ({ sidecar }) =>
      sidecar instanceof CodedError &&
      sidecar.code.startsWith('json.') &&
      `the sidecar is not strict JSON: ${sidecar.code}, ${sidecar.message}`,
  },
  {
    code: 'sidecar.schema-mismatch',
    remedy: SEAL,
    refuses: ({ sidecar }) =>
      sidecar instanceof CodedError && sidecar.code === 'sidecar.schema-mismatch' && sidecar.message,
  },
  {
    code: 'sidecar.other-model',
    remedy: SEAL,
    refuses: (facts) =>
      (sidecarOf(facts)?.model_file ?? facts.name) !== facts.name && 'the sidecar is that of another file',
  },
  {
    code: 'sidecar.size-mismatch',
    remedy: SEAL,
    refuses(facts) {
      const { size } = facts;
      return (
        (sidecarOf(facts)?.size_bytes ?? size) !== size && 'the model has another size than its sidecar says'
      );
    },
  },
  {
    code: 'sidecar.digest-mismatch',
    remedy: SEAL,
    refuses(facts) {
      const { digest } = facts.model;
      return (
        (sidecarOf(facts)?.digest_sha256 ?? digest) !== digest &&
        'the model is not what its sidecar vouches for'
      );
    },
  },
  {
    code: 'model.undecodable',
    remedy: 'See what is in it, without running any of it: guardrails model inspect.',
    refuses: ({ decoded }) =>
      decoded instanceof CodedError && `the decoder refuses the model: ${decoded.code}, ${decoded.message}`,
  },
];

/** A model that may be predicted with: numbers only, decoded from verified bytes. */
export class TrustedModel {
  /** SHA-256 of the bytes, 64 lowercase hex digits. */
  readonly digest: string;
  readonly description: ModelDescription;
  readonly #place: Place;
  readonly #decoded: CapacityModel;

  constructor(place: Place, digest: string, decoded: CapacityModel) {
    this.digest = digest;
    this.description = decoded.description;
    this.#place = place;
    this.#decoded = decoded;
    Object.freeze(this);
  }

  /**
   * Returns the bytes that were verified and decoded, read from the file once more. Throws `model.bytes-changed` where it holds
   * others by now, and as {@link openTrusted}.
   */
  async readBytes(): Promise<Buffer> {
    const { root, model, owners } = this.#place;
    const { bytes, digest } = await openTrusted(root, model, { owners });
    if (digest !== this.digest)
      throw new ModelRefusal(
        'model.bytes-changed',
        'the file holds other bytes than those that were verified',
      );
    return bytes;
  }

  /** As {@link CapacityModel.predict}. */
  predict(rows: readonly (readonly number[])[]): ReturnType<CapacityModel['predict']> {
    return this.#decoded.predict(rows);
  }
}

/** What was unwrapped to get to the model, and what lies beside it and is not applied. */
function unwrapped({ holder, at, beside }: ModelDescription): string {
  const from = at === '' ? '' : `; ${at} of a ${holder}`;
  const ignored = beside.length === 0 ? '' : `; not applied: ${beside.join(', ')}`;
  return `${from}${ignored}`.slice(0, MAX_SUBJECT_NAME / 2);
}

function grant({ place, model: { digest }, decoded }: CapacityModelFacts): TrustedModel {
  if (digest === undefined || !decoded || decoded instanceof CodedError)
    throw new TypeError('a grant needs a decoded model');
  return new TrustedModel(place, digest, decoded);
}

/**
 * Grants a {@link TrustedModel} when nobody else can have written the file and its sidecar vouches for every byte. That is
 * integrity; who made the model, and whether there is a newer one, is for the capacity-origin guard.
 */
export const capacityModel: Guard<CapacityModelRequest, TrustedModel> = defineHouseGuard({
  id: 'capacity-model',
  dimension: 'architecture_capacity_model_trust_boundary',
  request: capacityModelRequest,
  observe: observeModel,
  rules,
  grant,
  subject: ({ model: { digest }, decoded }) => ({
    kind: 'capacity-model',
    name: `claim: integrity${decoded === undefined || decoded instanceof CodedError ? '' : unwrapped(decoded.description)}`,
    ...(digest === undefined ? {} : { digest: `sha256:${digest}` }),
  }),
  method: ({ model }) => model.method,
});
