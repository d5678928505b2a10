// Releases that a pinned key did not make, makes no more, or made for something else, and signed sidecars that somebody
// else could have put there.
import { createHash } from 'node:crypto';
import { chmod, link, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapacityOriginRequest } from '../../../capacity/origin/origin-look.ts';
import { signRelease, statementName } from '../../../capacity/origin/statement.ts';
import { sealEnvelope } from '../../../evidence/dsse.ts';
import { generateSigner, signerFromPem } from '../../../evidence/keys.ts';
import type { Drill } from '../../proof.ts';
import { giveAway, mkfifo, moveOut, strangers } from '../capacity-model/drill-files.ts';
import {
  digest,
  HOUR_MS,
  MODEL,
  movedBelow,
  otherDigest,
  type Released,
  released,
  releases,
  signedByBoth,
} from './origin-drill-site.ts';

const UNTRUSTED = 'origin.statement-untrusted';
const MALFORMED = 'origin.statement-malformed';
const IN_TOTO = 'application/vnd.in-toto+json';

const bothPinned = ({ signer, second }: Released): Partial<CapacityOriginRequest> => ({
  keys: [signer.vkey, second.vkey],
});

/** A drill in which the pinned key rightly signed what is no release: the right statement, changed as text. */
const missigned = (
  id: string,
  fault: string,
  change: (statement: string) => string,
  type = IN_TOTO,
): Drill<CapacityOriginRequest> =>
  released(id, fault, MALFORMED, async ({ statement, signer, release }) => {
    const { payload } = JSON.parse(signRelease(signer, release)) as { readonly payload: string };
    const text = change(Buffer.from(payload, 'base64').toString());
    await writeFile(statement, sealEnvelope(signer, type, Buffer.from(text)));
  });

/** A pin that is right in every way but for its key: the neutral element, under which one signature fits any message. */
function smallOrderPin(): string {
  const key = Buffer.concat([Uint8Array.of(0x01, 0x01), Buffer.alloc(31)]);
  const hash = createHash('sha256').update('small\n').update(key).digest('hex').slice(0, 8);
  return `small+${hash}+${key.toString('base64')}`;
}

const fileDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('statement-0666', 'everybody may write the signed sidecar', UNTRUSTED, ({ statement }) =>
    chmod(statement, 0o666),
  ),
  released('statement-symlink', 'the signed sidecar is a link outside', UNTRUSTED, ({ statement }) =>
    moveOut(statement, symlink),
  ),
  released('statement-hard-link', 'the signed sidecar has a name outside', UNTRUSTED, ({ statement }) =>
    moveOut(statement, link),
  ),
  released('statement-fifo', 'the signed sidecar is a FIFO', UNTRUSTED, ({ statement }) => mkfifo(statement)),
  released(
    'statement-foreign',
    'another user owns the signed sidecar',
    UNTRUSTED,
    ({ statement }) => giveAway(statement),
    () => strangers,
  ),
  released('root-0777', 'everybody may put an old release back', UNTRUSTED, ({ root }) => chmod(root, 0o777)),
  released(
    'directory-symlink',
    'a directory on the path is a link',
    UNTRUSTED,
    ({ root }) => symlink(root, join(root, 'link')),
    () => ({ model: `link/${MODEL}` }),
  ),
  released('dot-dot', 'the path leaves the root and comes back', UNTRUSTED, undefined, () => ({
    model: `../models/${MODEL}`,
  })),
  released('statement-missing', 'nobody signed the model', 'origin.statement-missing', ({ statement }) =>
    rm(statement),
  ),
  released(
    'not-a-directory',
    'a file stands where a directory should',
    'origin.statement-missing',
    undefined,
    () => ({ model: `${statementName(MODEL)}/${MODEL}` }),
  ),
];

const contentDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('statement-garbage', 'the signed sidecar is no envelope', MALFORMED, ({ statement }) =>
    writeFile(statement, '{"payload":1}'),
  ),
  released(
    'statement-twice',
    'two envelopes: readers differ on which counts',
    MALFORMED,
    ({ statement, signer, release }) => writeFile(statement, signRelease(signer, release).repeat(2)),
  ),
  missigned('statement-other', 'the key signed something else', () => '{}'),
  missigned('payload-type', 'the key signed it as something else', (right) => right, 'application/json'),
  missigned('predicate-type', 'the right digest, signed for how it was built', (right) =>
    right.replace('urn:agilab-guardrails:capacity-model-release:v1', 'https://slsa.dev/provenance/v1'),
  ),
  missigned('version-twice', 'two versions: readers differ on which counts', (right) =>
    right.replace('"version":7', '"version":8,"version":7'),
  ),
  missigned('version-2-53', 'a version that is read as its neighbour', (right) =>
    right.replace('"version":7', '"version":9007199254740993'),
  ),
];

const keyDrills: readonly Drill<CapacityOriginRequest>[] = [
  released(
    'key-revoked',
    'the key was stolen and revoked',
    'origin.key-revoked',
    undefined,
    ({ signer }) => ({ revoked: [signer.vkey] }),
  ),
  released(
    'key-renamed',
    'the stolen key, pinned again under another name',
    'origin.key-revoked',
    undefined,
    ({ signer }) => ({ revoked: [signerFromPem('stolen', signer.exportPem()).vkey] }),
  ),
  released(
    'key-also-revoked',
    'none: of two keys that signed, one was revoked',
    'allow',
    signedByBoth,
    (at) => ({
      ...bothPinned(at),
      revoked: [at.signer.vkey],
    }),
  ),
  released(
    'key-unknown',
    'a key signed that nobody pinned, under the name of one that is',
    'origin.not-signed',
    ({ statement, signer, release }) =>
      writeFile(statement, signRelease(generateSigner(signer.name), release)),
  ),
  released(
    'signature-moved',
    'a signature of the key over another release',
    'origin.not-signed',
    async ({ statement, signer, release }) => {
      const genuine = JSON.parse(signRelease(signer, release)) as Record<string, unknown>;
      const wanted = signRelease(generateSigner('thief'), { ...release, version: 8 });
      const { payload } = JSON.parse(wanted) as Record<string, unknown>;
      await writeFile(statement, JSON.stringify({ ...genuine, payload }));
    },
  ),
  released(
    'key-of-small-order',
    'a pinned key under which any signature holds',
    'guard.request-invalid',
    undefined,
    () => ({ keys: [smallOrderPin()] }),
  ),
];

const releaseDrills: readonly Drill<CapacityOriginRequest>[] = [
  released(
    'release-of-another',
    'the release of another model',
    'origin.other-model',
    releases({ digest: otherDigest }),
  ),
  released(
    'release-of-another-name',
    'the model under another name',
    'origin.other-model',
    releases({ model: 'a.pkl' }),
  ),
  released(
    'model-swapped',
    'the release is right, the model is not',
    'origin.other-model',
    undefined,
    () => ({
      digest: otherDigest,
    }),
  ),
  released(
    'model-revoked',
    'a released model turned out to be bad',
    'origin.model-revoked',
    undefined,
    () => ({
      revoked: [digest],
    }),
  ),
  released('expired', 'the release ended an hour ago', 'origin.expired', (at) =>
    releases({ expires: new Date(Date.now() - HOUR_MS).toISOString() })(at),
  ),
  released('expired-newest', 'the newest version there can be, but it has ended', 'origin.expired', (at) =>
    releases({
      version: Number.MAX_SAFE_INTEGER,
      expires: new Date(Date.now() - HOUR_MS).toISOString(),
    })(at),
  ),
];

export const statementDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('released', 'none: a first release by the pinned key', 'allow'),
  released('second-key', 'none: the second of two pinned keys signed it', 'allow', undefined, (at) => ({
    keys: [at.second.vkey, at.signer.vkey],
  })),
  released('both-keys', 'none: both pinned keys signed it', 'allow', signedByBoth, bothPinned),
  released('below', 'none: the model lies in a directory below the root', 'allow', movedBelow, () => ({
    model: `below/${MODEL}`,
  })),
  ...fileDrills,
  ...contentDrills,
  ...keyDrills,
  ...releaseDrills,
];
