// `guardrails keys`: the signing key of this machine, and the keys that it trusts.
import type { Command } from 'commander';
import { CodedError } from '../evidence/coded-error.ts';
import { makeHostCa } from '../evidence/countersign.ts';
import { loadPins, loadSigner, savePins } from '../evidence/key-store.ts';
import { parseNoteKey } from '../evidence/note-key.ts';
import type { Pin } from '../evidence/pin.ts';
import { rotateKey } from '../evidence/rotate-key.ts';
import { makeSigner } from '../evidence/state.ts';
import { hostInName, type StateOptions } from './state.ts';

interface PinOptions extends StateOptions {
  readonly host?: string;
  readonly machine?: string;
  readonly from?: string;
  readonly until?: string;
}

interface RevokeOptions extends StateOptions {
  readonly at?: string;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Returns a time as it is kept: RFC 3339, UTC. */
function timeOf(text: string): string {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new CodedError('usage', 'a time cannot be read', 'Write it as 2030-01-31T12:00:00Z.');
}

async function pin(vkey: string, { dir, host, machine, from, until }: PinOptions): Promise<void> {
  parseNoteKey(vkey);
  const added: Pin = {
    vkey,
    host: host ?? hostInName(vkey),
    ...(machine === undefined ? {} : { machine }),
    ...(from === undefined ? {} : { notBefore: timeOf(from) }),
    ...(until === undefined ? {} : { notAfter: timeOf(until) }),
  };
  const pins = await loadPins(dir);
  if (pins.some((each) => each.vkey === vkey)) {
    throw new CodedError('keys.pinned', 'this key is pinned already', 'Look into pins.json.');
  }
  await savePins(dir, [...pins, added]);
}

async function revoke(vkey: string, { dir, at }: RevokeOptions): Promise<void> {
  const revoked = timeOf(at ?? new Date().toISOString());
  const pins = await loadPins(dir);
  if (!pins.some((each) => each.vkey === vkey)) {
    const remedy = 'Pass a verifier key as it stands in pins.json.';
    throw new CodedError('keys.unknown', 'no such key is pinned, so none is believed either', remedy);
  }
  await savePins(
    dir,
    pins.map((each) => (each.vkey === vkey ? { ...each, revoked } : each)),
  );
}

export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('the signing key of this machine and the keys it trusts');
  keys
    .command('init')
    .description('make a signing key and pin it for this machine; prints the verifier key')
    .action(async (_options, command: Command) => {
      print((await makeSigner(command.optsWithGlobals<StateOptions>())).vkey);
    });
  keys
    .command('show')
    .description('print the verifier key, for --pin on another machine')
    .action(async (_options, command: Command) => {
      print((await loadSigner(command.optsWithGlobals<StateOptions>().dir)).vkey);
    });
  keys
    .command('host-ca')
    .description('make an RSA authority of this machine, for --countersign; prints its certificate')
    .action(async (_options, command: Command) => {
      process.stdout.write(await makeHostCa(command.optsWithGlobals<StateOptions>().dir));
    });
  keys
    .command('rotate')
    .description('hand the journal over to a new key, signed by both; prints the new verifier key')
    .action(async (_options, command: Command) => {
      print((await rotateKey(command.optsWithGlobals<StateOptions>())).vkey);
    });
  keys
    .command('pin')
    .description(
      'trust a key of another machine, or of a witness, after its owner has shown it by another way',
    )
    .argument('<vkey>', 'verifier key, as `keys show` prints it there')
    .option('--host <name>', 'name of that machine (default: the one in the key)')
    .option('--machine <id>', 'its machine id, as its run records say')
    .option('--from <time>', 'first time at which the key is good')
    .option('--until <time>', 'time from which on it is good no more')
    .action((vkey: string, _options, command: Command) => pin(vkey, command.optsWithGlobals<PinOptions>()));
  keys
    .command('revoke')
    .description('believe no more what a pinned key alone signed, but for what was seen before that time')
    .argument('<vkey>', 'verifier key, as it is pinned')
    .option('--at <time>', 'from when on (default: now)')
    .action((vkey: string, _options, command: Command) =>
      revoke(vkey, command.optsWithGlobals<RevokeOptions>()),
    );
}
