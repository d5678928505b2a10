// quote() beside the npm peers, on one word at a time. Who is correct is found out first, by a real /bin/sh in the
// same run; a peer that changes a word is shown as such and gets no ratio.
import { spawnSync } from 'node:child_process';
import anyShellEscape from 'any-shell-escape';
import { quote as shellQuote } from 'shell-quote';
import { Shescape } from 'shescape';
import { quote as shlexQuote } from 'shlex';
import { quote } from '../dist/ssh/quote.js';

interface Peer {
  readonly name: string;
  quote(word: string): string;
}

const shescape = new Shescape({ shell: '/bin/sh', flagProtection: false });
const OURS: Peer = { name: 'quote (ours)', quote };
const PEERS: readonly Peer[] = [
  OURS,
  { name: 'shell-quote', quote: (word) => shellQuote([word]) },
  { name: 'shlex', quote: shlexQuote },
  { name: 'any-shell-escape', quote: anyShellEscape },
  { name: 'shescape.quote', quote: (word) => shescape.quote(word) },
];

const filled = (text: string): string => text.repeat(65_536 / text.length + 1).slice(0, 65_536);
const INPUTS: readonly { readonly name: string; readonly word: string; readonly calls: number }[] = [
  { name: 'plain path', word: '/home/user/wenv/flight_worker/project.toml', calls: 20_000 },
  { name: 'hostile path', word: `/srv/it's "x" $(id) \`id\` \\ !! *\nnl; é`, calls: 20_000 },
  { name: '64 KiB plain', word: filled('64 KiB of text, with "quotes" and $dollars. '), calls: 40 },
  { name: "64 KiB with '", word: filled(`It's 64 KiB of text, with "quotes" and $dollars. `), calls: 40 },
];

// One of each kind that quoting styles get wrong, controls included.
const PROOF: readonly string[] = [
  ...Array.from(`'"\\$\`!;&|<>(){}[]*?~#=%^-+@:, \n\t\r\b\u001b\u007f\u009b\u3000é`),
  ...`| ''| \\\\|~/x|$HOME|$(id)|\`id\`|[a]|{a,b}|!!|#a|-n|=ls|A=B|%s|語;id|a'b!|''''`.split('|'),
  ...INPUTS.map(({ word }) => word),
];

/** Returns how many words of the proof come out of /bin/sh changed. */
function wrongWords(peer: Peer): number {
  return PROOF.filter((word) => {
    const argument = peer.quote(word);
    const { stdout } = spawnSync('/bin/sh', ['-c', `/usr/bin/printf '%s\\0' ${argument}`]);
    return stdout.toString() !== `${word}\0`;
  }).length;
}

interface Timing {
  readonly min: number;
  readonly median: number;
}

/** Nanoseconds per call for each peer. Rounds are interleaved, so that a noisy moment hits all of them. */
function time(peers: readonly Peer[], word: string, calls: number): readonly Timing[] {
  const rounds = peers.map((): number[] => []);
  for (let round = 0; round < 25; round += 1) {
    for (const [index, peer] of peers.entries()) {
      let sum = 0;
      const start = process.hrtime.bigint();
      for (let call = 0; call < calls; call += 1) {
        // Reading in the middle makes the engine build the string; it would otherwise put that off.
        const quoted = peer.quote(word);
        sum += quoted.charCodeAt(quoted.length >> 1);
      }
      const elapsed = Number(process.hrtime.bigint() - start) / calls;
      // The first rounds warm the compiler up.
      if (round >= 4 && sum > 0) rounds[index]?.push(elapsed);
    }
  }
  return rounds.map((samples) => {
    const sorted = samples.sort((a, b) => a - b);
    return { min: sorted[0] ?? Number.NaN, median: sorted[sorted.length >> 1] ?? Number.NaN };
  });
}

/** Prints each peer's correctness, then its time per word as a ratio to ours. */
export async function quoteBench(): Promise<void> {
  console.log(`quote: words that /bin/sh gives back changed, of ${PROOF.length}`);
  const correct = PEERS.filter((peer) => {
    const wrong = wrongWords(peer);
    console.log(`  ${peer.name.padEnd(16)} ${wrong}${wrong > 0 ? '  (no ratio)' : ''}`);
    return wrong === 0;
  });
  console.log('quote: ns per word, min / median of 21 interleaved rounds, and the median as a ratio to ours');
  for (const { name, word, calls } of INPUTS) {
    const timings = time(correct, word, calls);
    const ours = timings[correct.indexOf(OURS)];
    if (!ours) throw new Error('our own quoting came out changed');
    for (const [index, { min, median }] of timings.entries()) {
      const figures = `${min.toFixed(0).padStart(9)} / ${median.toFixed(0).padStart(9)}`;
      const ratio = (median / ours.median).toFixed(2);
      console.log(`  ${name.padEnd(16)} ${(correct[index]?.name ?? '').padEnd(16)} ${figures}   x${ratio}`);
    }
  }
  // Twice the input must not cost much more than twice the time, also where every character needs work. The minimum is
  // what the work costs; the rest is the machine.
  const growth = ["'".repeat(65_536), "'".repeat(131_072)].map((word) => time([OURS], word, 10)[0]?.min ?? 0);
  console.log(
    `  growth from 64 to 128 KiB of single quotes: x${((growth[1] ?? 0) / (growth[0] ?? 1)).toFixed(2)}`,
  );
}
