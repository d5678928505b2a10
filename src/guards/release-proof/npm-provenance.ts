// Guards the belief that a package of npm was built where it says: its tarball is the subject of a provenance that a build
// service signed, from the repository and by the workflow that were asked for, and the registry attests that it published it.
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { distrust } from '../../files/rules.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { type Attestation, type BuiltFrom, MAX_DOCUMENT, readAttestations } from './attestations.ts';

export interface NpmProvenanceRequest {
  /** Absolute path of a directory that this process trusts. All other paths are relative to it. */
  readonly root: string;
  /** What `npm pack NAME@VERSION` fetched. */
  readonly tarball: string;
  /** What the registry answered at `/-/npm/v1/attestations/NAME@VERSION`. */
  readonly attestations: string;
  /** Sigstore's trusted root, `application/vnd.dev.sigstore.trustedroot+json;version=0.1`: fetched and kept by you. */
  readonly trustRoot: string;
  /** The registry's keys: the `keys.json` that Sigstore's trusted repository holds for npm. */
  readonly keys: string;
  readonly name: string;
  readonly version: string;
  /** The one repository that it may come from: `https://github.com/OWNER/NAME`. */
  readonly repository: string;
  /** Paths of the workflows that may build it: `.github/workflows/release.yml`. */
  readonly workflows: readonly string[];
  /** Runners that may build it. Whoever runs a machine of their own says what ran on it. Default: `github-hosted` alone. */
  readonly runners?: readonly ('github-hosted' | 'self-hosted')[] | undefined;
}

export interface NpmProvenanceFacts {
  readonly asked: NpmProvenanceRequest;
  readonly files: readonly { readonly what: string; readonly file: Omit<FileFacts, 'bytes'> }[];
  /** SHA-512 of the tarball, hex. */
  readonly sha512: string | undefined;
  readonly trustFault: string | undefined;
  readonly fault: string | undefined;
  readonly attestations: readonly Attestation[];
}

const npmProvenanceRequest: z.ZodType<NpmProvenanceRequest> = z.strictObject({
  root: path,
  tarball: path,
  attestations: path,
  trustRoot: path,
  keys: path,
  name: z.string().regex(/^(?:@[a-z0-9._~-]{1,107}\/)?[a-z0-9._~-]{1,107}$/),
  version: z.string().regex(/^\d[\w.+-]{0,127}$/),
  repository: z.string().regex(/^https:\/\/github\.com\/[\w.-]{1,100}\/[\w.-]{1,100}$/),
  workflows: z
    .array(z.string().regex(/^\.github\/workflows\/[\w.-]{1,200}\.ya?ml$/))
    .min(1)
    .max(16),
  runners: z
    .array(z.enum(['github-hosted', 'self-hosted']))
    .min(1)
    .max(2)
    .optional(),
});

const MAX_TARBALL = 256 * 1024 * 1024;

/** Looks at every file once. */
export async function observeNpmProvenance(
  asked: NpmProvenanceRequest,
  signal: AbortSignal,
): Promise<NpmProvenanceFacts> {
  const files: { what: string; file: Omit<FileFacts, 'bytes'> }[] = [];
  const look = async (what: string, name: string, maxBytes: number): Promise<Uint8Array | undefined> => {
    const { bytes, ...file } = await observeFile(asked.root, name, { maxBytes, signal });
    files.push({ what, file });
    return bytes;
  };
  const tarball = await look('tarball', asked.tarball, MAX_TARBALL);
  const sha512 = tarball && createHash('sha512').update(tarball).digest('hex');
  const answer = await look('file of attestations', asked.attestations, MAX_DOCUMENT);
  const trustRoot = await look('trusted root', asked.trustRoot, MAX_DOCUMENT);
  const keys = await look('file of keys', asked.keys, MAX_DOCUMENT);
  const nothing = { trustFault: undefined, fault: undefined, all: [] };
  const { all, ...faults } =
    answer && trustRoot && keys ? await readAttestations(answer, trustRoot, keys) : nothing;
  return { asked, files, sha512, ...faults, attestations: all };
}

const ANOTHER =
  'Do not install it. Fetch tarball and attestations anew from the registry; if they still differ, tell whoever publishes it.';
const ISSUER = 'https://token.actions.githubusercontent.com';

const only = ({ attestations }: NpmProvenanceFacts, kind: Attestation['kind']): Attestation | undefined => {
  const found = attestations.filter((one) => one.kind === kind);
  return found.length === 1 ? found[0] : undefined;
};

