// `guardrails keys`: the signing key of this machine, and the keys that it trusts.
import type { Command } from 'commander';
import { sameBytes } from '../evidence/bytes.ts';
import { CodedError } from '../evidence/coded-error.ts';
import { makeHostCa } from '../evidence/countersign.ts';
import { makeDirectory } from '../evidence/files.ts';
import { changePins, loadPins, loadSigner } from '../evidence/key-store.ts';
import { parseNoteKey } from '../evidence/note-key.ts';
import { type Pin, validityOf } from '../evidence/pin.ts';
import { rotateKey } from '../evidence/rotate-key.ts';
import { makeSigner } from '../evidence/state.ts';
import { handPin, type StateOptions } from './state.ts';
import { timeOf } from './time.ts';

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

/** A pin that ends earlier. Trust is taken away by the same word that gives it, and never prolonged. */
function endedBy(known: Pin, end: number): Pin {
  const [begin, until] = validityOf(known);
  if (begin < end && end < until) return { ...known, notAfter: new Date(end).toISOString() };
  const remedy = 'The end of a key is moved to an earlier time, after it began, and to no later one.';
  throw new CodedError('keys.pinned', 'this key is pinned already, and ends before', remedy);
}

async function pin(vkey: string, { dir, host, machine, from, until }: PinOptions): Promise<void> {
  const { publicKey } = parseNoteKey(vkey);
  const added: Pin = {
    ...(host === undefined ? handPin(vkey) : { vkey, host }),
    ...(machine === undefined ? {} : { machine }),
    ...(from === undefined ? {} : { notBefore: timeOf(from) }),
    ...(until === undefined ? {} : { notAfter: timeOf(until) }),
  };
  const [begin, end] = validityOf(added);
  if (begin >= end)
    throw new CodedError('usage', 'the key would never be good', 'Let --until be later than --from.');
  await makeDirectory(dir);
  await changePins(dir, (pins) => {
    const known = pins.find((each) => sameBytes(parseNoteKey(each.vkey).publicKey, publicKey));
    if (known === undefined) return [...pins, added];
    const isSame = known.vkey === vkey && [undefined, known.host].includes(host) && machine === undefined;
    if (isSame && from === undefined && until !== undefined && known.revoked === undefined)
      return pins.map((each) => (each === known ? endedBy(known, end) : each));
    const remedy =
      known.revoked === undefined
        ? 'To end it, pass --until, and no other time; else look into pins.json.'
        : 'Do not trust it: ask its owner for another one.';
    const how = known.revoked === undefined ? '' : ', and revoked';
    const name = known.vkey === vkey ? '' : ' under another name';
    throw new CodedError('keys.pinned', `this key is pinned already${name}${how}`, remedy);
  });
}

async function revoke(vkey: string, { dir, at }: RevokeOptions): Promise<void> {
  const revoked = timeOf(at ?? new Date().toISOString());
  const unknown = (): CodedError => {
    const remedy = 'Pass a verifier key as it stands in pins.json.';
    return new CodedError('keys.unknown', 'no such key is pinned, so none is believed either', remedy);
  };
  if ((await loadPins(dir)).length === 0) throw unknown(); // makes no directory for nothing
  await changePins(dir, (pins) => {
    const known = pins.find((each) => each.vkey === vkey);
    if (known === undefined) throw unknown();
    if (known.revoked !== undefined && Date.parse(known.revoked) <= Date.parse(revoked)) {
      const remedy =
        'A revocation is moved to an earlier time, and to no later one: pin another key instead.';
      throw new CodedError('keys.revoked', 'this key is revoked already, from an earlier time on', remedy);
    }
    return pins.map((each) => (each.vkey === vkey ? { ...each, revoked } : each));
  });
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
      'trust a key of another machine, for proofs, or of a witness, after its owner has shown it by another way',
    )
    .argument('<vkey>', 'verifier key, as `keys show` prints it there')
    .option('--host <name>', 'name of that machine (default: the one in the key)')
    .option('--machine <id>', 'its machine id, as its run records say')
    .option('--from <time>', 'first time at which the key is good')
    .option('--until <time>', 'time from which on it is good no more; ends a key that is pinned already')
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
