// `guardrails gate`: go or no-go for a profile of AGILAB, with each reason, remedy and record.
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { replaceFile } from '../evidence/files.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { securityCheck, sharedGoGate } from '../gate/agilab-reports.ts';
import { askGate, type GateResult } from '../gate/gate.ts';
import { gateRequest } from '../gate/gate-request.ts';
import { PROFILES, type Profile } from '../gate/profiles.ts';
import { toAgilabJson } from '../scorecard/report.ts';
import { interruption } from './signals.ts';
import { openState, parseInput, type StateOptions } from './state.ts';

interface GateOptions extends StateOptions {
  readonly profile: Profile;
  readonly envFile?: string;
  readonly requests?: string;
  readonly output?: string;
  readonly json?: true;
}

const requestsFile = z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), z.looseObject({}));

function tell({ profile, decision, checks }: GateResult): void {
  for (const { id, status, reason, remedy, codes, evidence } of checks) {
    const why = codes.length > 0 ? `${codes.join(', ')}: ${reason}` : reason;
    process.stdout.write(`  ${status.padEnd(9)} ${id}: ${why}${remedy && `. ${remedy}`}\n`);
    for (const record of evidence) process.stdout.write(`            record ${record}\n`);
  }
  process.stdout.write(`${decision}: ${profile}\n`);
}

async function gate({
  profile,
  envFile,
  requests: file,
  output,
  json,
  ...state
}: GateOptions): Promise<void> {
  const given =
    file === undefined
      ? {}
      : await parseInput(file, (bytes) =>
          requestsFile.parse(parseStrictJson(bytes, { maxBytes: 1_048_576, fractionAt: () => true, file })),
        );
  const place = { home: homedir(), cwd: process.cwd(), envFile, environment: process.env };
  const { request, settingsFile } = await gateRequest(profile, place, given);
  const journal = await openState(state);
  let result: GateResult;
  try {
    result = await askGate(request, { journal, signal: interruption });
  } finally {
    await journal.close();
  }
  const time = new Date();
  const reports = {
    'security-check.json': securityCheck(result, settingsFile, time),
    'shared-go-gate.json': sharedGoGate(result, time),
  };
  if (output !== undefined) {
    await mkdir(output, { recursive: true });
    for (const [name, report] of Object.entries(reports))
      await replaceFile(join(output, name), toAgilabJson(report));
  }
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else tell(result);
  process.exitCode = result.decision === 'go' ? 0 : 1;
}

export function registerGate(program: Command): void {
  program
    .command('gate')
    .description('go (exit 0) or no-go (exit 1) for a profile, each reason with its remedy and record')
    .addOption(
      new Option('--profile <profile>', 'what is to be used').choices(PROFILES).makeOptionMandatory(),
    )
    .option(
      '-e, --env-file <file>',
      "AGILAB's environment file (default ~/.agilab/.env, if it is there); -e behind npx, where Node 20 runs NODE_OPTIONS of a file that the long name names",
    )
    .option('--requests <file>', 'requests to guards, a JSON object by their ids')
    .option('--output <dir>', 'write security-check.json and shared-go-gate.json for AGILAB there')
    .option('--json', 'print the answer as one line of JSON')
    .action((_options, command: Command) => gate(command.optsWithGlobals<GateOptions>()));
}
