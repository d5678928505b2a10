// A CycloneDX SBOM: valid by the schema of the version that it names (the library of the CycloneDX project checks that,
// unknown keys included), then reduced to which packages it lists.
import * as z from 'zod';
import { Departure, type Package, parseAs, pypiName } from './packages.ts';

const VERSIONS = ['1.4', '1.5', '1.6', '1.7'] as const;

const component = z.object({
  purl: z.string().max(4_096).optional(),
  hashes: z.array(z.object({ alg: z.string(), content: z.string() })).optional(),
  components: z.array(z.unknown()).optional(),
});
const sbomFile = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.enum(VERSIONS),
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

async function requireValid(text: string, version: (typeof VERSIONS)[number]): Promise<void> {
  const error = await (await validatorOf(version)).validate(text);
  if (error !== null) throw new Departure('the CycloneDX schema of its version refuses it');
}

/** Returns the components, nested ones apart: a tool that nests hides them from readers, so that is refused. */
export async function readSbom(bytes: Uint8Array): Promise<readonly Package[]> {
  const { specVersion, components = [] } = parseAs(bytes, sbomFile);
  await requireValid(Buffer.from(bytes).toString('utf8'), specVersion);
  return components.map(({ purl, hashes, components: nested }) => {
    const known = purl === undefined ? undefined : readPurl(purl);
    if (!known) throw new Departure('a component without a package URL of npm or PyPI');
    if (nested?.length) throw new Departure('a component inside a component');
    const sha512 = hashes?.find(({ alg }) => alg === 'SHA-512')?.content.toLowerCase();
    return { ...known, sha512 };
  });
}
