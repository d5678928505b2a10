// Run by pickle-flood.test.ts in a process of its own: inspects one file and prints how it ended, and how many times
// the size of the file the process grew.
import { readFileSync } from 'node:fs';
import { inspectPickle } from '../../dist/capacity/forest/inspect.js';

const [, , file = ''] = process.argv;
const bytes = readFileSync(file);
const before = process.resourceUsage().maxRSS;
const code = inspectPickle(bytes).refusals.at(-1)?.code ?? 'accepted';
const kibibytes = process.resourceUsage().maxRSS - before;
console.log(JSON.stringify({ code, times: (1024 * kibibytes) / bytes.length }));
