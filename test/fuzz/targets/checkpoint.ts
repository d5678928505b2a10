// The reader of checkpoints beside the note package of the Go checksum database: ours takes what Go takes, if it is a
// checkpoint and has no second spelling.
import { parseCheckpoint, signCheckpoint, signedBy } from '../../../src/evidence/checkpoint.ts';
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { generateSigner } from '../../../src/evidence/keys.ts';
import { native } from '../../../src/evidence/native.ts';
import { goOracle, withoutGo } from '../../evidence/go-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const signer = generateSigner('agilab-guardrails/fuzz');
const head = { origin: 'agilab-guardrails/fuzz/1', size: 4_711, root: new Uint8Array(32).fill(7) };
const note = signCheckpoint(head, signer);
const [unsigned = ''] = note.split('\n\n');
const resigned = (text: string): string =>
  `${text}\n\u2014 ${signer.name} ${Buffer.concat([Buffer.from(signer.hash, 'hex'), signer.sign(Buffer.from(text))]).toString('base64')}\n`;

let ask: ReturnType<typeof goOracle> | undefined;
function oracle(): ReturnType<typeof goOracle> {
  ask ??= goOracle();
  return ask;
}

function ours(text: string): boolean {
  try {
    return signedBy(parseCheckpoint(text), [signer], native) !== undefined;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

const canonical = (base64: string): boolean => Buffer.from(base64, 'base64').toString('base64') === base64;

/** Whether a note that Go opened is a checkpoint (c2sp.org/tlog-checkpoint), each value in its one spelling. */
function isCheckpoint(text: string): boolean {
  const split = text.lastIndexOf('\n\n');
  const [body, signatures] = [text.slice(0, split), text.slice(split + 2)];
  const [origin = '', size = '', root = '', ...more] = body.split('\n');
  const lines = signatures.trimEnd().split('\n');
  return (
    origin !== '' &&
    /^(0|[1-9]\d{0,14})$/.test(size) &&
    canonical(root) &&
    Buffer.from(root, 'base64').length === 32 &&
    !more.includes('') &&
    lines.every((line) => canonical(line.split(' ').at(-1) ?? ''))
  );
}

export const target = {
  name: 'checkpoint',
  oracle: 'golang.org/x/mod/sumdb/note',
  unavailable: withoutGo(),
  seeds: [
    note,
    `${note + (signCheckpoint(head, generateSigner('other')).split('\n').at(-2) ?? '')}\n`,
    resigned(`${unsigned}\nan extension line\n`),
    resigned(`${unsigned.replace('4711', '04711')}\n`),
    resigned('origin\n1\nAA==\n'),
  ].map(bytesOf),
  words: [
    '\n',
    '\n\n',
    '\u2014 ',
    ' ',
    '+',
    '=',
    'A',
    '0',
    '-1',
    '4711',
    '\r',
    '\t',
    '\u0085',
    '\u2028',
    '\ufeff',
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const valid = Buffer.from(text).equals(Buffer.from(bytes));
    const [answer] = oracle()([{ Ask: 'open', Note: text, Key: signer.vkey }]);
    const theirs = valid && answer?.ok === true && isCheckpoint(text);
    const mine = ours(text);
    if (mine && answer?.ok !== true) throw new Error('accepts a note that Go refuses');
    // Long origins and more than a hundred signatures are bounds of ours.
    if (!mine && theirs && text.length < 4_096 && (text.split('\n')[0] ?? '').length <= 300)
      throw new Error('refuses a checkpoint that Go opens');
  },
} satisfies FuzzTarget;
