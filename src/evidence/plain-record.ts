// A record as plain data of its own. Each member is read once, and what was read is what is written, so a getter, a proxy or a
// later change has no part in it. Members stand in the order of the schema. Written out, although the schema says it all: to put
// an object together by the names in a list takes longer than to spell it. Whether it is right the grammar of the line decides,
// which is made from the schema; the types see to it that no member is forgotten.
import {
  type DecisionRecord,
  type EffectRecord,
  MAX_RECORD_BYTES,
  type RepairRecord,
  type RunRecord,
} from './record.ts';

/** Every member that a record of this type may have, to be read or as it was read. */
type Given<Type> = { readonly [Member in keyof Type]?: unknown };
type Copy<Type> = { readonly [Member in keyof Required<Type>]: unknown };

const UNFIT = new TypeError('no record has this shape');
/** No list of a record is longer. Bounds come first: nothing is spelled that is too long by any of them. */
const MAX_ITEMS = 64;

/** Returns the copy, which names every member that there is, unless the value has one more. */
function whole<Type extends object>(value: object, copy: Type): Type {
  for (const key in value) if (!Object.hasOwn(copy, key)) throw UNFIT;
  return copy;
}

function object<Type>(value: unknown): Given<Type> {
  if (typeof value !== 'object' || value === null) throw UNFIT;
  return value as Given<Type>;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_RECORD_BYTES) throw UNFIT;
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number') throw UNFIT;
  return value;
}

function truth(value: unknown): boolean {
  if (typeof value !== 'boolean') throw UNFIT;
  return value;
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length > MAX_ITEMS) throw UNFIT;
  const copy: string[] = [];
  for (let at = 0; at < value.length; at++) copy.push(text(value[at]));
  return copy;
}

const optional = <Type>(value: unknown, copy: (value: unknown) => Type): Type | undefined =>
  value === undefined ? undefined : copy(value);

function guardOf(value: unknown): Copy<DecisionRecord['guard']> {
  const given = object<DecisionRecord['guard']>(value);
  return whole(given, {
    id: text(given.id),
    version: text(given.version),
    codeDigest: text(given.codeDigest),
  });
}

type Subject = NonNullable<DecisionRecord['subject']>;
function subjectOf(value: unknown): Copy<Subject> {
  const given = object<Subject>(value);
  return whole(given, {
    kind: text(given.kind),
    name: optional(given.name, text),
    digest: optional(given.digest, text),
  });
}

function inputOf(value: unknown): Copy<DecisionRecord['input']> {
  const given = object<DecisionRecord['input']>(value);
  return whole(given, { digest: text(given.digest), redacted: texts(given.redacted) });
}

type Probe = NonNullable<DecisionRecord['probe']>;
function probeOf(value: unknown): Copy<Probe> {
  const given = object<Probe>(value);
  return whole(given, {
    drill: text(given.drill),
    fault: text(given.fault),
    expected: text(given.expected),
    observed: text(given.observed),
    passed: truth(given.passed),
    mutant: optional(given.mutant, text),
  });
}

function replayOf(value: unknown): Copy<DecisionRecord['replay']> {
  const given = object<DecisionRecord['replay']>(value);
  return whole(given, { argv: texts(given.argv), fixtureDigest: optional(given.fixtureDigest, text) });
}

function codeOf(value: unknown): Copy<RunRecord['code']> {
  const given = object<RunRecord['code']>(value);
  const { agrees } = given;
  return whole(given, {
    name: text(given.name),
    version: text(given.version),
    codeDigest: text(given.codeDigest),
    checked: text(given.checked),
    agrees: typeof agrees === 'boolean' ? agrees : text(agrees),
  });
}

/** What every record begins with. All but the id is what the journal says. */
type Place = Omit<RepairRecord, 'mode' | 'codes' | 'reason' | 'subject'>;
const placeOf = (value: Given<Place>, place: Given<Place>): Copy<Place> => ({
  schema: text(place.schema),
  seq: count(place.seq),
  prev: text(place.prev),
  id: text(value.id),
  time: text(place.time),
  monotonic: count(place.monotonic),
  boot: text(place.boot),
  host: text(place.host),
  writer: text(place.writer),
  run: text(place.run),
});

/** The one that every decision waits for: the place is written out here too, since to spread it costs many times the copy. */
function decisionOf(
  value: Given<DecisionRecord>,
  place: Given<DecisionRecord>,
  mode: string,
): Copy<DecisionRecord> {
  return whole(value, {
    schema: text(place.schema),
    seq: count(place.seq),
    prev: text(place.prev),
    id: text(value.id),
    time: text(place.time),
    monotonic: count(place.monotonic),
    boot: text(place.boot),
    host: text(place.host),
    writer: text(place.writer),
    run: text(place.run),
    mode,
    guard: guardOf(value.guard),
    dimension: text(value.dimension),
    decision: text(value.decision),
    codes: texts(value.codes),
    reason: text(value.reason),
    subject: optional(value.subject, subjectOf),
    method: text(value.method),
    input: inputOf(place.input),
    policyDigest: text(value.policyDigest),
    probe: optional(value.probe, probeOf),
    replay: replayOf(value.replay),
    of: optional(value.of, text),
  });
}

function effectOf(value: Given<EffectRecord>, place: Given<EffectRecord>, mode: string): Copy<EffectRecord> {
  return whole(value, {
    ...placeOf(value, place),
    mode,
    of: text(value.of),
    kind: text(value.kind),
    outcome: text(value.outcome),
    codes: texts(value.codes),
    reason: text(value.reason),
    subject: optional(value.subject, subjectOf),
  });
}

function repairOf(value: Given<RepairRecord>, place: Given<RepairRecord>, mode: string): Copy<RepairRecord> {
  return whole(value, {
    ...placeOf(value, place),
    mode,
    codes: texts(value.codes),
    reason: text(value.reason),
    subject: optional(value.subject, subjectOf),
  });
}

function runOf(value: Given<RunRecord>, place: Given<RunRecord>, mode: string): Copy<RunRecord> {
  return whole(value, {
    ...placeOf(value, place),
    mode,
    code: codeOf(value.code),
    machine: text(value.machine),
    node: text(value.node),
    flags: texts(value.flags),
    nodeOptions: text(value.nodeOptions),
  });
}

type Any = Given<DecisionRecord> & Given<EffectRecord> & Given<RepairRecord> & Given<RunRecord>;

/**
 * Returns the copy, or `undefined` for what has another shape. Bounds and patterns are for the grammar. Where `place` is given,
 * what the journal says of a record is taken from there alone.
 */
export function plainRecord(value: unknown, place?: object): object | undefined {
  try {
    const given: Any = object(value);
    const from: Any = place ?? given;
    const mode = text(given.mode);
    switch (mode) {
      case 'effect':
        return effectOf(given, from, mode);
      case 'repair':
        return repairOf(given, from, mode);
      case 'run':
        return runOf(given, from, mode);
      default:
        return decisionOf(given, from, mode);
    }
  } catch (error) {
    if (error === UNFIT) return undefined;
    throw error;
  }
}
