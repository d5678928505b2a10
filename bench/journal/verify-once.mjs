// Verifies the journal of a state directory once, in a process that does nothing else, and prints what it took as JSON:
// microseconds of CPU and wall time, the largest resident size in MB, and the longest turn of the event loop in milliseconds
// of CPU, which other work on the machine does not lengthen.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPins } from '../../dist/evidence/key-store.js';
import { verifyDirectory } from '../../dist/evidence/verify-native.js';

const [, , dir = ''] = process.argv;
/** Milliseconds that this thread has run (proc(5), schedstat). */
const ran = () => Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
const pins = await loadPins(dir);
const before = process.cpuUsage();
const started = performance.now();
let [longest, last] = [0, ran()];
const watch = setInterval(() => {
  const now = ran();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);
const { ok, size } = await verifyDirectory(join(dir, 'journal'), { pins, keepLines: false });
clearInterval(watch);
const { user, system } = process.cpuUsage(before);
const wall = (performance.now() - started) * 1_000;
const resident = process.resourceUsage().maxRSS / 1_024;
console.log(JSON.stringify({ ok, size, cpu: user + system, wall, resident, longest }));
