// A request may hold secrets in any field. So each field of each guard's request gets a text of its own that nobody else
// says, the guard decides, and whatever leaves the journal is searched for it: lines, exports, what a caller is told.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { catalogue } from '../../../src/catalogue.ts';
import { EXPORT_FORMATS, exportJournal } from '../../../src/evidence/exports/export.ts';
import { processIdentity } from '../../../src/evidence/identity.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { openJournal } from '../../../src/evidence/open-journal.ts';
import { verifyDirectory } from '../../../src/evidence/verify-native.ts';
import { definitionOf } from '../../../src/kernel/define.ts';
import { enforce } from '../../../src/kernel/enforce.ts';
import type { AnyGuard } from '../../../src/kernel/guard.ts';
import { GuardRefusal } from '../../../src/kernel/refusal.ts';
import { requestJsonSchema } from '../../../src/kernel/request-schema.ts';
import { IN_MEMORY, scratch } from '../support.ts';

const guards = await Promise.all([...catalogue.values()].map((load) => load()));

/** The part of JSON Schema that requests use. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

const CANARY = /k9canary(\d+)q/g;
/** Which field each canary sits in: the guard, and the way to it. */
const fields: string[] = [];
/**
 * What a guard tells because it is what it judged: the setting that an address comes from (a flag, a variable or a path, by
 * its pattern), the host whose key was asked for, a package of npm by name and version, and the public name of a front.
 */
const NAMES = [
  'bind.sources[].from',
  'host-key.host',
  'npm-provenance.name',
  'npm-provenance.version',
  'public-front.name',
];

/** Spellings for fields that take none of the usual ones. */
const SPELLED: Readonly<Record<string, (bird: string) => string>> = {
  'capacity-origin.keys[]': (bird) => generateSigner(bird).vkey,
  'capacity-origin.revoked[]': (bird) => generateSigner(bird).vkey,
  'npm-provenance.repository': (bird) => `https://github.com/${bird}/${bird}`,
  'npm-provenance.version': (bird) => `1.0.0-${bird}`,
  'npm-provenance.workflows[]': (bird) => `.github/workflows/${bird}.yml`,
  'owned-sockets.granted[].host': () => '127.0.0.1',
  'public-front.address': () => '127.0.0.1',
  'public-front.identityProviders[]': (bird) => `https://${bird}`,
  'supply-chain.lock.registries[]': (bird) => `https://${bird}/`,
};

const canaryFor = (field: string): string => {
  if (!fields.includes(field)) fields.push(field);
  return `k9canary${fields.indexOf(field)}q`;
};

/** How many usual spellings of a field only code has refused. */
const refused = new Map<string, number>();

/** A text for a field: its canary, spelled as a path, an address or a name where the field takes only those. */
function textFor({ pattern, minLength = 0, maxLength = 4_096 }: Schema, field: string): string {
  const bird = canaryFor(field);
  const spelled = SPELLED[field]?.(bird);
  if (spelled !== undefined) return spelled;
  const spellings = [
    bird,
    `/${bird}`,
    `${bird}.example`,
    `http://${bird}:1`,
    `tcp://${bird}:1`,
    `${bird}==1`,
  ];
  const found = spellings
    .slice(refused.get(field) ?? 0)
    .find(
      (text) =>
        text.length >= minLength &&
        text.length <= maxLength &&
        (!pattern || new RegExp(pattern, 'u').test(text)),
    );
  if (found !== undefined) return found;
  // A digest or a time, which no word fits.
  const fixed = [...[32, 40, 64].map((length) => 'a'.repeat(length)), '2026-01-01T00:00:00Z'];
  return fixed.find((text) => !pattern || new RegExp(pattern, 'u').test(text)) ?? bird;
}

