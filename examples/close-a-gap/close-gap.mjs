// Closes the gap about tenants by drills, then opens it again by a leak. Usage: close-gap.mjs STATE (a directory to make)
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimsOf, drillGuards, proofs } from 'agilab-guardrails/drills';
import {
  codeIdentity,
  loadPins,
  openState,
  processIdentity,
  readJournal,
  verifyJournal,
} from 'agilab-guardrails/evidence';
import { parseRegister, ROWS, scoreOf, writeClaims } from 'agilab-guardrails/scorecard';
import { apart, tenantsProof } from './tenants-proof.mjs';

const [dir = '.close-a-gap'] = process.argv.slice(2);
const GAP = 'tenant-isolation';

/** The evidence for each requirement of the gap, in the order of the register. */
const EVIDENCE = ['other-workspace', 'other-artifact', 'other-cache'].map((id) => `drill:acme/tenants/${id}`);

const own = await readFile(new URL('../../data/hardening-gaps.json', import.meta.url));

/** The register of this deployment: the package's, where the gap has this status and names these drills. */
function registerWith(status) {
  const register = JSON.parse(own.toString('utf8'));
  for (const gap of register.gaps) {
    if (gap.id !== GAP) continue;
    Object.assign(gap, { status, owner: 'the platform team' });
    for (const [n, required] of gap.evidence_required.entries()) required.evidence = [EVIDENCE[n]];
  }
  return Buffer.from(`${JSON.stringify(register, null, 2)}\n`);
}

/** Drills the deployment's guard and the guard of registers, with every mutant. */
async function drill(place) {
  const journal = await openState({ dir });
  const registers = proofs.filter(({ guard }) => guard.id === 'gap-register');
  await drillGuards([...registers, tenantsProof(place)], journal, { mutants: true });
  await journal.close();
}

const claims = claimsOf([...proofs, tenantsProof(apart)], ROWS);

/** Prints how the gap counts now. */
async function show(what, register) {
  const { host, machine, boot } = processIdentity();
  const { codeDigest } = codeIdentity();
  const monotonic = Number(process.hrtime.bigint() / 1_000n);
  const verdict = await verifyJournal(await readJournal(join(dir, 'journal')), { pins: await loadPins(dir) });
  const score = scoreOf({
    verdict,
    claims,
    register: parseRegister(register),
    ownRegister: parseRegister(own),
    context: { host, machine, boot, codeDigest, now: Date.now(), monotonic },
  });
  const gap = score.register.gaps.find(({ id }) => id === GAP);
  process.stdout.write(`${what}: ${gap?.counted}, costs ${gap?.penalty} (${gap?.why})\n`);
}

await drill(apart);
await show('as registered', own);
await show('shipped, with drills', registerWith('shipped'));

// What `guardrails --dir STATE scorecard --claims STATE/claims.json --register STATE/gaps.json` reads.
await writeFile(join(dir, 'claims.json'), writeClaims(claims));
await writeFile(join(dir, 'gaps.json'), registerWith('shipped'));

// Somebody saves space: one cache for everybody.
await drill((tenant, folder, name) =>
  folder === 'cache' ? `red/cache/${name}` : apart(tenant, folder, name),
);
await show('one cache for all', registerWith('shipped'));
await show('conditional again', registerWith('conditional'));
