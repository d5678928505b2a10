// Where the drills about origin take place: a signed release and a place to count, for each drill to spoil. The model
// itself plays no part: it would be intact and sealed in each of these states, and a bare digest would accept every one.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapacityOriginRequest } from '../../../capacity/origin/origin-look.ts';
import { counterName } from '../../../capacity/origin/release-counter.ts';
import { type Release, signRelease, statementName } from '../../../capacity/origin/statement.ts';
import { generateSigner, type NoteSigner } from '../../../evidence/keys.ts';
import { sha256Hex } from '../../../evidence/sha256.ts';
import type { Drill } from '../../proof.ts';
import { VKEY } from '../../random.ts';
import { trustedDirectory } from '../../trusted-directory.ts';

/** What a drill finds laid out: a signed release in `directory/models`, and a place to count in `directory/state`. */
export interface Released {
  readonly root: string;
  /** The signed sidecar. */
  readonly statement: string;
  /** Directory of the release counters. */
  readonly state: string;
  /** The one pinned key, unless the drill asks for others. */
  readonly signer: NoteSigner;
  /** Another key, for the drill to pin or not. */
  readonly second: NoteSigner;
  readonly release: Release;
}

export const MODEL = 'balancer_model.pkl';
export const HOUR_MS = 3_600_000;
export const digest: string = sha256Hex('the model');
export const otherDigest: string = sha256Hex('another model');

/** A drill that lays out a released model, then lets `spoil` do its worst. */
export function released(
  id: string,
  fault: string,
  expects: string,
  spoil: (at: Released) => Promise<unknown> = async () => {},
  ask: (at: Released) => Partial<CapacityOriginRequest> = () => ({}),
): Drill<CapacityOriginRequest> {
  return {
    id,
    fault,
    expects,
    async build(site) {
      // The temporary directory may itself be a link, as on macOS, and links are refused.
      const directory = await trustedDirectory(site);
      site.random('KEY', VKEY);
      site.random('COUNTER', /[0-9a-f]{32}(?=\.releases)/g);
      site.unread(/\.intoto\.jsonl$|(?:^|\/)outside$/);
      const root = join(directory, 'models');
      const state = join(directory, 'state');
      for (const folder of [root, state]) await mkdir(folder, { mode: 0o700 });
      const signer = generateSigner('drill');
      const at: Released = {
        root,
        state,
        signer,
        second: generateSigner('second'),
        statement: join(root, statementName(MODEL)),
        release: { model: MODEL, digest, version: 7, expires: new Date(Date.now() + HOUR_MS).toISOString() },
      };
      await writeFile(at.statement, signRelease(signer, at.release), { mode: 0o600 });
      await spoil(at);
      return { root, model: MODEL, digest, keys: [signer.vkey], state, ...ask(at) };
    },
  };
}

/** Signs another release than the one laid out. */
export const releases =
  (change: Partial<Release>) =>
  ({ statement, signer, release }: Released): Promise<void> =>
    writeFile(statement, signRelease(signer, { ...release, ...change }));

/** The release counter of a key. */
export const counterOf = ({ state, signer }: Released, key: NoteSigner = signer, model = MODEL): string =>
  join(state, counterName(key.vkey, model));

/** Writes the lines of the counter. */
export const counts =
  (lines: string) =>
  (at: Released): Promise<void> =>
    writeFile(counterOf(at), lines, { mode: 0o600 });

/** Lets the second key sign the release as well. */
export async function signedByBoth({ statement, signer, second, release }: Released): Promise<void> {
  const [first, other] = [signer, second].map(
    (key) => JSON.parse(signRelease(key, release)) as { readonly signatures: readonly unknown[] },
  );
  const signatures = [...(first?.signatures ?? []), ...(other?.signatures ?? [])];
  await writeFile(statement, JSON.stringify({ ...first, signatures }));
}

/** Moves the signed sidecar into a directory of its own, `below`. */
export async function movedBelow({ root, statement }: Released): Promise<void> {
  await mkdir(join(root, 'below'), { mode: 0o700 });
  await rename(statement, join(root, 'below', statementName(MODEL)));
}
