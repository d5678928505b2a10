// Verifies the journal of a state directory once and scores what it proves, in a process that does nothing else, and prints
// what both took as JSON: microseconds of CPU and wall time, and the largest resident size in MB.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeIdentity, processIdentity } from '../../dist/evidence/identity.js';
import { loadPins } from '../../dist/evidence/key-store.js';
import { verifyDirectory } from '../../dist/evidence/verify-native.js';
import { parseClaims } from '../../dist/scorecard/claims.js';
import { SCORED } from '../../dist/scorecard/look.js';
import { parseRegister } from '../../dist/scorecard/register.js';
import { scoreOf } from '../../dist/scorecard/score.js';

const [, , dir = ''] = process.argv;
const data = (name) => readFileSync(new URL(`../../data/${name}`, import.meta.url));
const pins = await loadPins(dir);
const before = process.cpuUsage();
const started = performance.now();
const verdict = await verifyDirectory(join(dir, 'journal'), { pins, keepLines: SCORED });
const { host, machine, boot } = processIdentity();
const { milli } = scoreOf({
  verdict,
  claims: parseClaims(data('claims.json')),
  register: parseRegister(data('hardening-gaps.json')),
  context: {
    host,
    machine,
    boot,
    codeDigest: codeIdentity().codeDigest,
    now: Date.now(),
    monotonic: Number(process.hrtime.bigint() / 1_000n),
  },
});
const { user, system } = process.cpuUsage(before);
const wall = (performance.now() - started) * 1_000;
const resident = process.resourceUsage().maxRSS / 1_024;
const { ok, size } = verdict;
console.log(JSON.stringify({ ok, size, milli, cpu: user + system, wall, resident }));
