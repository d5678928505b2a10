// What npm's registry hands out about a package (`/-/npm/v1/attestations/NAME@VERSION`): Sigstore bundles, each a signed in-toto
// statement. @sigstore/verify says who signed them and when; what they state is read here.
import { X509Certificate } from 'node:crypto';
import type { Bundle } from '@sigstore/bundle';
import * as z from 'zod';
import { parseStrictJson } from '../../evidence/strict-json.ts';

/** Bytes of the answer, of the trusted root, and of the registry's keys. Real ones have some tens of KiB. */
export const MAX_DOCUMENT: number = 2 * 1024 * 1024;

const PROVENANCE = 'https://slsa.dev/provenance/v1';
const PUBLISH = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1';

/** What both kinds of statement are about. */
interface About {
  /** Package URL. */
  readonly subject: string;
  /** SHA-512 of the tarball, hex. */
  readonly sha512: string;
}

/** Where a package was built, by a SLSA v1 provenance. */
export interface BuiltFrom {
  /** `https://github.com/OWNER/NAME`. */
  readonly repository: string;
  /** Path of the workflow below the repository. */
  readonly workflow: string;
  readonly ref: string;
  readonly commit: string;
  readonly builder: string;
}

/** Who signed with a certificate, by what its authority vouches for (Fulcio's extensions, 1.3.6.1.4.1.57264.1). */
export interface Certified {
  /** The name of the certificate: `REPOSITORY/WORKFLOW@REF` of the workflow that ran. */
  readonly identity: string | undefined;
  /** Who said so: the issuer of the OIDC token. */
  readonly issuer: string | undefined;
  readonly repository: string | undefined;
  readonly ref: string | undefined;
  readonly commit: string | undefined;
  /** `github-hosted` or `self-hosted`. */
  readonly runner: string | undefined;
}

export interface Attestation {
  readonly kind: 'provenance' | 'publish';
  /** Why its signature, certificate, time or place in the log does not hold. */
  readonly signatureFault: string | undefined;
  /** Why what it states is not read; names nothing of it. */
  readonly statementFault: string | undefined;
  readonly about: About | undefined;
  readonly built: BuiltFrom | undefined;
  /** `undefined` for what a key of the registry signed. */
  readonly signer: Certified | undefined;
}

export interface Attestations {
  readonly trustFault: string | undefined;
  readonly fault: string | undefined;
  readonly all: readonly Attestation[];
}

const parse = (bytes: Uint8Array): unknown =>
  parseStrictJson(bytes, { maxBytes: MAX_DOCUMENT, maxDepth: 64 });

// One subject with one digest: who looks for any that fits would take a statement about something else as well.
const subject = z.tuple([
  z.strictObject({
    name: z.string().max(512),
    digest: z.strictObject({ sha512: z.string().regex(/^[0-9a-f]{128}$/) }),
  }),
]);
const source = z.object({
  uri: z.string().max(1_024),
  digest: z.strictObject({ gitCommit: z.string().regex(/^[0-9a-f]{40}$/) }),
});
const provenance = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject,
  predicateType: z.literal(PROVENANCE),
  predicate: z.object({
    buildDefinition: z.object({
      buildType: z.literal('https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1'),
      // Strict: a consumer that does not know a parameter cannot tell what it did (slsa.dev/spec/v1.0/provenance).
      externalParameters: z.strictObject({
        workflow: z.strictObject({
          ref: z.string().max(512),
          repository: z.string().max(512),
          path: z.string().max(512),
        }),
      }),
      resolvedDependencies: z.tuple([source]),
    }),
    runDetails: z.object({ builder: z.object({ id: z.string().max(512) }) }),
  }),
});
const publish = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v0.1'),
  subject,
  predicateType: z.literal(PUBLISH),
  predicate: z.object({ name: z.string(), version: z.string() }),
});

/** The kind is that of the signed statement: the one beside it in the answer is nobody's word. */
function kindOf(statement: unknown): Attestation['kind'] | undefined {
  const { predicateType } = (statement ?? {}) as { predicateType?: unknown };
  if (predicateType === PROVENANCE) return 'provenance';
  return predicateType === PUBLISH ? 'publish' : undefined;
}

function readStatement(statement: unknown): Pick<Attestation, 'statementFault' | 'about' | 'built'> {
  const unread = { statementFault: 'it departs from its format', about: undefined, built: undefined };
  if (kindOf(statement) === 'publish') {
    const { success, data } = publish.safeParse(statement);
    if (!success) return unread;
    const [{ name, digest }] = data.subject;
    return { statementFault: undefined, about: { subject: name, ...digest }, built: undefined };
  }
  const { success, data } = provenance.safeParse(statement);
  if (!success) return unread;
  const [{ name, digest }] = data.subject;
  const { buildDefinition, runDetails } = data.predicate;
  const { ref, repository, path } = buildDefinition.externalParameters.workflow;
  const [{ uri, digest: resolved }] = buildDefinition.resolvedDependencies;
  if (uri !== `git+${repository}@${ref}`)
    return { ...unread, statementFault: 'it was built from another source than its workflow names' };
  const built = {
    repository,
    workflow: path,
    ref,
    commit: resolved.gitCommit,
    builder: runDetails.builder.id,
  };
  return { statementFault: undefined, about: { subject: name, ...digest }, built };
}

