// The proof-capsule guard, and capsules that nobody vouches for, that have two readings, that hold something else than they list, or
// that tell of a run that failed.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../evidence/sha256.ts';
import {
  observeCapsule,
  type ProofCapsuleRequest,
  proofCapsule,
} from '../../../guards/run-manifest/proof-capsule.ts';
import { fileTableDrills } from '../../file-table-drills.ts';
import { type Drill, defineHouseProof, type Proof } from '../../proof.ts';
import { soundManifest } from '../run-manifest/run-manifest-drills.ts';
import { type Member, zip } from './capsule-archive.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A key of Ed25519 for drills alone (RFC 8410: sixteen bytes, then the seed). */
function keyOf(letter: string) {
  const seed = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    Buffer.alloc(32, letter),
  ]);
  const secret = createPrivateKey({ key: seed, format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(secret).export({ format: 'jwk' });
  return { secret, publicKey: Buffer.from(x, 'base64url').toString('base64') };
}

type Run = ReturnType<typeof soundManifest>;
type Draft = Readonly<Record<string, unknown>>;

interface Fault {
  /** What these say in place of the truth. */
  readonly run?: Partial<Run>;
  readonly pack?: Draft;
  readonly manifest?: Draft;
  /** Changes what is packed, after everything was listed. */
  readonly members?: (members: Member[]) => readonly Member[];
  readonly archive?: (archive: Buffer) => Buffer;
  readonly anchor?: (archive: Buffer) => ProofCapsuleRequest['anchor'];
  readonly acknowledged?: readonly string[];
}

const entryOf = ({ name, content }: Member): object => ({
  path: name,
  sha256: sha256Hex(content),
  size_bytes: Buffer.byteLength(content),
});

/** A capsule as `agilab prove` writes it, but for a fault. */
function capsule(fault: Fault): Buffer {
  const { members = (all) => all, archive = (all) => all } = fault;
  const run = { ...soundManifest(), ...fault.run };
  const snapshot = { name: 'run_manifest.snapshot.json', content: json(run) };
  const files: Member[] = [
    snapshot,
    { name: 'verification-report.json', content: json({ schema: 'agilab.evidence_verification.v1' }) },
  ];
  const shared = {
    run_id: run.run_id,
    path_id: run.path_id,
    status: 'pass',
    source_manifest: { path: '/srv/run/run_manifest.json', sha256: sha256Hex(snapshot.content) },
    standards: { openlineage: 'openlineage.json' },
    cards: { model: 'model-card.json' },
  };
  const pack = {
    schema: 'agilab.proof_pack.v1',
    ...shared,
    output_dir: '.',
    files: files.map((file) => ({ name: file.name, ...entryOf(file) })),
    ...fault.pack,
  };
  files.push({ name: 'agilab_proof_pack.json', content: json(pack) });
  const manifest = {
    schema: 'agilab.proof_capsule.v1',
    created_at: '2026-01-01T00:00:02Z',
    format: 'zip',
    signed: false,
    signature: null,
    integrity: 'sha256-per-entry',
    ...shared,
    root: 'agilab_proof_pack.json',
    entry_count: files.length,
    entries: files.map(entryOf),
    limitations: ['unsigned'],
    ...fault.manifest,
  };
  return archive(zip(members([...files, { name: 'agipack-manifest.json', content: json(manifest) }])));
}

function drill(id: string, fault: string, expects: string, change: Fault = {}): Drill<ProofCapsuleRequest> {
  return {
    id,
    fault,
    expects: expects === 'allow' ? expects : `proof-capsule.${expects}`,
    build: async (site) => {
      const root = site.directory;
      const bytes = capsule(change);
      await writeFile(join(root, 'run.agipack'), bytes, { mode: 0o600 });
      const anchor = change.anchor?.(bytes) ?? { sha256: sha256Hex(bytes) };
      const { acknowledged } = change;
      return { root, capsule: 'run.agipack', anchor, ...(acknowledged && { acknowledged }) };
    },
  };
}

const signedBy =
  (signer: string, named = signer) =>
  (archive: Buffer): ProofCapsuleRequest['anchor'] => {
    const statement = Buffer.from(`agilab.proof_capsule_signature.v1\nsha256:${sha256Hex(archive)}\n`);
    return {
      publicKey: keyOf(named).publicKey,
      signature: sign(null, statement, keyOf(signer).secret).toString('base64'),
    };
  };
const last = (members: readonly Member[], change: Partial<Member>): readonly Member[] =>
  members.map((member, index) => (index === members.length - 1 ? { ...member, ...change } : member));
const first = (members: readonly Member[], change: Partial<Member>): readonly Member[] =>
  members.map((member, index) => (index === 0 ? { ...member, ...change } : member));
const without =
  (name: string) =>
  (members: Member[]): readonly Member[] =>
    members.filter((member) => member.name !== name);
const LINK = 0o120777;
const TOKEN = `${'glpat'}-aB3dE6gH9jK2mN5pQ8sT`;
const REFUSED: readonly Drill<ProofCapsuleRequest>[] = [
  drill('another-file', 'a capsule that is not the pinned one', 'not-vouched', {
    anchor: () => ({ sha256: 'a'.repeat(64) }),
  }),
  drill('strange-key', 'a capsule that a stranger signed', 'not-vouched', { anchor: signedBy('b', 'a') }),
  drill('changed-after-signing', 'a capsule that changed after it was signed', 'not-vouched', {
    anchor: (archive) => signedBy('a')(archive.subarray(1)),
  }),

  drill('other-run-version', 'a manifest of a run of another version', 'malformed', {
    run: { schema_version: 2 },
  }),
  drill('time-backwards', 'a run that finished before it started', 'not-passed', {
    run: {
      timing: {
        ...soundManifest().timing,
        started_at: '2026-01-01T01:00:00+01:00',
        finished_at: '2026-01-01T00:30:00+01:00',
      },
    },
  }),
  drill('no-command', 'a run of nothing', 'not-passed', {
    run: { command: { ...soundManifest().command, argv: [] } },
  }),
  drill('named-variable', 'a variable whose name says secret, and its value', 'secret', {
    run: { command: { ...soundManifest().command, env_overrides: { SMTP_AUTH: `${'hunter2'}` } } },
  }),

  drill('bytes-before', 'something before the archive', 'archive', {
    archive: (all) => Buffer.concat([Buffer.from('#!/bin/sh\n'), all]),
  }),
  drill('bytes-behind', 'something behind the archive', 'archive', {
    archive: (all) => Buffer.concat([all, Buffer.from('x')]),
  }),
  drill('bytes-between', 'something between two members', 'archive', {
    members: (all) => first(all, { gap: 'hidden' }),
  }),
  drill('truncated', 'half an archive', 'archive', { archive: (all) => all.subarray(0, all.length >> 1) }),
  drill('empty', 'no byte at all', 'archive', { archive: () => Buffer.alloc(0) }),
  drill('two-of-one-name', 'two members of one name', 'archive', {
    members: (all) => [...all, { name: 'agilab_proof_pack.json', content: '{}' }],
  }),
  drill('two-names', 'a member with another name in its own header', 'archive', {
    members: (all) => first(all, { localName: 'run_manifest.snapshot.jso_' }),
  }),
  drill('link', 'a member that is a link', 'archive', { members: (all) => first(all, { mode: LINK }) }),
  drill('encrypted', 'a member that is encrypted', 'archive', { members: (all) => first(all, { flags: 1 }) }),
  drill('wrong-checksum', 'a member whose checksum is wrong', 'archive', {
    members: (all) => first(all, { crc: 1 }),
  }),
  drill('bomb', 'a member that says it unpacks to 3 GB', 'archive', {
    members: (all) => first(all, { size: 3_000_000_000 }),
  }),
  drill('wrong-size', 'a member of another size', 'archive', { members: (all) => first(all, { size: 1 }) }),

  drill('no-manifest', 'a capsule without its manifest', 'malformed', {
    members: without('agipack-manifest.json'),
  }),
  drill('no-pack', 'a capsule without its proof pack', 'malformed', {
    members: without('agilab_proof_pack.json'),
  }),
  drill('no-run', 'a capsule without a run', 'malformed', { members: without('run_manifest.snapshot.json') }),
  drill('another-schema', 'a manifest of another schema', 'malformed', {
    manifest: { schema: 'agilab.proof_capsule.v2' },
  }),
  drill('unknown-key', 'a manifest that says more', 'malformed', {
    manifest: { signer: 'ci@example.org' },
  }),
  drill('duplicate-key', 'a manifest that says its status twice', 'malformed', {
    members: (all) =>
      last(all, { content: (all.at(-1)?.content ?? '').replace('"status"', '"status": "fail", "status"') }),
  }),
  drill('way-out', 'an entry that leads out', 'malformed', {
    manifest: { entries: [{ path: '../evil', sha256: 'a'.repeat(64), size_bytes: 1 }] },
  }),

  drill('changed-entry', 'an entry with other bytes', 'entries', {
    members: (all) =>
      all.map((member) => (member.name.startsWith('verif') ? { ...member, content: '{}' } : member)),
  }),
  drill('extra-entry', 'an entry that nobody lists', 'entries', {
    members: (all) => [{ name: 'extra.json', content: '{}' }, ...all],
  }),
  drill('missing-entry', 'an entry that is listed and not there', 'entries', {
    members: without('verification-report.json'),
  }),
  drill('wrong-count', 'a count of entries that is wrong', 'entries', {
    manifest: { entry_count: 2 },
  }),
  drill('other-pack', 'a proof pack that lists less', 'pack', {
    pack: { files: [] },
  }),
  drill('other-run', 'a manifest about another run', 'another-run', {
    manifest: { run_id: 'run-other' },
  }),
  drill('other-source', 'a proof pack about another manifest', 'another-run', {
    pack: { source_manifest: { path: '/x', sha256: 'a'.repeat(64) } },
  }),
  drill('failed-run', 'a run that failed', 'not-passed', { run: { status: 'fail' } }),
  drill('failed-capsule', 'a capsule that says fail of a run that passed', 'not-passed', {
    manifest: { status: 'fail' },
  }),
  drill('failed-validation', 'a validation that failed', 'not-passed', {
    run: { validations: [{ label: 'rows', status: 'fail', summary: '', details: {} }] },
  }),
  drill('nothing-validated', 'a run that validated nothing', 'not-passed', {
    run: { validations: [] },
  }),
  drill('secret', 'a secret in the manifest of the run', 'secret', {
    run: { command: { ...soundManifest().command, argv: ['x', TOKEN] } },
  }),
  {
    ...drill('linked', 'a capsule that is a link', 'untrusted'),
    build: async (site) => {
      const root = site.directory;
      const bytes = capsule({});
      await writeFile(join(root, 'real'), bytes, { mode: 0o600 });
      await symlink('real', join(root, 'run.agipack'));
      return { root, capsule: 'run.agipack', anchor: { sha256: sha256Hex(bytes) } };
    },
  },
];

const deflated = drill('deflated', 'none: members are compressed', 'allow', {
  members: (all) => all.map((member) => ({ ...member, deflated: true })),
});

const sound = drill('sound', 'none: a capsule that is pinned by its digest', 'allow');

export const proofCapsuleProof: Proof = defineHouseProof({
  guard: proofCapsule,
  excused: { entries: 'compared with what the manifest lists; the drills change both' },
  drills: [
    sound,
    drill('signed', 'none: a capsule that the named key signed', 'allow', { anchor: signedBy('a') }),
    {
      ...deflated,
      build: async (site) => {
        // What a compressor makes of a text hangs on its version.
        site.unread('run.agipack');
        site.random('DIGEST', /[0-9a-f]{64}/g);
        return await deflated.build(site);
      },
    },
    drill('acknowledged', 'none: a string that looks like a secret and is none', 'allow', {
      run: { command: { ...soundManifest().command, argv: ['x', TOKEN] } },
      acknowledged: [sha256Hex(TOKEN)],
    }),
    ...REFUSED,
    ...fileTableDrills({
      name: 'capsule',
      drills: [sound],
      file: 'run.agipack',
      maxBytes: 16 * 1_048_576,
      expects: 'proof-capsule.untrusted',
      about: (request, root, file) => ({ ...request, root, capsule: file }),
    }),
  ],
  brokenLooks: [
    {
      id: 'proof-capsule.any-signature',
      noticedBy: 'another-file',
      observe: async (request, signal) => ({ ...(await observeCapsule(request, signal)), vouched: true }),
    },
    {
      id: 'proof-capsule.digests-believed',
      noticedBy: 'changed-entry',
      observe: async (request, signal) => {
        const facts = await observeCapsule(request, signal);
        const stated = new Map(facts.manifest?.entries.map((entry) => [entry.path, entry]));
        const entries = facts.entries.map((entry) => {
          const said = stated.get(entry.path);
          return said ? { path: entry.path, sha256: said.sha256, size: said.size_bytes } : entry;
        });
        return { ...facts, entries };
      },
    },
  ],
});
