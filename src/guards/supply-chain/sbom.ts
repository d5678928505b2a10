// A CycloneDX SBOM: valid by the schema of the version that it names (the library of the CycloneDX project checks that,
// unknown keys included), then reduced to which packages it lists.
import * as z from 'zod';
import { pause } from '../../evidence/pass.ts';
import type { JsonValue } from '../../evidence/strict-json.ts';
import { Departure, type Package, parseDocument, pypiName, readAs } from './packages.ts';

const VERSIONS = ['1.4', '1.5', '1.6', '1.7'] as const;

const component = z.object({
  purl: z.string().max(4_096).optional(),
  hashes: z.array(z.object({ alg: z.string(), content: z.string() })).optional(),
  components: z.array(z.unknown()).optional(),
});
const sbomFile = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.enum(VERSIONS),
  metadata: z.object({ component: component.optional() }).optional(),
  components: z.array(component).optional(),
});

/** Package URL of the two ecosystems: `pkg:npm/%40scope/name@1.0.0`, `pkg:pypi/name@1.0`. Qualifiers say nothing here. */
const PURL = /^pkg:(npm|pypi)\/((?:[^/@?#]+\/)?[^/@?#]+)@([^?#@/]+)(?:[?#].*)?$/;

/** Returns the package that a package URL names, or `undefined`. */
export function readPurl(purl: string): Package | undefined {
  const [, ecosystem, path, version] = PURL.exec(purl) ?? [];
  if (path === undefined || version === undefined) return undefined;
  try {
    const name = path.split('/').map(decodeURIComponent).join('/');
    const kind = ecosystem === 'npm' ? 'npm' : 'pypi';
    return {
      ecosystem: kind,
      name: kind === 'pypi' ? pypiName(name) : name,
      version: decodeURIComponent(version),
    };
  } catch {
    return undefined; // "%" without two hex digits
  }
}

/** Throws unless the text is valid by its own schema. */
type Validator = InstanceType<
  typeof import('@cyclonedx/cyclonedx-library/Validation')['JsonStrictValidator']
>;

/** Kept: each compiles its schema once, which takes longer than any SBOM. */
const validators = new Map<string, Validator>();

async function validatorOf(version: (typeof VERSIONS)[number]): Promise<Validator> {
  // Loaded with the first SBOM: schemas and ajv are some MiB.
  const [{ JsonStrictValidator }, { Version }] = await Promise.all([
    import('@cyclonedx/cyclonedx-library/Validation'),
    import('@cyclonedx/cyclonedx-library/Spec'),
  ]);
  const spec = Object.values(Version).find((known) => known === version);
  if (spec === undefined) throw new Departure('a version of CycloneDX without a schema');
  const validator = validators.get(version) ?? new JsonStrictValidator(spec);
  validators.set(version, validator);
  return validator;
}

// The schema forbids most lists to hold an item twice, and the library compares each item with each. So the two long lists are
// shown to it in parts, whose items a rule compares by name, and what else is long is no SBOM.
const ITEMS = 16;
const MOST_COMPARED = 10_000_000;

/** How many values there are, and how many are looked at when each list compares its items. */
function weigh(value: JsonValue): { readonly values: number; readonly compared: number } {
  if (typeof value !== 'object' || value === null) return { values: 1, compared: 0 };
  const inner = Object.values(value);
  let [values, compared] = [1, 0];
  for (const each of inner) {
    const below = weigh(each);
    values += below.values;
    compared += below.compared;
  }
  return { values, compared: compared + (Array.isArray(value) ? inner.length * values : 0) };
}

async function requireValid(json: JsonValue, version: (typeof VERSIONS)[number]): Promise<void> {
  const { components, dependencies, ...rest } = json as Readonly<Record<string, JsonValue>>;
  const parts = Object.entries({ components, dependencies }).flatMap(([name, list]) => {
    if (!Array.isArray(list)) return list === undefined ? [] : [{ [name]: list }];
    return Array.from({ length: Math.ceil(list.length / ITEMS) }, (_, at) => ({
      [name]: list.slice(at * ITEMS, (at + 1) * ITEMS),
    }));
  });
  const validator = await validatorOf(version);
  for (const part of [rest, ...parts]) {
    const document: JsonValue = { bomFormat: 'CycloneDX', specVersion: version, version: 1, ...part };
    if (weigh(document).compared > MOST_COMPARED) throw new Departure('its lists are too long to compare');
    if ((await validator.validate(JSON.stringify(document))) !== null)
      throw new Departure('the CycloneDX schema of its version refuses it');
    await pause();
  }
}

/** Returns the components, nested ones apart: a tool that nests hides them from readers, so that is refused. */
export async function readSbom(bytes: Uint8Array): Promise<readonly Package[]> {
  const json = parseDocument(bytes);
  const { specVersion, metadata, components = [] } = readAs(json, sbomFile);
  await requireValid(json, specVersion);
  if ([metadata?.component, ...components].some((each) => each?.components?.length))
    throw new Departure('a component inside a component');
  return components.map(({ purl, hashes = [] }) => {
    const known = purl === undefined ? undefined : readPurl(purl);
    if (!known) throw new Departure('a component without a package URL of npm or PyPI');
    const [sha512, another] = hashes.filter(({ alg }) => alg === 'SHA-512');
    if (another) throw new Departure('a component of two SHA-512 digests');
    return { ...known, sha512: sha512?.content.toLowerCase() };
  });
}
