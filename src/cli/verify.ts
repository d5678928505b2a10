// `guardrails verify`: is the journal whole, in order, signed by a key that we trust, and if not, from which line on? With a
// file: does this proof hold for a key that we trust?
import type { Command } from 'commander';
import { CodedError } from '../evidence/coded-error.ts';
import { verifyConsistency } from '../evidence/consistency.ts';
import { native } from '../evidence/native.ts';
import { verifyProof } from '../evidence/tlog-proof.ts';
import type { JournalVerdict } from '../evidence/verdict.ts';
import { startStatusLine } from './progress.ts';
import { lineOf } from './record-line.ts';
import { pinsOf, readInput, readVerdict, unrevoked, type VerdictOptions } from './state.ts';

interface VerifyOptions extends VerdictOptions {
  readonly json?: boolean;
  readonly live?: boolean;
}

const KEYS: Readonly<Record<JournalVerdict['key'], string>> = {
  pinned: 'a key that you trust',
  unpinned: 'no key that you trust',
  witnessed: 'a key that is revoked; what it sealed before was seen before',
  revoked: 'a key that is revoked',
  unsigned: 'nobody',
};

const STATES: Readonly<Record<JournalVerdict['state'], string>> = {
  sealed: 'sealed',
  live: 'live: the last lines are not sealed yet',
  adopted: 'intact, but nobody vouches for some of its lines',
  broken: 'not intact',
};

function describe({
  problems,
  state,
  key,
  history,
  size,
  origin,
  root,
  unsealed,
  clockBack,
}: JournalVerdict): string {
  return [
    ...problems.map(
      ({ code, line, message }) => `${code}: ${line === undefined ? '' : `line ${line} `}${message}`,
    ),
    `journal ${origin ?? '(unsigned)'}: ${size} lines, ${STATES[state]}, signed by ${KEYS[key]}`,
    ...(unsealed.open > 0
      ? [`the last ${unsealed.open} lines are not sealed: nobody vouches for who wrote them`]
      : []),
    ...(unsealed.adopted > 0
      ? [`${unsealed.adopted} lines were found unsealed after a crash: they count as unsigned`]
      : []),
    ...(clockBack.times > 0
      ? [
          `${clockBack.times} lines are dated before their predecessor, first line ${clockBack.line}: the clock was set back`,
        ]
      : []),
    `root ${root}, ${history}`,
    ...(key === 'unpinned'
      ? [
          'To trust its key, have its owner show it by another way (`guardrails keys show`), then name it with --pin; a key of this very machine, `guardrails keys pin` or `guardrails keys init`.',
        ]
      : []),
    ...(key === 'revoked' || (key === 'witnessed' && unsealed.open > 0)
      ? [
          'What that key seals counts for nothing any more: the machine that has it makes another one (`guardrails keys rotate`), which is trusted as the first one was.',
        ]
      : []),
    ...problems
      .map(({ code }) => code)
      .filter((code, at, all) => all.indexOf(code) === at)
      .map((code) => `What to do: guardrails explain ${code}`),
  ].join('\n');
}

async function verifyOwnJournal(options: VerifyOptions): Promise<void> {
  const line = startStatusLine();
  const onProgress = (lines: number): void => line.show(`${lines} lines read`);
  const verdict = await readVerdict(options, { keepLines: false, onProgress }).finally(line.clear);
  const { lines: _none, ...summary } = verdict;
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : `${describe(verdict)}\n`);
  process.exitCode = verdict.ok || (options.live === true && verdict.state === 'live') ? 0 : 1;
}

async function verifyFile(path: string, options: VerifyOptions): Promise<void> {
  const text = (await readInput(path)).toString('utf8');
  const pins = unrevoked(await pinsOf(options));
  try {
    if (text.startsWith('old ')) {
      if (options.previous === undefined) {
        const remedy = 'Pass --previous FILE, the checkpoint that you kept.';
        throw new CodedError('usage', 'a consistency proof is held against an earlier checkpoint', remedy);
      }
      const earlier = (await readInput(options.previous)).toString('utf8');
      const vkeys = pins.map(({ vkey }) => vkey);
      const { origin, size } = verifyConsistency(earlier, text, vkeys, native).claimed;
      const said = options.json
        ? JSON.stringify({ ok: true, origin, size })
        : `journal ${origin}: ${size} lines, extends`;
      process.stdout.write(`${said}\n`);
      return;
    }
    const { record, checkpoint, key } = verifyProof(text, pins, native);
    const { origin } = checkpoint.claimed;
    const said = { ok: true, origin, signer: key.vkey, record };
    process.stdout.write(
      options.json ? `${JSON.stringify(said)}\n` : `${lineOf(record)}\nin journal ${origin}, proven\n`,
    );
  } catch (error) {
    if (!(error instanceof CodedError) || !/^(?:proof|consistency|checkpoint)\./.test(error.code))
      throw error;
    const { code, message, remedy } = error;
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ ok: false, code, message, remedy })}\n`
        : `${code}: ${message}. ${remedy}\n`,
    );
    process.exitCode = 1;
  }
}

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('verify the journal, naming the first bad line; or a proof made by `guardrails prove`')
    .argument('[proof]', 'file with the proof of a record, or of consistency with --previous')
    .option('--live', 'exit 0 also while the last lines of a running writer are not sealed yet')
    .option('--pin <vkey...>', 'trust these keys only, instead of the pins of this machine')
    .option('--previous <file>', 'earlier checkpoint of this journal: catches rollback')
    .option('--json', 'print one line of JSON instead of text')
    .action((proof: string | undefined, _options, command: Command) => {
      const options = command.optsWithGlobals<VerifyOptions>();
      return proof === undefined ? verifyOwnJournal(options) : verifyFile(proof, options);
    });
}