/** Returns values for a schema: one with every member, and one more for each other choice in it. */
function valuesFor(schema: Schema, field: string): readonly unknown[] {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice) => valuesFor(choice, field));
  if ('const' in schema) return [schema.const];
  if (schema.enum) return schema.enum.slice(0, 2);
  switch (schema.type) {
    case 'object': {
      const members = Object.entries(schema.properties ?? {}).map(
        ([key, part]) => [key, valuesFor(part, `${field}.${key}`)] as const,
      );
      const { additionalProperties: free } = schema;
      const more =
        typeof free === 'object' ? { [canaryFor(`${field}.*`)]: valuesFor(free, `${field}.*`)[0] } : {};
      const full = { ...Object.fromEntries(members.map(([key, [first]]) => [key, first])), ...more };
      return [
        full,
        ...members.flatMap(([key, values]) => values.slice(1).map((value) => ({ ...full, [key]: value }))),
      ];
    }
    case 'array': {
      const { prefixItems, items = {} } = schema;
      if (prefixItems) return [prefixItems.map((part) => valuesFor(part, `${field}[]`)[0])];
      return valuesFor(items, `${field}[]`).map((item) => [item]);
    }
    case 'string':
      return [textFor(schema, field)];
    case 'integer':
    case 'number':
      return [schema.minimum ?? 1];
    case 'boolean':
      return [true, false];
    case 'null':
      return [null];
    default:
      return [{ [canaryFor(`${field}.*`)]: canaryFor(field) }, canaryFor(field)]; // anything
  }
}

/** Requests for a guard. What its schema does not say of a field, but its code refuses, is spelled another way. */
function requestsFor(guard: AnyGuard): readonly object[] {
  for (let attempt = 0; ; attempt++) {
    const values = valuesFor(requestJsonSchema(guard) as Schema, guard.id) as readonly object[];
    const parsed = values.map((value) => definitionOf(guard).request.safeParse(value));
    if (attempt === 6 || parsed.some(({ success }) => success)) return values;
    for (const { path } of parsed[0]?.error?.issues ?? []) {
      const at = [
        guard.id,
        ...path.map((step) => (typeof step === 'number' ? '[]' : `.${String(step)}`)),
      ].join('');
      for (const field of fields.filter((each) => each.startsWith(at)))
        refused.set(field, (refused.get(field) ?? 0) + 1);
    }
  }
}

/** The same with each member left out once: what is optional, and what then is missing. */
const without = (request: object): readonly object[] =>
  Object.keys(request).map((key) =>
    Object.fromEntries(Object.entries(request).filter(([each]) => each !== key)),
  );

it('is in no line and no export, whatever field of whatever guard it was in', async () => {
  const directory = await scratch(IN_MEMORY);
  const signer = generateSigner('agilab-guardrails/test');
  const journal = await openJournal({ directory, signer });
  const texts: string[] = [];
  const valid = new Set<string>();
  for (const guard of guards) {
    const values = requestsFor(guard);
    const stray = canaryFor(`${guard.id} beside the schema`);
    const requests = [
      ...values,
      ...values.flatMap(without),
      { ...values[0], [stray]: stray },
      stray,
      [stray],
    ];
    const ask = async (request: unknown): Promise<void> => {
      if (definitionOf(guard).request.safeParse(request).success) valid.add(guard.id);
      try {
        await enforce(guard, request as never, { journal, timeoutMs: 5_000 });
      } catch (error) {
        if (!(error instanceof GuardRefusal)) throw error;
        texts.push(`${error.message} ${error.reason} ${error.remedy}`);
      }
    };
    await Promise.all(requests.map(ask));
  }
  await journal.close();
  const pins = [{ vkey: signer.vkey, host: processIdentity().host }];
  const verdict = await verifyDirectory(directory, { pins, keepLines: false });
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.jsonl')))
    texts.push(readFileSync(join(directory, name), 'utf8'));
  for (const format of EXPORT_FORMATS) {
    for await (const line of exportJournal(directory, verdict, { format, version: '1', signer })) {
      texts.push(line);
      if (format === 'dsse') texts.push(atob((JSON.parse(line) as { payload: string }).payload));
    }
  }
  expect(guards.filter(({ id }) => !valid.has(id)).map(({ id }) => id)).toEqual([]);
  expect(verdict.size).toBeGreaterThan(1_000);
  const told = texts.flatMap((text) => [...text.matchAll(CANARY)].map(([, at]) => fields[Number(at)]));
  expect([...new Set(told)].sort()).toEqual(NAMES);
}, 60_000);
