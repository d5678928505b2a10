// Every way in which a piece of a remote command can be unfit, in one table: what is wrong with it, and what the
// operator does next. Each has the code `ssh.<kind>` when a fragment is parsed alone, and `command.<kind>` as a rule
// of the remote-command guard.
import { CodedError } from '../../evidence/coded-error.ts';

interface Fault {
  /** Completes the sentence "the worker path ...". */
  readonly says: string;
  readonly remedy: string;
}

const PROGRAM = 'Name the program by its plain name or its absolute path.';
const PATH = 'Give an absolute path, or one under the home directory as ~/rest, without `..`.';
const ENDPOINT = 'Write it as tcp://host:port, tls://host:port or ucx://host:port.';

/** Kind of fault to what it means, in the order in which the guard asks. */
export const FAULTS = {
  nul: {
    says: 'holds a NUL, which ends a word or vanishes, depending on the shell',
    remedy: 'Remove the NUL; no argument, path or variable of a process can hold one.',
  },
  'lone-surrogate': {
    says: 'holds half of a surrogate pair, which has no UTF-8 form',
    remedy: 'Send well-formed Unicode text.',
  },
  'option-like-program': {
    says: 'starts with "-", "+", "%" or "~", which a shell reads as options, a job or a home',
    remedy: PROGRAM,
  },
  'assignment-like-program': {
    says: 'holds "=", which env(1) and wrappers like it read as an assignment',
    remedy: PROGRAM,
  },
  'shell-builtin': {
    says: 'is interpreted by the shell itself, so its arguments would be read a second time',
    remedy: 'Name a program; use its absolute path when it only shares the name.',
  },
  'environment-name': {
    says: 'is not a variable name',
    remedy: 'Use letters, digits and "_", not starting with a digit.',
  },
  'reserved-variable': {
    says: 'steers the shell or the loader itself, so that its value could become code',
    remedy: 'Leave it out; directories for PATH go into pathPrepend.',
  },
  'dotenv-value': {
    says: 'holds a quote, a backslash, a control character or "${", which readers of such files disagree about',
    remedy: 'Use a value of one line without those, or keep it out of the file.',
  },
  'path-control': {
    says: 'holds a control character other than a newline',
    remedy: 'Rename the directory; only newlines are carried.',
  },
  'path-parent': { says: 'holds a ".." component', remedy: PATH },
  'path-user': {
    says: 'starts with "~" and a name, and whose home that is only the remote shell could say',
    remedy: 'Write the directory out; for a file of that name in the working directory use ./~name.',
  },
  'path-relative': { says: 'is relative, and to what is not known here', remedy: PATH },
  'path-anchored': { says: 'is not relative', remedy: 'Name it relative to the directory before it.' },
  'path-colon': {
    says: 'holds ":", which separates the directories of PATH',
    remedy: 'Choose a directory without a colon.',
  },
  'pid-path-outside': {
    says: 'does not lie inside its worker directory',
    remedy: 'Name the file relative to the worker directory.',
  },
  endpoint: { says: 'is not an endpoint', remedy: ENDPOINT },
  host: {
    says: 'is neither a host name nor a plainly written address',
    remedy: 'Use a host name, dotted decimal without leading zeros, or IPv6 in brackets without a zone.',
  },
  'listen-address': {
    says: 'is not one literal address of its host',
    remedy:
      'Give the address itself, such as 10.0.0.1: no name, and not 0.0.0.0 or ::, which are every interface.',
  },
  'tls-endpoint': {
    says: 'is not reached over TLS although files for TLS are given',
    remedy: 'Write the endpoint as tls://host:port, or leave the files out.',
  },
  port: { says: 'is not a port', remedy: 'Use 1 to 65535, without leading zeros.' },
  'port-range': {
    says: 'is not a range of ports',
    remedy: 'Write one port, or first:last with first <= last.',
  },
  user: {
    says: 'is not a user name',
    remedy: 'Use letters, digits, "_", "." and "-", starting with a letter or "_".',
  },
  'python-version': {
    says: 'is not a Python version',
    remedy: 'Write 3.12, cpython@3.12, or bounds such as >=3.11,<3.14.',
  },
  requirement: {
    says: 'is not a requirement',
    remedy: 'Write name, name[extra] or name==1.2; a wheel on the host goes in as {"path": "/dir/x.whl"}.',
  },
  module: { says: 'is not the dotted name of a module', remedy: 'Write it as package.module.' },
  'tool-syntax': {
    says: 'holds shell syntax, where only words and quotes are read',
    remedy: 'Send the words as a list.',
  },
  'share-root': {
    says: 'is no place for a share: the root, a home, a hidden or a system directory',
    remedy: 'Choose a directory of its own, such as ~/clustershare.',
  },
  url: {
    says: 'is not an https address without credentials',
    remedy: 'Use https://; send an address that holds a password as a secret variable.',
  },
} as const satisfies Record<string, Fault>;

export type FaultKind = keyof typeof FAULTS;

/** Thrown by the fragments. `code` is `ssh.<kind>`; the message names the slot and never what was in it. */
export class FragmentFault extends CodedError {
  readonly kind: FaultKind;
  readonly slot: string;

  constructor(kind: FaultKind, slot: string) {
    super(`ssh.${kind}`, `${slot} ${FAULTS[kind].says}`, FAULTS[kind].remedy);
    this.kind = kind;
    this.slot = slot;
  }
}

/** @throws FragmentFault `ssh.nul`, `ssh.lone-surrogate`: text that no process could receive unchanged. */
export function requireText(text: string, slot: string): void {
  if (text.includes('\0')) throw new FragmentFault('nul', slot);
  if (!text.isWellFormed()) throw new FragmentFault('lone-surrogate', slot);
}
