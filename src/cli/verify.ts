// `guardrails verify`: is the journal whole, in order, signed by a key that we trust, and if not, from which line on?
import type { Command } from 'commander';
import { readVerdict, type VerdictOptions } from './state.ts';

interface VerifyOptions extends VerdictOptions {
  readonly json?: boolean;
}

async function verify(options: VerifyOptions): Promise<void> {
  const { lines, ...verdict } = await readVerdict(options);
  const { ok, problems, key, history, size, origin, root } = verdict;
  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ ...verdict, sealed: lines.filter(({ sealed }) => sealed).length })}\n`,
    );
  else {
    const found = problems.map(
      ({ code, line, message }) => `${code}: ${line === undefined ? '' : `line ${line} `}${message}`,
    );
    const state =
      problems.length > 0
        ? 'not intact'
        : key === 'pinned'
          ? 'intact'
          : `intact, but ${key}: nobody you trust vouches for it`;
    process.stdout.write(
      `${[...found, `journal ${origin ?? '(unsigned)'}: ${size} lines, ${state}`, `root ${root}, ${history}`].join('\n')}\n`,
    );
  }
  process.exitCode = ok ? 0 : 1;
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
