// No swap, however timed, makes the guard hand out another model than the sealed one; the same swaps confuse a loader
// that looks by path more than once. RACE_ATTEMPTS=100000 makes it a long run and prints the counts.
import { describe, expect, it } from 'vitest';
import { ATTACKS, agilabSteps, guarded, race } from './race.ts';

const attempts = Number(process.env['RACE_ATTEMPTS'] ?? 1_500);
const long = attempts > 10_000;

describe.each(ATTACKS)('%s swap', (attack) => {
  it(`never confuses the guard (${attempts} attempts)`, { timeout: 1_800_000 }, async () => {
    // The race must be a real one: some loads get through.
    const result = await race(attack, guarded, (now) => now.attempts >= attempts && now.accepted > 0);
    if (long) console.log(attack, 'guard', result);
    expect(result.confused).toBe(0);
  });

  it('confuses the steps of AGILAB, which look by path again and again', { timeout: 600_000 }, async () => {
    const result = await race(attack, agilabSteps, (now) =>
      long ? now.attempts >= 10_000 : now.confused > 0,
    );
    if (long) console.log(attack, 'AGILAB', result);
    expect(result.confused).toBeGreaterThan(0);
  });
});
