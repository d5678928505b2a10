// Looks that are broken on purpose, each as somebody in a hurry might have written it. Some drill must notice every one.
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type CapacityOriginRequest,
  observeCounters,
  observeOrigin,
} from '../../../capacity/origin/origin-look.ts';
import { parseVerifierKey } from '../../../evidence/keys.ts';
import type { BrokenLook } from '../../proof.ts';

export const originBrokenLooks: readonly BrokenLook<CapacityOriginRequest>[] = [
  {
    // Resolves the path first, as most loaders do, and then checks what it came to.
    id: 'look.resolves-links',
    noticedBy: 'directory-symlink',
    async observe(request, signal) {
      const folder = await realpath(join(request.root, dirname(request.model)));
      return observeOrigin({ ...request, root: folder, model: basename(request.model) }, signal);
    },
  },
  {
    id: 'look.ignores-revocation',
    noticedBy: 'key-revoked',
    observe: (request, signal) => observeOrigin({ ...request, revoked: undefined }, signal),
  },
  {
    // Takes a signature for that of a pinned key without asking whether it holds.
    id: 'look.believes-any-signature',
    noticedBy: 'key-unknown',
    observe(request, signal) {
      const pins = request.keys.map((key) => ({ ...parseVerifierKey(key), verify: () => true }));
      return observeOrigin(request, signal, pins);
    },
  },
  {
    id: 'look.forgets-the-counters',
    noticedBy: 'state-0777',
    observe: async (request, signal) => ({ ...(await observeOrigin(request, signal)), counters: [] }),
  },
  {
    id: 'look.asks-one-counter',
    noticedBy: 'rolled-back-second',
    async observe(request, signal) {
      const facts = await observeOrigin(request, signal);
      return { ...facts, counters: facts.counters.slice(0, 1) };
    },
  },
  {
    // Counts for each path by itself, so that an old release only has to be moved.
    id: 'look.counts-by-path',
    noticedBy: 'rolled-back-elsewhere',
    async observe(request, signal) {
      const facts = await observeOrigin(request, signal);
      return { ...facts, counters: await observeCounters(request, facts.signers, request.model, signal) };
    },
  },
];