/** A rule about every attestation. */
function each(
  code: string,
  wrong: (attestation: Attestation, facts: NpmProvenanceFacts) => string | false,
): Rule<NpmProvenanceFacts> {
  return {
    code,
    remedy: ANOTHER,
    refuses: (facts) => {
      for (const attestation of facts.attestations) {
        const why = wrong(attestation, facts);
        if (why !== false) return `the ${attestation.kind} attestation ${why}`;
      }
      return false;
    },
  };
}

const rules: readonly Rule<NpmProvenanceFacts>[] = [
  {
    code: 'npm-provenance.untrusted',
    remedy: 'Keep all four files plain, without links, writable by this user and root only (chmod go-w).',
    refuses: ({ files }) => {
      for (const { what, file } of files) {
        const why = distrust(file);
        if (why !== false) return `the ${what} is not to be believed: ${why}`;
      }
      return false;
    },
  },
  {
    code: 'npm-provenance.trust-malformed',
    remedy: "Take the trusted root and npm's keys from Sigstore's trusted repository, by a TUF client.",
    refuses: ({ trustFault }) => trustFault ?? false,
  },
  {
    code: 'npm-provenance.malformed',
    remedy: 'Fetch the attestations anew from the registry, and keep its answer as it came.',
    refuses: ({ fault }) => fault !== undefined && `the file of attestations is none: ${fault}`,
  },
  {
    code: 'npm-provenance.missing',
    remedy: 'Take a version that was published with provenance (npm publish --provenance).',
    refuses: (facts) => {
      const kinds = ['provenance', 'publish'] as const;
      const missing = kinds.find((kind) => only(facts, kind) === undefined);
      return missing !== undefined && `there is not one ${missing} attestation`;
    },
  },
  each('npm-provenance.not-signed', ({ kind, signatureFault, signer }) => {
    if (signatureFault !== undefined)
      return `is not signed by whom the trusted root names: ${signatureFault}`;
    // Anyone can have a certificate; only the registry has its keys.
    return kind === 'publish' && signer !== undefined && 'is not signed by a key of the registry';
  }),
  each(
    'npm-provenance.other-statement',
    ({ statementFault }) => statementFault !== undefined && `states something else: ${statementFault}`,
  ),
  each('npm-provenance.other-subject', ({ about }, { sha512, asked: { name, version } }) => {
    if (!about) return false;
    if (about.subject !== `pkg:npm/${name.replace('@', '%40')}@${version}`)
      return 'is about another package, or another version';
    return about.sha512 !== sha512 && 'is about another tarball';
  }),
  each('npm-provenance.other-source', ({ built }, { asked }) => {
    if (!built) return false;
    if (built.repository !== asked.repository) return 'names another repository';
    return !asked.workflows.includes(built.workflow) && 'names another workflow';
  }),
  each('npm-provenance.other-builder', ({ built }, { asked: { runners = ['github-hosted'] } }) => {
    const known = runners.map((runner) => `https://github.com/actions/runner/${runner}`);
    return built !== undefined && !known.includes(built.builder) && 'names another builder';
  }),
  // The workflow writes its provenance itself. What its certificate says was written by the authority.
  each('npm-provenance.contradicted', ({ kind, built, signer, signatureFault }) => {
    if (kind !== 'provenance' || signatureFault !== undefined || !built) return false;
    const { repository, workflow, ref, commit, builder } = built;
    const certified =
      signer?.issuer === ISSUER &&
      signer.identity === `${repository}/${workflow}@${ref}` &&
      signer.repository === repository &&
      signer.ref === ref &&
      signer.commit === commit &&
      builder === `https://github.com/actions/runner/${signer.runner}`;
    return !certified && 'says something else than the certificate that signed it';
  }),
];

/** A package that was built where it says. */
export interface AttestedPackage extends BuiltFrom {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the tarball, hex: what `integrity` of a lock file holds in base64. */
  readonly sha512: string;
}

/**
 * Grants an {@link AttestedPackage} when tarball, provenance and publication are one. What this does not show: that the build
 * is harmless, or that the tarball was made from that commit alone. A workflow that others may call (a reusable one) is refused.
 */
export const npmProvenance: Guard<NpmProvenanceRequest, AttestedPackage> = defineHouseGuard({
  id: 'npm-provenance',
  dimension: 'architecture_supply_chain_release_proof',
  request: npmProvenanceRequest,
  observe: observeNpmProvenance,
  rules,
  grant: (facts) => {
    const { asked, sha512 } = facts;
    const built = only(facts, 'provenance')?.built;
    if (!built || sha512 === undefined) throw new TypeError('a grant needs a provenance and a tarball');
    return Object.freeze({ name: asked.name, version: asked.version, sha512, ...built });
  },
  subject: ({ asked: { name, version } }) => ({ kind: 'npm-package', name: `${name}@${version}` }),
  method: ({ files }) => files[0]?.file.method ?? 'none',
});
