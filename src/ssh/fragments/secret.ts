// Secrets for a remote command. The command names the variables and reads their values from its standard input, so
// that they never stand in a command line, a request, a record or the process list.
import { inspect } from 'node:util';
import { CodedError } from '../../evidence/coded-error.ts';
import { requireText } from './fault.ts';
import { literal, type Word } from './word.ts';

/** A value that does not show: not as text, not as JSON, not when inspected. */
export class Secret {
  readonly #value: string;

  /** @throws CodedError `ssh.nul`, `ssh.lone-surrogate`, `ssh.secret-newline`. */
  constructor(value: string) {
    requireText(value, 'the secret');
    if (value.includes('\n')) {
      const remedy = 'Write it to a file of mode 0600 on the host and pass the path.';
      throw new CodedError(
        'ssh.secret-newline',
        'the secret holds a newline, which ends it on standard input',
        remedy,
      );
    }
    this.#value = value;
    Object.freeze(this);
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

// Builtins only: an external program would get the value as an argument, for all to see. Exit 78 is EX_CONFIG.
const READ_SECRETS = `while [ "$1" != -- ]; do
  IFS= read -r value || exit 78
  export "$1=$value"
  shift
done
shift
unset value
exec "$@"`;

/** Returns the words that read one line for each variable before the rest of the command runs. */
export function secretReader(names: readonly string[]): readonly Word[] {
  if (names.length === 0) return [];
  return ['/bin/sh', '-c', READ_SECRETS, 'sh', ...names, '--'].map(literal);
}

/**
 * Returns what to write to the standard input of a command, before its own input: one line for each of its secrets.
 *
 * @throws CodedError `ssh.secret-mismatch`: not exactly the variables that the command reads.
 */
export function secretInput(names: readonly string[], secrets: Readonly<Record<string, Secret>>): string {
  const lines = names.map((name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined));
  if (Object.keys(secrets).length !== names.length || lines.includes(undefined)) {
    const remedy = 'Pass one secret for each name in the secrets of the command.';
    throw new CodedError('ssh.secret-mismatch', 'the secrets are not those that the command reads', remedy);
  }
  return lines.map((secret) => `${secret?.reveal()}\n`).join('');
}
