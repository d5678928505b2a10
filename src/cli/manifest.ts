// `guardrails manifest`: seal a run where it was made, and ask later whether it may be believed.
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { loadSigner } from '../evidence/key-store.ts';
import { runManifest } from '../guards/run-manifest/run-manifest.ts';
import { sealRun } from '../guards/run-manifest/seal.ts';
import { enforce } from '../kernel/enforce.ts';
import { evidenceIdOf } from '../kernel/grants.ts';
import { GuardRefusal } from '../kernel/refusal.ts';
import { toAgilabJson } from '../scorecard/report.ts';
import { evidenceVerification, type Judged } from './evidence-verification.ts';
import { several } from './option-values.ts';
import { openState, type StateOptions } from './state.ts';

interface SealOptions extends StateOptions {
  readonly manifest: string;
  readonly sign?: boolean;
}

interface VerifyOptions extends StateOptions {
  readonly manifest: string;
  readonly key?: readonly string[];
  readonly acknowledge?: readonly string[];
  readonly format?: 'agilab';
}

async function seal(directory: string, { manifest, sign, dir }: SealOptions): Promise<void> {
  const signer = sign === true ? await loadSigner(dir) : undefined;
  const sealed = await sealRun({ root: resolve(directory), manifest, signer });
  // To the person who seals and to nobody else: of a short secret, the digest gives the secret away.
  for (const { pattern, sha256 } of sealed.suspicions)
    process.stderr.write(
      `guardrails: the manifest holds what looks like a secret (${pattern}); redact it, or pass --acknowledge ${sha256}\n`,
    );
  process.stdout.write(`${sealed.digest}  ${sealed.seal.files.length} files sealed\n`);
}

async function verify(directory: string, options: VerifyOptions): Promise<void> {
  const { manifest, key: keys, acknowledge: acknowledged } = options;
  const request = {
    root: resolve(directory),
    manifest,
    ...(keys ? { keys } : {}),
    ...(acknowledged ? { acknowledged } : {}),
  };
  const journal = await openState(options);
  let answer: Omit<Judged, 'path'>;
  try {
    const granted = await enforce(runManifest, request, { journal });
    answer = { granted, codes: [], reason: '', remedy: '', evidence: evidenceIdOf(granted) };
  } catch (error) {
    if (!(error instanceof GuardRefusal)) throw error;
    const { codes, reason, remedy, evidenceId } = error;
    answer = { granted: undefined, codes, reason, remedy, evidence: evidenceId };
  } finally {
    await journal.close();
  }
  const { granted, codes, reason, remedy } = answer;
  let holds = granted !== undefined;
  if (options.format === 'agilab') {
    const verification = evidenceVerification({ ...answer, path: join(request.root, manifest) });
    process.stdout.write(toAgilabJson(verification.report));
    holds = verification.holds;
  } else if (granted) {
    const by = granted.signers.length > 0 ? ', signed' : '';
    process.stdout.write(
      `${granted.digest}  run and ${Object.keys(granted.files).length} files proven${by}\n`,
    );
  } else process.stderr.write(`guardrails: ${codes.join(', ')}: ${reason}. ${remedy}\n`);
  if (!holds) process.exitCode = 1;
}

export function registerManifest(program: Command): void {
  const manifest = program.command('manifest').description('the manifest of a run: seal, verify');
  const withDirectory = (name: string, description: string): Command =>
    manifest
      .command(name)
      .description(description)
      .argument('<dir>', 'directory of the run, by its real path')
      .option('--manifest <name>', 'the manifest, in it', 'run_manifest.json');
  withDirectory('seal', 'write the digests of the manifest and of everything below it beside it')
    .option('--sign', "sign the seal with this host's key")
    .action((directory: string, _options, command: Command) =>
      seal(directory, command.optsWithGlobals<SealOptions>()),
    );
  withDirectory('verify', 'ask the guard whether the run may be believed')
    .option('--key <key>', 'pinned verifier key that must have signed (repeatable)', several)
    .addOption(new Option('--format <format>', 'print agilab.evidence_verification.v1').choices(['agilab']))
    .option('--acknowledge <sha256>', 'a string that looks like a secret and is none (repeatable)', several)
    .action((directory: string, _options, command: Command) =>
      verify(directory, command.optsWithGlobals<VerifyOptions>()),
    );
}
