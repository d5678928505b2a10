// Releases that are too old, and counters that somebody else could have set back. Every release here is rightly signed by
// a pinned key.
import { chmod, link, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapacityOriginRequest } from '../../../capacity/origin/origin-look.ts';
import { generateSigner, signerFromPem } from '../../../evidence/keys.ts';
import type { Drill } from '../../proof.ts';
import { mkfifo, moveOut } from '../capacity-model/drill-files.ts';
import {
  counterOf,
  counts,
  digest,
  MODEL,
  movedBelow,
  otherDigest,
  type Released,
  released,
  signedByBoth,
} from './origin-drill-site.ts';

const UNTRUSTED = 'origin.state-untrusted';
const MALFORMED = 'origin.state-malformed';
const ROLLED_BACK = 'origin.rolled-back';

/** Lines that this release may follow: a counter that is sound but for what the drill does to it. */
const BEFORE = `6 ${otherDigest}\n`;
const AHEAD = `8 ${otherDigest}\n`;

/** A drill that puts something else under the name of a sound counter. */
const spoiled = (
  id: string,
  fault: string,
  spoil: (counter: string) => Promise<unknown>,
): Drill<CapacityOriginRequest> =>
  released(id, fault, UNTRUSTED, async (at) => {
    await counts(BEFORE)(at);
    await spoil(counterOf(at));
  });

const inside = ({ state }: Released): string => join(state, 'inside');

const stateDrills: readonly Drill<CapacityOriginRequest>[] = [
  released(
    'state-inside-root',
    'whoever writes models also writes the counters',
    'origin.state-inside-root',
    ({ root }) => mkdir(join(root, 'state'), { mode: 0o700 }),
    ({ root }) => ({ state: join(root, 'state') }),
  ),
  released(
    'state-is-root',
    'the counters lie among the models',
    'origin.state-inside-root',
    undefined,
    (at) => ({
      state: at.root,
    }),
  ),
  released('state-0777', 'everybody may delete the counters', UNTRUSTED, ({ state }) => chmod(state, 0o777)),
  released(
    'state-ancestor-0777',
    'everybody may replace the directory of the counters',
    UNTRUSTED,
    async (at) => {
      await mkdir(inside(at), { mode: 0o700 });
      await chmod(at.state, 0o777);
    },
    (at) => ({ state: inside(at) }),
  ),
  released('state-symlink', 'the directory of the counters is a link', UNTRUSTED, async ({ state }) => {
    await rename(state, `${state}-elsewhere`);
    await symlink(`${state}-elsewhere`, state);
  }),
  released('state-missing', 'there is nowhere to count', UNTRUSTED, ({ state }) =>
    rm(state, { recursive: true }),
  ),
  released('state-file', 'a file stands where the counters should be', UNTRUSTED, async ({ state }) => {
    await rm(state, { recursive: true });
    await writeFile(state, BEFORE, { mode: 0o600 });
  }),
  spoiled('counter-0666', 'everybody may write the counter', (counter) => chmod(counter, 0o666)),
  spoiled('counter-symlink', 'the counter is a link to a file outside', (counter) =>
    moveOut(counter, symlink),
  ),
  spoiled('counter-hard-link', 'the counter has another name outside', (counter) => moveOut(counter, link)),
  spoiled('counter-fifo', 'the counter is a FIFO, to hang whoever counts', mkfifo),
];

const contentDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('state-torn', 'the last step was not written to its end', MALFORMED, counts(`7 ${digest}\n8 0a`)),
  released(
    'counter-2-53',
    'a version that is read as its neighbour',
    MALFORMED,
    counts(`9007199254740993 ${digest}\n`),
  ),
];

const rollbackDrills: readonly Drill<CapacityOriginRequest>[] = [
  released(
    'rolled-back',
    'an older release, rightly signed',
    ROLLED_BACK,
    counts(`6 ${digest}\n8 ${otherDigest}\n7 ${digest}\n`),
  ),
  released(
    'rolled-back-elsewhere',
    'an older release in another directory, for a count of its own',
    ROLLED_BACK,
    async (at) => {
      await movedBelow(at);
      await counts(AHEAD)(at);
    },
    () => ({ model: `below/${MODEL}` }),
  ),
  released(
    'rolled-back-renamed',
    'an older release, its key pinned under another name for a count of its own',
    ROLLED_BACK,
    counts(AHEAD),
    ({ signer }) => ({ keys: [signerFromPem('renamed', signer.exportPem()).vkey] }),
  ),
  released(
    'rolled-back-second',
    'an older release by two keys, and only the second has come further',
    ROLLED_BACK,
    async (at) => {
      await signedByBoth(at);
      await writeFile(counterOf(at, at.second), AHEAD, { mode: 0o600 });
    },
    ({ signer, second }) => ({ keys: [signer.vkey, second.vkey] }),
  ),
  released('version-reused', 'two models under one version', ROLLED_BACK, counts(`7 ${otherDigest}\n`)),
];

export const counterDrills: readonly Drill<CapacityOriginRequest>[] = [
  released('released-before', 'none: the release that was used before', 'allow', counts(`7 ${digest}\n`)),
  released('released-newer', 'none: newer than all before', 'allow', counts(BEFORE)),
  released('other-counters', 'none: another key and another model have come further', 'allow', async (at) => {
    for (const counter of [counterOf(at, generateSigner('drill')), counterOf(at, at.signer, 'another.pkl')]) {
      await writeFile(counter, AHEAD, { mode: 0o600 });
    }
  }),
  ...stateDrills,
  ...contentDrills,
  ...rollbackDrills,
];
