// What a drill builds is the same on every day: a date in it would make its digest another one from midnight on, and the
// score would fall with nothing changed. Only the clock of this process is moved.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { proofs } from '../../src/proof/catalogue.ts';
import { drillGuard } from '../../src/proof/drill.ts';
import { parseClaims } from '../../src/scorecard/claims.ts';
import { memoryJournal } from '../memory-journal.ts';

const claims = parseClaims(readFileSync('data/claims.json'));
const DAY_MS = 86_400_000;

afterEach(() => void vi.useRealTimers());

// Those whose states hold a moment. Front, hosts and processes are judged by other clocks, too.
it.each(['journal', 'supply-chain', 'capacity-origin', 'npm-provenance', 'proof-capsule'])(
  '%s is drilled on the claimed states in 400 days',
  { timeout: 180_000 },
  async (id) => {
    const proof = proofs.find(({ guard }) => guard.id === id);
    const claimed = claims.claims.find(({ guard }) => guard === id)?.drills ?? [];
    if (!proof) throw new Error(`${id} has no drills`);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400 * DAY_MS });
    const results = await drillGuard(proof, memoryJournal(), { timeoutMs: 60_000 });
    const built = results.flatMap(({ drill, fixture }) => (fixture === undefined ? [] : [[drill, fixture]]));
    expect(built.length).toBeGreaterThan(0);
    const states = new Map(claimed.map((one) => [one.id, one.fixture]));
    expect(built).toEqual(built.map(([drill = '']) => [drill, states.get(drill)]));
  },
);
