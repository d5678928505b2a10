// Run by pickle-flood.test.ts in a process of its own: inspects one file and prints how it ended, and by how many bytes
// the process grew.
import { readFileSync } from 'node:fs';
import { inspectPickle } from '../../dist/capacity/forest/inspect.js';

const [, , file = ''] = process.argv;
const bytes = readFileSync(file);
const before = process.resourceUsage().maxRSS;
const code = inspectPickle(bytes).refusals.at(-1)?.code ?? 'accepted';
console.log(JSON.stringify({ code, grown: 1024 * (process.resourceUsage().maxRSS - before) }));
