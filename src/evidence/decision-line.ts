// The line of a decision, which everybody waits for, in a fifth of the time of JSON.stringify and the grammar: most of it is
// as in the line before, and only what is not is looked at. A value has a place here only if the schema admits it and it stands
// in a line as it is; a record with any other is left to those two.

import type { DecisionRecord } from './record.ts';
import { plainPattern, SCHEMA, type Schema } from './record-grammar.ts';

const OTHER = new TypeError('no place for this value');

type Value = string | number;
/** Returns a value as it stands in the line. @throws OTHER where it has no place there. */
type Member = (value: Value) => string;
/** Spells a part of the line by the values in it. @throws OTHER where one of them has no place there. */
type Part = (...values: readonly Value[]) => string;

const HEX = new Uint8Array(65_536);
for (const digit of '0123456789abcdef') HEX[digit.charCodeAt(0)] = 1;

/** Whether a text is a SHA-256. By a table: in a pattern the processor guesses between digits and letters, mostly wrong. */
function isDigest(text: string): boolean {
  if (text.length !== 64) return false;
  for (let at = 0; at < 64; at++) if (HEX[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** Returns the schema of a member of a decision, given as `guard.id`. */
function schemaAt(path: string): Schema {
  const decision = SCHEMA.oneOf?.find(({ properties = {} }) => properties['decision']);
  const found = path
    .split('.')
    .reduce<Schema | undefined>((schema, name) => schema?.properties?.[name], decision);
  if (!found) throw new TypeError(`a decision has no member ${path}`);
  return found;
}

function memberOf(schema: Schema): Member {
  const pattern = plainPattern(schema);
  const fits = schema.pattern === '^[0-9a-f]{64}$' ? isDigest : (text: string): boolean => pattern.test(text);
  return (value) => {
    const text = String(value);
    if (!fits(text)) throw OTHER;
    return text;
  };
}
const member = (path: string): Member => memberOf(schemaAt(path));

/** Spells anew only what is other than the last time. */
function keeping(spell: (values: readonly Value[]) => string): Part {
  let last: readonly Value[] = [];
  let text: string | undefined;
  return (...values) => {
    if (text !== undefined && values.length === last.length) {
      let at = 0;
      while (at < values.length && values[at] === last[at]) at++;
      if (at === values.length) return text;
    }
    text = spell(values);
    last = values;
    return text;
  };
}

/** Texts of the line between members, each of which is given by its path. */
function part(texts: TemplateStringsArray, ...paths: readonly string[]): Part {
  const members = paths.map(member);
  return keeping((values) =>
    texts.flatMap((text, at) => [text, members[at]?.(values[at] ?? '') ?? '']).join(''),
  );
}

function list(path: string): Part {
  const { items = {}, maxItems = 0 } = schemaAt(path);
  const item = memberOf(items);
  return keeping((values) => {
    if (values.length > maxItems) throw OTHER;
    return JSON.stringify(values.map(item));
  });
}

const begins = part`{"schema":"${'schema'}","seq":`;
const seq = member('seq');
const prev = member('prev');
const id = member('id');
const written = part`","time":"${'time'}","monotonic":${'monotonic'},"boot":"${'boot'}","host":"${'host'}","writer":"${'writer'}","run":"${'run'}","mode":"${'mode'}","guard":{"id":"`;
const decided = part`${'guard.id'}","version":"${'guard.version'}","codeDigest":"${'guard.codeDigest'}"},"dimension":"${'dimension'}","decision":"${'decision'}","codes":`;
const codes = list('codes');
const because = part`,"reason":"${'reason'}"`;
const about = part`,"subject":{"kind":"${'subject.kind'}"`;
const subjectName = member('subject.name');
const subjectDigest = member('subject.digest');
const looked = part`,"method":"${'method'}","input":{"digest":"`;
const inputDigest = member('input.digest');
const redacted = list('input.redacted');
const under = part`},"policyDigest":"${'policyDigest'}","replay":{"argv":`;
const argv = list('replay.argv');

function subjectText({ kind, name, digest }: NonNullable<DecisionRecord['subject']>): string {
  const named = name === undefined ? '' : `,"name":"${subjectName(name)}"`;
  const bytes = digest === undefined ? '' : `,"digest":"${subjectDigest(digest)}"`;
  return `${about(kind)}${named}${bytes}}`;
}

/** Returns the line of a decision, or `undefined` for a record that is none and for one that has to be looked at more closely. */
export function decisionLine(record: DecisionRecord): string | undefined {
  const { guard, subject, input, replay } = record;
  // Of drills, and of grants that were taken back: they are few.
  if (record.probe !== undefined || replay.fixtureDigest !== undefined || record.of !== undefined)
    return undefined;
  const { time, monotonic, boot, host, writer, run, mode, dimension, decision } = record;
  try {
    return (
      `${begins(record.schema)}${seq(record.seq)},"prev":"${prev(record.prev)}","id":"${id(record.id)}` +
      `${written(time, monotonic, boot, host, writer, run, mode)}` +
      `${decided(guard.id, guard.version, guard.codeDigest, dimension, decision)}${codes(...record.codes)}` +
      `${because(record.reason)}${subject === undefined ? '' : subjectText(subject)}` +
      `${looked(record.method)}${inputDigest(input.digest)}","redacted":${redacted(...input.redacted)}` +
      `${under(record.policyDigest)}${argv(...replay.argv)}}}`
    );
  } catch (error) {
    if (error === OTHER) return undefined;
    throw error;
  }
}
