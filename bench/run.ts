// `npm run bench`: every claim about speed, each beside its peer in the same run, as a ratio. What runs is the built
// package, as users have it: what tsx makes of the sources for a test is slower.
import { decodeBench } from './decode.ts';
import { loadBench } from './load.ts';
import { predictBench } from './predict.ts';
import { quoteBench } from './quote.ts';
import { sshBench } from './ssh.ts';

await quoteBench();
await loadBench();
await decodeBench();
await predictBench();
await sshBench();
