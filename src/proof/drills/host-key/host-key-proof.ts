// The host-key guard, its drills, and looks that judge a key in one respect too kindly.
import { hostKey, observeWith, strict } from '../../../ssh/host-key/host-key.ts';
import { decideHostKey } from '../../../ssh/host-key/known-hosts.ts';
import { knownHostsName } from '../../../ssh/host-key/known-hosts-match.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { hostKeyDrills } from './host-key-drills.ts';

export const hostKeyProof: Proof = defineHouseProof({
  guard: hostKey,
  excused: {
    'verdict.by': 'which line of which file said so',
    'dial.key.certificate': 'a certificate is judged by its plain key',
  },
  drills: hostKeyDrills,
  brokenLooks: [
    { id: 'look.ignores-port', observe: observeWith({ ...strict, nameOf: ({ host }) => host }) },
    {
      id: 'look.ignores-alias',
      noticedBy: 'known-by-alias',
      observe: observeWith({ ...strict, nameOf: ({ host, port }) => knownHostsName(host, port) }),
    },
    {
      id: 'look.compares-type-only',
      noticedBy: 'known-among-others',
      observe: observeWith({
        ...strict,
        decide: (key, named) =>
          decideHostKey(
            key,
            named.map((entry) => (entry.type === key.type ? { ...entry, blob: key.blob } : entry)),
          ),
      }),
    },
    {
      id: 'look.ignores-revocation',
      noticedBy: 'revoked',
      observe: observeWith({
        ...strict,
        decide: (key, named) =>
          decideHostKey(
            key,
            named.filter(({ marker }) => marker !== 'revoked'),
          ),
      }),
    },
    { id: 'look.revokes-under-one-name', observe: observeWith({ ...strict, othersOf: () => [] }) },
    {
      id: 'look.skips-what-it-cannot-read',
      noticedBy: 'revocation-unclear',
      observe: observeWith({
        ...strict,
        decide: (key, named) =>
          decideHostKey(
            key,
            named.filter(({ marker }) => marker !== 'unclear'),
          ),
      }),
    },
  ],
});
