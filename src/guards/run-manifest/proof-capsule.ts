// Guards AGILAB's proof capsules (`.agipack`, `agilab.proof_capsule.v1`): a ZIP that holds exactly the entries that its manifest lists, with
// their bytes, about a run that passed; and that somebody vouches for whom the caller names. Who signed is the key and nothing else.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { native } from '../../evidence/native.ts';
import { sha256Hex } from '../../evidence/sha256.ts';
import { parseStrictJson, StrictJsonError } from '../../evidence/strict-json.ts';
import { distrust } from '../../files/rules.ts';
import { type FileFacts, observeFile } from '../../files/walk.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { type RunManifest, runManifestFormat } from './run-manifest-format.ts';
import { suspicionsOf } from './suspicions.ts';
import { readZip, ZipError, type ZipMember } from './zip.ts';

export interface ProofCapsuleRequest {
  /** Absolute path of a directory that this process trusts. */
  readonly root: string;
  /** The capsule, relative to `root`. */
  readonly capsule: string;
  /**
   * Who vouches for it: the SHA-256 of the file, from where nobody else can write; or an Ed25519 key, 32 bytes in base64, and its
   * signature over `agilab.proof_capsule_signature.v1`, a line feed, `sha256:`, that digest and a line feed.
   */
  readonly anchor: { readonly sha256: string } | { readonly publicKey: string; readonly signature: string };
  /** SHA-256 of strings that look like secrets and are known to be none. */
  readonly acknowledged?: readonly string[] | undefined;
}

const base64 = (bytes: number) =>
  z.base64().refine((text) => {
    const decoded = Buffer.from(text, 'base64');
    return decoded.length === bytes && decoded.toString('base64') === text;
  });
const proofCapsuleRequest: z.ZodType<ProofCapsuleRequest> = z.strictObject({
  root: path,
  capsule: path,
  anchor: z.union([
    z.strictObject({ sha256: hex64 }),
    z.strictObject({ publicKey: base64(32), signature: base64(64) }),
  ]),
  acknowledged: z.array(hex64).max(1_024).optional(),
});

const MANIFEST = 'agipack-manifest.json';
const PACK = 'agilab_proof_pack.json';
const SNAPSHOT = 'run_manifest.snapshot.json';
const MAX_CAPSULE_BYTES = 16 * 1_048_576;
const LIMITS = { maxMembers: 256, maxBytes: 32 * 1_048_576 };

/** A relative path without anything that a reader may resolve otherwise. */
const entryPath = z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.{0,2}(?:\/|$))[\w./@+-]{1,255}$/);
const size = z.int().min(0);
const text = z.string().max(4_096);
const source = z.strictObject({ path: text, sha256: hex64 });
const names = z.record(text, text);
const capsuleManifest = z.strictObject({
  schema: z.literal('agilab.proof_capsule.v1'),
  created_at: text,
  format: z.literal('zip'),
  // A capsule cannot vouch for itself: its signature lies beside it, and whose it must be is the caller's to say.
  signed: z.boolean(),
  signature: z.unknown(),
  integrity: z.literal('sha256-per-entry'),
  run_id: text,
  path_id: text,
  status: text,
  root: z.literal(PACK),
  source_manifest: source,
  standards: names,
  cards: names,
  entry_count: size,
  entries: z
    .array(z.strictObject({ path: entryPath, sha256: hex64, size_bytes: size }))
    .max(LIMITS.maxMembers),
  limitations: z.array(text).max(64),
});
const proofPack = z.strictObject({
  schema: z.literal('agilab.proof_pack.v1'),
  run_id: text,
  path_id: text,
  status: text,
  source_manifest: source,
  output_dir: text,
  files: z
    .array(z.strictObject({ name: text, path: entryPath, sha256: hex64, size_bytes: size }))
    .max(LIMITS.maxMembers),
  standards: names,
  cards: names,
});
const currentRun = runManifestFormat.refine(
  ({ kind, schema_version: version }) => kind === 'agilab.run_manifest' && version === 1,
);
type CapsuleManifest = z.output<typeof capsuleManifest>;
type ProofPack = z.output<typeof proofPack>;

