// Releases that a pinned key did not make, makes no more, or made too long ago. The model itself plays no part: it is
// intact and sealed in each of these states, and a bare digest would accept every one.
import { createHash } from 'node:crypto';
import { chmod, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealEnvelope } from '../../evidence/dsse.ts';
import { generateSigner, type NoteSigner, signerFromPem } from '../../evidence/keys.ts';
import type { Drill } from '../../guards/guard.ts';
import type { CapacityOriginRequest } from './origin-look.ts';
import { counterName } from './release-counter.ts';
import { type Release, signRelease, statementName } from './statement.ts';

/** What a drill finds laid out: a signed release in `directory/models`, and a place to count in `directory/state`. */
interface Released {
  readonly root: string;
  readonly statement: string;
  /** Directory of the release counters. */
  readonly state: string;
  /** The release counter of `signer`. */
  readonly counter: string;
  readonly signer: NoteSigner;
  readonly release: Release;
}

const MODEL = 'balancer_model.pkl';
const HOUR_MS = 3_600_000;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const digest = sha256('the model');
const otherDigest = sha256('another model');

/** A drill that lays out a released model, then lets `spoil` do its worst. */
function released(
  id: string,
  fault: string,
  expects: string,
  spoil: (released: Released) => Promise<unknown> = async () => {},
  ask: (released: Released) => Partial<CapacityOriginRequest> = () => ({}),
): Drill<CapacityOriginRequest> {
  return {
    id,
    fault,
    expects,
    async build(site) {
      // The temporary directory may itself be a link, as on macOS, and links are refused.
      const directory = await realpath(site.directory);
      const root = join(directory, 'models');
      const state = join(directory, 'state');
      for (const folder of [root, state]) await mkdir(folder, { mode: 0o700 });
      const signer = generateSigner('drill');
      const at: Released = {
        root,
        state,
        signer,
        statement: join(root, statementName(MODEL)),
        counter: join(state, counterName(signer.vkey, MODEL)),
        release: { model: MODEL, digest, version: 7, expires: new Date(Date.now() + HOUR_MS).toISOString() },
      };
      await writeFile(at.statement, signRelease(signer, at.release), { mode: 0o600 });
      await spoil(at);
      return { root, model: MODEL, digest, keys: [signer.vkey], state, ...ask(at) };
    },
  };
}

/** Signs another release than the one laid out. */
const releases =
  (change: Partial<Release>) =>
  ({ statement, signer, release }: Released): Promise<void> =>
    writeFile(statement, signRelease(signer, { ...release, ...change }));

const counts =
  (lines: string) =>
  ({ counter }: Released): Promise<void> =>
    writeFile(counter, lines, { mode: 0o600 });

/** A pin that is right in every way but for its key: the neutral element, under which one signature fits any message. */
function smallOrderPin(): string {
  const key = Buffer.concat([Uint8Array.of(0x01, 0x01), Buffer.alloc(31)]);
  const hash = createHash('sha256').update('small\n').update(key).digest('hex').slice(0, 8);
  return `small+${hash}+${key.toString('base64')}`;
}

export const originDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('released', 'none: a first release by the pinned key', 'allow'),
  released('released-before', 'none: the release that was used before', 'allow', counts(`7 ${digest}\n`)),
  released('released-newer', 'none: newer than all before', 'allow', counts(`6 ${otherDigest}\n`)),
  released(
    'second-key',
    'none: the second of two pinned keys signed it',
    'allow',
    undefined,
    ({ signer }) => ({ keys: [generateSigner('first').vkey, signer.vkey] }),
  ),

  released('statement-0666', 'everybody may write the signed sidecar', 'origin.statement-untrusted', (at) =>
    chmod(at.statement, 0o666),
  ),
  released('statement-missing', 'nobody signed the model', 'origin.statement-missing', (at) =>
    rm(at.statement),
  ),
  released('statement-garbage', 'the signed sidecar is no envelope', 'origin.statement-malformed', (at) =>
    writeFile(at.statement, '{"payload":1}'),
  ),
  released('statement-other', 'the key signed something else', 'origin.statement-malformed', (at) =>
    writeFile(at.statement, sealEnvelope(at.signer, 'application/vnd.in-toto+json', Buffer.from('{}'))),
  ),
  released(
    'statement-twice',
    'two envelopes: readers differ on which counts',
    'origin.statement-malformed',
    (at) => writeFile(at.statement, signRelease(at.signer, at.release).repeat(2)),
  ),
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
    'key-unknown',
    'a key signed that nobody pinned, under the name of one that is',
    'origin.not-signed',
    (at) => writeFile(at.statement, signRelease(generateSigner(at.signer.name), at.release)),
  ),
  released(
    'signature-moved',
    'a signature of the key over another release',
    'origin.not-signed',
    async (at) => {
      const genuine = JSON.parse(signRelease(at.signer, at.release)) as Record<string, unknown>;
      const wanted = signRelease(generateSigner('thief'), { ...at.release, version: 8 });
      const { payload } = JSON.parse(wanted) as Record<string, unknown>;
      await writeFile(at.statement, JSON.stringify({ ...genuine, payload }));
    },
  ),
  released(
    'key-of-small-order',
    'a pinned key under which any signature holds',
    'guard.request-invalid',
    undefined,
    () => ({
      keys: [smallOrderPin()],
    }),
  ),
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
  released(
    'state-inside-root',
    'whoever writes models also writes the counters',
    'origin.state-inside-root',
    ({ root }) => mkdir(join(root, 'state'), { mode: 0o700 }),
    ({ root }) => ({ state: join(root, 'state') }),
  ),
  released('state-0777', 'everybody may delete the counters', 'origin.state-untrusted', ({ state }) =>
    chmod(state, 0o777),
  ),
  released('state-missing', 'there is nowhere to count', 'origin.state-untrusted', ({ state }) =>
    rm(state, { recursive: true }),
  ),
  released(
    'state-torn',
    'the last step was not written to its end',
    'origin.state-malformed',
    counts(`7 ${digest}\n8 0a`),
  ),
  released(
    'rolled-back',
    'an older release, rightly signed',
    'origin.rolled-back',
    counts(`6 ${digest}\n8 ${otherDigest}\n7 ${digest}\n`),
  ),
  released(
    'version-reused',
    'two models under one version',
    'origin.rolled-back',
    counts(`7 ${otherDigest}\n`),
  ),
];
