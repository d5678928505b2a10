// `guardrails verify`: is the journal whole, in order, signed by a key that we trust, and if not, from which line on?
import type { Command } from 'commander';
import type { JournalVerdict } from '../evidence/verify.ts';
import { readVerdict, type VerdictOptions } from './state.ts';

interface VerifyOptions extends VerdictOptions {
  readonly json?: boolean;
}

function stateOf({ problems, key }: JournalVerdict): string {
  if (problems.length > 0) return 'not intact';
  return key === 'pinned' ? 'intact' : `intact, but ${key}: nobody you trust vouches for it`;
}

async function verify(options: VerifyOptions): Promise<void> {
  const verdict = await readVerdict(options);
  const { lines: _records, ...summary } = verdict;
  const { problems, history, size, origin, root, unsealed } = verdict;
  const text = [
    ...problems.map(
      ({ code, line, message }) => `${code}: ${line === undefined ? '' : `line ${line} `}${message}`,
    ),
    `journal ${origin ?? '(unsigned)'}: ${size} lines, ${stateOf(verdict)}`,
    ...(unsealed.open > 0
      ? [`the last ${unsealed.open} lines are not sealed: nobody vouches for who wrote them`]
      : []),
    ...(unsealed.adopted > 0
      ? [`${unsealed.adopted} lines were found unsealed after a crash: they count as unsigned`]
      : []),
    `root ${root}, ${history}`,
  ];
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : `${text.join('\n')}\n`);
  process.exitCode = verdict.ok ? 0 : 1;
}

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('verify the journal; names the first bad line')
    .option('--pin <vkey...>', 'trust these keys only, instead of the pins of this host')
    .option('--previous <file>', 'earlier checkpoint of this journal: catches rollback')
    .option('--json', 'print one line of JSON instead of text')
    .action((_options, command: Command) => verify(command.optsWithGlobals<VerifyOptions>()));
}
