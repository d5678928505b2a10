// Packages that were not built where they say, signed for real by a signing service of the drill's own.
import { createHash } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NpmProvenanceRequest } from '../../../guards/release-proof/npm-provenance.ts';
import type { Drill } from '../../proof.ts';
import { type Identity, makeSigningService, type Signing, type SigningService } from './signing-service.ts';

const NAME = '@drill/package';
const VERSION = '1.2.3';
const PURL = 'pkg:npm/%40drill/package@1.2.3';
const REPOSITORY = 'https://github.com/drill/package';
const WORKFLOW = '.github/workflows/release.yml';
const REF = 'refs/tags/v1.2.3';
const COMMIT = 'c'.repeat(40);
const TARBALL = 'the bytes of a tarball';
const HOSTED = 'https://github.com/actions/runner/github-hosted';
const SELF_HOSTED = 'https://github.com/actions/runner/self-hosted';

const digest = createHash('sha512').update(TARBALL).digest('hex');
const BEGAN = new Date('2026-01-01T00:00:00Z');
const AT = BEGAN.getTime() / 1_000 + 86_400;

interface Subject {
  readonly name: string;
  readonly digest: Readonly<Record<string, string>>;
}

interface Draft {
  readonly subjects: readonly Subject[];
  readonly repository: string;
  readonly workflow: string;
  readonly ref: string;
  readonly commit: string;
  readonly source: string | undefined;
  readonly parameters: object;
  readonly builder: string;
  readonly predicateType: string;
  readonly certified: Partial<Identity>;
  readonly signing: Partial<Signing>;
  /** About the statement of the registry. */
  readonly published: { readonly subjects: readonly Subject[]; readonly identity?: Identity };
}

interface Fault {
  /** What is other than in a sound package. */
  readonly edit?: Partial<Draft>;
  /** Changes what the registry answers. */
  readonly answer?: (attestations: Bundle[], draft: Draft, service: SigningService) => Bundle[];
  readonly trust?: (service: SigningService) => unknown;
  readonly keys?: (service: SigningService) => unknown;
  readonly ask?: Partial<NpmProvenanceRequest>;
  readonly after?: (root: string) => Promise<unknown>;
}

interface Bundle {
  readonly predicateType: string;
  readonly bundle: unknown;
}

const SLSA = 'https://slsa.dev/provenance/v1';
const PUBLISH = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1';

function identityOf({ repository, workflow, ref, commit, builder, certified }: Draft): Identity {
  return {
    identity: `${repository}/${workflow}@${ref}`,
    issuer: 'https://token.actions.githubusercontent.com',
    runner: builder.slice(builder.lastIndexOf('/') + 1),
    repository,
    commit,
    ref,
    ...certified,
  };
}

const ABOUT: Subject = { name: PURL, digest: { sha512: digest } };
const ANOTHER: Subject = { name: 'pkg:npm/x@1.0.0', digest: { sha512: digest } };
const SOUND: Draft = {
  subjects: [ABOUT],
  repository: REPOSITORY,
  workflow: WORKFLOW,
  ref: REF,
  commit: COMMIT,
  source: undefined,
  parameters: {},
  builder: HOSTED,
  predicateType: SLSA,
  certified: {},
  signing: {},
  published: { subjects: [ABOUT] },
};

function provenanceOf(draft: Draft, service: SigningService): Bundle {
  const { subjects, repository, workflow, ref, commit, source, parameters, builder, predicateType } = draft;
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: subjects,
    predicateType,
    predicate: {
      buildDefinition: {
        buildType: 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
        externalParameters: { workflow: { ref, repository, path: workflow }, ...parameters },
        resolvedDependencies: [{ uri: source ?? `git+${repository}@${ref}`, digest: { gitCommit: commit } }],
      },
      runDetails: { builder: { id: builder }, metadata: { invocationId: `${REPOSITORY}/actions/runs/1` } },
    },
  };
  const signing = { at: AT, identity: identityOf(draft), ...draft.signing };
  return { predicateType: SLSA, bundle: service.attest(statement, signing) };
}

function publicationOf({ published }: Draft, service: SigningService): Bundle {
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: published.subjects,
    predicateType: PUBLISH,
    predicate: { name: NAME, version: VERSION, registry: 'https://registry.example' },
  };
  const { identity } = published;
  return {
    predicateType: PUBLISH,
    bundle: service.attest(statement, { at: AT + 60, ...(identity && { identity }) }),
  };
}