/** Code signing (RFC 5280 section 4.2.1.12). @sigstore/verify looks at no use that a certificate was made for. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

type Material = Bundle['verificationMaterial']['content'];

function isForCode(material: Material): boolean {
  const chain = material.$case === 'x509CertificateChain' ? material.x509CertificateChain.certificates : [];
  const leaf = material.$case === 'certificate' ? material.certificate : chain[0];
  // Node's name for the extended key usages.
  return leaf !== undefined && new X509Certificate(leaf.rawBytes).keyUsage?.includes(CODE_SIGNING) === true;
}

const FULCIO = [1, 3, 6, 1, 4, 1, 57_264, 1];

/** A UTF8String in DER, of up to 255 bytes. */
function textOf(der: Buffer | undefined): string | undefined {
  if (der?.[0] !== 0x0c) return undefined;
  const head = der[1] === 0x81 ? 3 : 2;
  return der[head - 1] === der.length - head ? der.toString('utf8', head) : undefined;
}

// @sigstore/verify takes the names in a checkpoint for regular expressions: only what means itself gets there.
const SIGNER_LINE = /\u2014 (\S+)/g;
const PLAIN_NAME = /^[\w./:-]{1,256}$/;

const documents = z.object({
  attestations: z.array(z.object({ bundle: z.record(z.string(), z.unknown()) })).max(16),
});
// What the library takes for a root that trusts nobody, where it is no root at all.
const several = z.array(z.record(z.string(), z.unknown())).min(1);
const trustedRoot = z.looseObject({
  mediaType: z.string().startsWith('application/vnd.dev.sigstore.trustedroot'),
  tlogs: several,
  certificateAuthorities: several,
  ctlogs: several,
});
const registryKeys = z.object({
  keys: z.array(
    z.object({
      keyId: z.string().max(256),
      keyUsage: z.string(),
      publicKey: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** Codes of @sigstore/verify are words; its other messages may repeat what was sent. */
function whyNot(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : 'it cannot be read';
}

/**
 * Returns what the attestations state and whether each is signed: by a certificate under the trusted root, or by a key of the
 * registry, at a time that a log of the trusted root vouches for. Nothing is fetched.
 *
 * @param trustRoot `application/vnd.dev.sigstore.trustedroot+json;version=0.1`.
 * @param keys the registry's keys, as Sigstore's trusted repository holds them: `{ keys: [{ keyId, keyUsage, publicKey }] }`.
 */
export async function readAttestations(
  answer: Uint8Array,
  trustRoot: Uint8Array,
  keys: Uint8Array,
): Promise<Attestations> {
  // Loaded when asked: who never does needs none of it.
  const { bundleFromJSON } = await import('@sigstore/bundle');
  const { PublicKey, TrustedRoot } = await import('@sigstore/protobuf-specs');
  const { toSignedEntity, toTrustMaterial, Verifier } = await import('@sigstore/verify');
  const none = { trustFault: undefined, fault: undefined, all: [] };
  let verifier: InstanceType<typeof Verifier>;
  try {
    // No prototype: a hint is whatever the bundle says.
    const known = Object.assign(
      Object.create(null) as Record<string, ReturnType<typeof PublicKey.fromJSON>>,
      Object.fromEntries(
        registryKeys
          .parse(parse(keys))
          .keys.filter(({ keyUsage }) => keyUsage === 'npm:attestations')
          .map(({ keyId, publicKey }) => [keyId, PublicKey.fromJSON(publicKey)]),
      ),
    );
    const material = toTrustMaterial(TrustedRoot.fromJSON(trustedRoot.parse(parse(trustRoot))), known);
    verifier = new Verifier(material, { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 });
  } catch {
    return { ...none, trustFault: 'the trusted root or the keys of the registry depart from their format' };
  }

  const verify = (bundle: Bundle): Certified | undefined => {
    for (const { inclusionProof } of bundle.verificationMaterial.tlogEntries)
      for (const [, name = ''] of inclusionProof?.checkpoint?.envelope.matchAll(SIGNER_LINE) ?? [])
        if (!PLAIN_NAME.test(name)) throw Object.assign(new Error(), { code: 'TLOG_INCLUSION_PROOF_ERROR' });
    const { identity } = verifier.verify(toSignedEntity(bundle));
    if (!identity) return undefined;
    if (!isForCode(bundle.verificationMaterial.content))
      throw Object.assign(new Error(), { code: 'CERTIFICATE_NOT_FOR_CODE' });
    const extension = (last: number): string | undefined => {
      const wanted = [...FULCIO, last].join('.');
      return textOf(identity.oids?.find(({ oid }) => oid?.id.join('.') === wanted)?.value);
    };
    return {
      identity: identity.subjectAlternativeName,
      issuer: identity.extensions?.issuer,
      runner: extension(11),
      repository: extension(12),
      commit: extension(13),
      ref: extension(14),
    };
  };

  const all: Attestation[] = [];
  try {
    for (const { bundle: json } of documents.parse(parse(answer)).attestations) {
      const bundle = bundleFromJSON(json);
      if (bundle.content.$case !== 'dsseEnvelope') continue; // signs a file, and states nothing
      const { payloadType, payload } = bundle.content.dsseEnvelope;
      if (payloadType !== 'application/vnd.in-toto+json') continue;
      const statement = parse(payload);
      const kind = kindOf(statement);
      if (kind === undefined) continue;
      let signer: Certified | undefined;
      let signatureFault: string | undefined;
      try {
        signer = verify(bundle);
      } catch (error) {
        signatureFault = whyNot(error);
      }
      all.push({ kind, signatureFault, signer, ...readStatement(statement) });
    }
  } catch {
    return { ...none, fault: 'it departs from its format' };
  }
  return { ...none, all };
}
