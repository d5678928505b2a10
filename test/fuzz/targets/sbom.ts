// The reader of SBOMs beside momoa, and beside CycloneDX's own schemas as python3-jsonschema reads them: what ours takes, those take,
// and ours sees the packages that Python's urllib finds in their package URLs.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation';
import { StrictJsonError } from '../../../src/evidence/strict-json.ts';
import { Departure } from '../../../src/guards/supply-chain/packages.ts';
import { readSbom } from '../../../src/guards/supply-chain/sbom.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { requiresReal } from '../../left-out.ts';
import { PythonOracle } from '../python-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const isHere = existsSync('/usr/lib/python3/dist-packages/jsonschema');
if (!isHere && requiresReal) throw new Error('install python3-jsonschema');

const library = createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json');
const python = new PythonOracle(
  ['env', `SCHEMAS=${join(library, '../res/schema')}`, '/usr/bin/python3'],
  new URL('../sbom-oracle.py', import.meta.url),
);

interface Sbom {
  readonly specVersion: Version;
  readonly components?: readonly { readonly purl?: string }[];
}
/** What each component is, or null for one that is no package of npm or PyPI. */
type Packages = readonly (readonly [kind: string, name: string, version: string, sha512: string | null])[];

/** Returns what the oracles find, or `undefined` where they refuse the document. */
async function theirs(bytes: Uint8Array): Promise<Packages | undefined> {
  const text = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return undefined;
  if (oracleRead(text, { maxDepth: 256, fractionAt: () => true }) === undefined) return undefined;
  const packages = JSON.parse(await python.ask(JSON.stringify(text))) as (Packages[number] | null)[] | null;
  return packages?.includes(null) === false ? (packages as Packages) : undefined;
}

const PURL = /^pkg:(?:npm|pypi)\/(?:(?:[\w.~-]|%[\dA-F]{2})+\/)?[\w.~-]+@(?:[\w.+!~-]|%[\dA-F]{2})+$/i;

/**
 * Whether ours may be the stricter: formats (times, addresses) are judged by the library alone, as is whether a pattern ends before a
 * line break (in Python it does); package URLs have one spelling.
 */
async function isStricter(bytes: Uint8Array): Promise<boolean> {
  const text = Buffer.from(bytes).toString('utf8');
  const { specVersion, components = [] } = JSON.parse(text) as Sbom;
  const errors = await new JsonStrictValidator(specVersion).validate(text);
  const found = errors as readonly { readonly keyword: string }[] | null;
  if (found !== null)
    return found.every(({ keyword }) => /^(?:format|pattern|if|anyOf|oneOf)$/.test(keyword));
  return components.some(({ purl = '' }) => !PURL.test(purl));
}

const made = readFileSync(new URL('../npm-sbom.json', import.meta.url), 'utf8');
const small = (specVersion: string, ...components: readonly object[]): Uint8Array =>
  bytesOf(JSON.stringify({ bomFormat: 'CycloneDX', specVersion, version: 1, components }));
const component = { type: 'library', name: 'a', version: '1.0', purl: 'pkg:pypi/A_b@1.0%2Bx' };
const hashes = [{ alg: 'SHA-512', content: 'AB'.repeat(64) }];

export const target = {
  name: 'sbom',
  oracle: 'momoa, python3-jsonschema and urllib',
  unavailable: isHere ? false : 'install python3-jsonschema',
  seeds: [
    bytesOf(made),
    small('1.4'),
    small('1.4', { ...component, hashes: [{ alg: 'MD5', content: 'c'.repeat(32) }, ...hashes] }),
    small('1.5', component, { ...component, purl: 'pkg:npm/%40a/b@1?x=y#z', components: [] }),
    small('1.6', { ...component, components: [component] }),
    small('1.7', { type: 'library', name: 'a' }, { ...component, 'bom-ref': 'x', hashes }),
    small('1.3', component),
  ],
  words: [
    ...'{ } [ ] , : " 0 -1 1.5 1e400 null true "" {} [] \\u0061 \\ud800 % %40 %2F %zz @ / ? # pkg:npm/ pkg:pypi/ pkg:maven/'.split(
      ' ',
    ),
    ...'"components":[], "purl":"pkg:npm/a@1", "hashes":[], "SHA-512" "1.4" "1.5" "1.6" "__proto__":{}, "type":"file", "scope":"optional",'.split(
      ' ',
    ),
  ],
  async fuzz(bytes) {
    let ours: Awaited<ReturnType<typeof readSbom>> | undefined;
    try {
      ours = await readSbom(bytes);
    } catch (error) {
      if (!(error instanceof StrictJsonError || error instanceof Departure)) throw error;
    }
    const others = await theirs(bytes);
    if (ours && !others) throw new Error('ours alone takes it');
    if (!ours && others && !(await isStricter(bytes))) throw new Error('the oracles alone take it');
    const found = ours?.map(({ ecosystem, name, version, sha512 }) => [
      ecosystem,
      name,
      version,
      sha512 ?? null,
    ]);
    if (found && !isDeepStrictEqual(found, others)) throw new Error('ours sees other packages');
  },
} satisfies FuzzTarget;