function drill(id: string, fault: string, expects: string, how: Fault = {}): Drill<NpmProvenanceRequest> {
  const build: Drill<NpmProvenanceRequest>['build'] = async (site) => {
    site.unread(/\.json$/); // keys and signatures
    const root = site.directory;
    const service = makeSigningService(BEGAN);
    const draft: Draft = { ...SOUND, ...how.edit };
    const made = [publicationOf(draft, service), provenanceOf(draft, service)];
    const attestations = how.answer ? how.answer(made, draft, service) : made;
    const files: Readonly<Record<string, unknown>> = {
      'attestations.json': { attestations },
      'trusted-root.json': how.trust ? how.trust(service) : service.trustRoot,
      'keys.json': how.keys ? how.keys(service) : service.keys,
    };
    for (const [name, content] of Object.entries(files))
      await writeFile(join(root, name), JSON.stringify(content), { mode: 0o600 });
    await writeFile(join(root, 'package.tgz'), TARBALL, { mode: 0o600 });
    await how.after?.(root);
    return {
      root,
      tarball: 'package.tgz',
      attestations: 'attestations.json',
      trustRoot: 'trusted-root.json',
      keys: 'keys.json',
      name: NAME,
      version: VERSION,
      repository: REPOSITORY,
      workflows: [WORKFLOW],
      ...how.ask,
    };
  };
  return { id, fault, expects, build };
}

type Row = readonly [id: string, fault: string, how: Fault];
const rows = (expects: string, ...all: readonly Row[]): readonly Drill<NpmProvenanceRequest>[] =>
  all.map(([id, fault, how]) => drill(id, fault, `npm-provenance.${expects}`, how));

/** Changes the bundle of the provenance. */
const inBundle =
  (change: (bundle: string) => string): NonNullable<Fault['answer']> =>
  ([publication, provenance], ..._rest) => [
    publication as Bundle,
    { predicateType: SLSA, bundle: JSON.parse(change(JSON.stringify(provenance?.bundle))) },
  ];
/** The certificate as older bundles hold it: the first of a chain. */
const inChain = inBundle((text) =>
  text
    .replace('bundle.v0.3+json', 'bundle+json;version=0.2')
    .replace(/"certificate":(\{[^}]*\})/, '"x509CertificateChain":{"certificates":[$1]}'),
);
const FOR_SERVERS: Fault['edit'] = { signing: { uses: ['1.3.6.1.5.5.7.3.1'] } };
const edited = (edit: Partial<Draft>): Fault => ({ edit });
const certified = (how: Draft['certified']): Fault => edited({ certified: how });
/** Backtracks for ever on the address of the log, which it is held against. */
const SLOW_NAME = `${'(?:.*)*'.repeat(4)}=`;