/** A member with its digest, without its bytes. */
interface Entry {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

export interface ProofCapsuleFacts {
  readonly file: Omit<FileFacts, 'bytes'>;
  /** The anchor holds for these bytes. */
  readonly vouched: boolean;
  /** Why the archive was not read. */
  readonly archive: string | undefined;
  readonly entries: readonly Entry[];
  readonly manifest: CapsuleManifest | undefined;
  readonly pack: ProofPack | undefined;
  readonly run: RunManifest | undefined;
  /** What looks like a secret in the manifest of the run, and was not acknowledged: the name of its shape. */
  readonly secret: string | undefined;
}

function parse<Value>(schema: z.ZodType<Value>, bytes: Buffer | undefined): Value | undefined {
  try {
    const json = parseStrictJson(bytes ?? '', { maxBytes: MAX_CAPSULE_BYTES, fractionAt: () => true });
    return schema.safeParse(json).data;
  } catch (error) {
    if (error instanceof StrictJsonError) return undefined;
    throw error;
  }
}

function isVouched(bytes: Buffer, anchor: ProofCapsuleRequest['anchor']): boolean {
  const found = sha256Hex(bytes);
  if ('sha256' in anchor) return anchor.sha256 === found;
  const statement = Buffer.from(`agilab.proof_capsule_signature.v1\nsha256:${found}\n`);
  const [key, signature] = [anchor.publicKey, anchor.signature].map((part) => Buffer.from(part, 'base64'));
  return key !== undefined && signature !== undefined && native.verifyEd25519(key, statement, signature);
}

/** Looks at the capsule once. */
export async function observeCapsule(
  { root, capsule, anchor, acknowledged = [] }: ProofCapsuleRequest,
  signal: AbortSignal,
): Promise<ProofCapsuleFacts> {
  const { bytes, ...file } = await observeFile(root, capsule, { maxBytes: MAX_CAPSULE_BYTES, signal });
  let members: readonly ZipMember[] = [];
  let archive: string | undefined;
  try {
    members = bytes ? readZip(bytes, LIMITS) : [];
  } catch (error) {
    if (!(error instanceof ZipError)) throw error;
    archive = error.message;
  }
  const at = (name: string): Buffer | undefined => members.find((member) => member.name === name)?.bytes;
  const run = parse(currentRun, at(SNAPSHOT));
  const open = run && suspicionsOf(run).find((found) => !acknowledged.includes(found.sha256));
  return {
    file,
    vouched: bytes !== undefined && isVouched(bytes, anchor),
    archive,
    entries: members.map(({ name, bytes: content }) => ({
      path: name,
      sha256: sha256Hex(content),
      size: content.length,
    })),
    manifest: parse(capsuleManifest, at(MANIFEST)),
    pack: parse(proofPack, at(PACK)),
    run,
    secret: open?.pattern,
  };
}

const PACK_AGAIN = 'Write the capsule again from the run: agilab prove.';

/** Whether a list names exactly these entries, each with its size and digest. */
function lists(
  listed: readonly { readonly path: string; readonly sha256: string; readonly size_bytes: number }[],
  entries: readonly Entry[],
): boolean {
  const stated = new Map(listed.map((entry) => [entry.path, entry]));
  return (
    stated.size === listed.length &&
    listed.length === entries.length &&
    entries.every(({ path: name, sha256: found, size: length }) => {
      const entry = stated.get(name);
      return entry?.sha256 === found && entry.size_bytes === length;
    })
  );
}

/** A rule about what the capsule holds. One that could not be read is refused by the rules before. */
const holds = (
  code: string,
  remedy: string,
  wrong: (read: {
    manifest: CapsuleManifest;
    pack: ProofPack;
    run: RunManifest;
    facts: ProofCapsuleFacts;
  }) => string | false,
): Rule<ProofCapsuleFacts> => ({
  code,
  remedy,
  refuses: (facts) => {
    const { manifest, pack, run } = facts;
    return (
      manifest !== undefined &&
      pack !== undefined &&
      run !== undefined &&
      wrong({ manifest, pack, run, facts })
    );
  },
});

const rules: readonly Rule<ProofCapsuleFacts>[] = [
  {
    code: 'proof-capsule.untrusted',
    remedy:
      'Keep the capsule as a regular file without links, writable by this user and root only, below a root that is.',
    refuses: ({ file }) => distrust(file),
  },
  {
    code: 'proof-capsule.not-vouched',
    remedy:
      'Ask whoever made the capsule for its digest or signature, by a way that the capsule did not take.',
    refuses: ({ file: { file }, vouched }) =>
      file !== undefined && !vouched && 'neither is it the pinned file, nor did the named key sign it',
  },
  {
    code: 'proof-capsule.archive',
    remedy: PACK_AGAIN,
    refuses: ({ archive }) =>
      archive !== undefined && `the archive has more than one reading, or none: ${archive}`,
  },
  {
    code: 'proof-capsule.malformed',
    remedy: PACK_AGAIN,
    refuses: ({ archive, manifest, pack, run }) =>
      archive === undefined &&
      !(manifest && pack && run) &&
      `${manifest ? (pack ? 'the manifest of the run' : 'the proof pack') : 'the manifest of the capsule'} is missing or departs from its format`,
  },
  holds(
    'proof-capsule.entries',
    PACK_AGAIN,
    ({ manifest, facts }) =>
      !(
        manifest.entry_count === manifest.entries.length &&
        lists(
          manifest.entries,
          facts.entries.filter((entry) => entry.path !== MANIFEST),
        )
      ) && 'the capsule holds something else than its manifest lists',
  ),
  holds(
    'proof-capsule.pack',
    PACK_AGAIN,
    ({ pack, facts }) =>
      !lists(
        pack.files,
        facts.entries.filter((entry) => entry.path !== MANIFEST && entry.path !== PACK),
      ) && 'the proof pack lists something else than the capsule holds',
  ),
  holds('proof-capsule.another-run', PACK_AGAIN, ({ manifest, pack, run, facts }) => {
    const snapshot = facts.entries.find((entry) => entry.path === SNAPSHOT)?.sha256;
    const isOne = [manifest, pack].every(
      (part) =>
        part.run_id === run.run_id &&
        part.path_id === run.path_id &&
        part.source_manifest.sha256 === snapshot,
    );
    return !isOne && 'manifest, proof pack and run are not about one run';
  }),
  holds(
    'proof-capsule.not-passed',
    'Run it again; a capsule is not edited into passing.',
    ({ manifest, pack, run }) => {
      const passed = [manifest, pack, run, ...run.validations].every(({ status }) => status === 'pass');
      if (!passed || run.validations.length === 0)
        return 'the run, or something that vouches for it, did not pass';
      const { started_at: start, finished_at: end } = run.timing;
      if (Date.parse(end) < Date.parse(start)) return 'the run finished before it started';
      return !run.command.argv[0]?.trim() && 'the command that was run is not named';
    },
  ),
  {
    code: 'proof-capsule.secret',
    remedy:
      'Replace the secret, which counts as leaked, and pack again; or acknowledge the SHA-256 of the string, if it is none.',
    refuses: ({ secret }) =>
      secret !== undefined && `the manifest of the run holds what looks like a secret (${secret})`,
  },
];

/** A capsule that may be believed as far as whoever is named by the anchor. */
export interface VerifiedCapsule {
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly run: RunManifest;
  /** Every entry by its path, with its SHA-256. */
  readonly entries: Readonly<Record<string, string>>;
}

/** Grants a {@link VerifiedCapsule}: what it holds is what it lists, and the anchor vouches for it. */
export const proofCapsule: Guard<ProofCapsuleRequest, VerifiedCapsule> = defineHouseGuard({
  id: 'proof-capsule',
  dimension: 'architecture_runtime_guardrails',
  request: proofCapsuleRequest,
  observe: observeCapsule,
  rules,
  grant: ({ file: { digest: found }, run, entries }) => {
    if (found === undefined || !run) throw new TypeError('a grant needs a capsule');
    return deepFreeze({
      digest: found,
      run: structuredClone(run),
      entries: Object.fromEntries(entries.map((entry) => [entry.path, entry.sha256])),
    });
  },
  subject: ({ file: { digest: found } }) =>
    found === undefined ? { kind: 'proof-capsule' } : { kind: 'proof-capsule', digest: `sha256:${found}` },
  method: ({ file }) => file.method,
});