export const npmProvenanceDrills: readonly Drill<NpmProvenanceRequest>[] = [
  drill('sound', 'none', 'allow'),
  drill('self-hosted', 'none: a runner that was asked for', 'allow', {
    edit: { builder: SELF_HOSTED },
    ask: { runners: ['self-hosted'] },
  }),
  drill('older-bundle', 'none: a bundle of an older version', 'allow', { answer: inChain }),
  drill('another-kind', 'none: an attestation of a kind that says nothing here', 'allow', {
    answer: (made, draft, service) => [
      ...made,
      provenanceOf({ ...draft, predicateType: 'https://example.org/other/v1' }, service),
    ],
  }),

  ...rows('untrusted', [
    'open-root-of-trust',
    'a trusted root that anyone may write',
    { after: (root) => chmod(join(root, 'trusted-root.json'), 0o666) },
  ]),
  ...rows(
    'trust-malformed',
    ['no-trusted-root', 'a trusted root that is none', { trust: () => ({ tlogs: 'none' }) }],
    ['no-keys', 'keys that are none', { keys: () => [] }],
  ),
  ...rows('malformed', [
    'no-answer',
    'an answer of the registry that is none',
    { answer: () => [{ predicateType: SLSA, bundle: 'a bundle' }] },
  ]),
  ...rows(
    'missing',
    ['no-provenance', 'a package without provenance', { answer: (made) => made.slice(0, 1) }],
    ['not-published', 'a package that the registry did not attest', { answer: (made) => made.slice(1) }],
    [
      'two-provenances',
      'two provenances, one of them sound',
      { answer: (made, draft, service) => [...made, provenanceOf(draft, service)] },
    ],
    [
      'named-otherwise',
      'a statement of another kind under the name of a provenance',
      edited({ predicateType: 'https://slsa.dev/provenance/v0.2' }),
    ],
  ),
  ...rows(
    'not-signed',
    [
      'another-authority',
      'signed under an authority of their own',
      { trust: () => makeSigningService(BEGAN).trustRoot },
    ],
    [
      'another-key',
      'a key of the registry that is another one',
      { keys: () => makeSigningService(BEGAN).keys },
    ],
    ['no-such-key', 'a key that the registry no longer has', { keys: () => ({ keys: [] }) }],
    [
      'key-of-another-use',
      'a key of the registry that is for something else',
      { keys: ({ keys }) => JSON.parse(JSON.stringify(keys).replace('npm:attestations', 'npm:signatures')) },
    ],
    [
      'key-ended',
      'a key of the registry that had ended',
      {
        keys: ({ keys }) =>
          JSON.parse(JSON.stringify(keys).replace('"start":', `"end":"${BEGAN.toISOString()}","start":`)),
      },
    ],
    [
      'payload-swapped',
      'another statement under the signature',
      edited({ signing: { instead: JSON.stringify({ predicateType: SLSA }) } }),
    ],
    ['certificate-ended', 'signed when the certificate had ended', edited({ signing: { lasts: 20 } })],
    [
      'too-early',
      'signed before the authority was one',
      edited({ signing: { at: BEGAN.getTime() / 1_000 - 86_400 } }),
    ],
    [
      'time-edited',
      'another time than the log took it',
      { answer: inBundle((text) => text.replace(`"${AT}"`, `"${AT + 1}"`)) },
    ],
    [
      'not-logged',
      'not in the log',
      { answer: inBundle((text) => text.replace(/"tlogEntries":\[.*\](?=\},"dsse)/, '"tlogEntries":[]')) },
    ],
    [
      'certificate-not-logged',
      'a certificate that no log of certificates has',
      edited({ signing: { withoutCertificateLog: true } }),
    ],
    ['certificate-for-servers', 'a certificate that is for servers', { edit: FOR_SERVERS }],
    ['chain-for-servers', 'the same in a chain', { edit: FOR_SERVERS, answer: inChain }],
    ['certificate-for-nothing', 'a certificate that names no use', edited({ signing: { uses: [] } })],
    [
      'slow-name',
      'a checkpoint whose signer is a regular expression',
      edited({ signing: { origin: SLOW_NAME } }),
    ],
    [
      'published-by-anyone',
      'a publication that somebody with a certificate signed',
      edited({ published: { subjects: [ABOUT], identity: identityOf(SOUND) } }),
    ],
  ),
  ...rows(
    'other-statement',
    ['second-subject', 'a second subject', edited({ subjects: [ABOUT, ANOTHER] })],
    [
      'second-digest',
      'a second digest',
      edited({ subjects: [{ name: PURL, digest: { sha512: digest, sha256: 'a'.repeat(64) } }] }),
    ],
    [
      'upper-case-digest',
      'a digest in capitals',
      edited({ subjects: [{ name: PURL, digest: { sha512: digest.toUpperCase() } }] }),
    ],
    [
      'other-algorithm',
      'a digest of another algorithm',
      edited({ subjects: [{ name: PURL, digest: { sha256: digest.slice(64) } }] }),
    ],
    ['unknown-parameter', 'a parameter that nobody knows', edited({ parameters: { inputs: {} } })],
    [
      'built-elsewhere',
      'built from another source than the workflow names',
      edited({ source: `git+https://github.com/other/package@${REF}` }),
    ],
    [
      'published-twice',
      'a publication of two packages',
      edited({ published: { subjects: [ABOUT, ANOTHER] } }),
    ],
  ),
  ...rows(
    'other-subject',
    [
      'tarball-swapped',
      'another tarball',
      { after: (root) => writeFile(join(root, 'package.tgz'), 'other bytes') },
    ],
    ['other-version', 'the attestations of another version', { ask: { version: '1.2.4' } }],
    ['other-package', 'the attestations of another package', { ask: { name: 'package' } }],
    ['other-name', 'a provenance of another package with the same bytes', edited({ subjects: [ANOTHER] })],
    [
      'other-publication',
      'a publication of another tarball',
      edited({ published: { subjects: [{ name: PURL, digest: { sha512: 'a'.repeat(128) } }] } }),
    ],
  ),
  ...rows(
    'other-source',
    ['fork', 'built from a fork', edited({ repository: 'https://github.com/other/package' })],
    ['other-workflow', 'built by another workflow', edited({ workflow: '.github/workflows/test.yml' })],
  ),
  ...rows('other-builder', [
    'own-runner',
    'built on a machine of their own',
    edited({ builder: SELF_HOSTED }),
  ]),
  ...rows(
    'contradicted',
    [
      'other-ref',
      'a provenance that names another ref than its certificate',
      edited({ ref: 'refs/heads/main', certified: { identity: identityOf(SOUND).identity, ref: REF } }),
    ],
    [
      'other-commit',
      'a provenance that names another commit than its certificate',
      edited({ commit: 'd'.repeat(40), certified: { commit: COMMIT } }),
    ],
    [
      'certificate-of-workflow',
      'a certificate of another workflow',
      certified({ identity: `${REPOSITORY}/.github/workflows/test.yml@${REF}` }),
    ],
    [
      'certificate-of-issuer',
      'a certificate for the token of another issuer',
      certified({ issuer: 'https://example.org' }),
    ],
    [
      'certificate-of-repository',
      'a certificate of another repository',
      certified({ repository: 'https://github.com/other/package' }),
    ],
    ['certificate-of-ref', 'a certificate of another ref', certified({ ref: 'refs/heads/main' })],
    ['certificate-of-commit', 'a certificate of another commit', certified({ commit: 'd'.repeat(40) })],
    ['certificate-of-runner', 'a certificate of another runner', certified({ runner: 'self-hosted' })],
  ),
];
