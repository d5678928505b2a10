// What uv and Python are asked for: versions, requirements, modules. None of them can start with "-" and so none can
// become an option.
import { FragmentFault } from './fault.ts';
import { type Argument, parseArgument } from './program.ts';
import { RemotePath } from './remote-path.ts';
import { literal, type Word } from './word.ts';

// The request formats of `uv python find`: a version, an implementation with or without one, or PEP 440 bounds. A
// version may name its variant, as in 3.14+gil.
const VERSION = String.raw`\d+(?:\.\d+){0,2}(?:(?:a|b|rc)\d+)?`;
const NAMED = `(?:(?:cpython|pypy|graalpy|python)[-@]?)?${VERSION}(?:t|[+](?:gil|freethreaded|debug))?(?:-[a-z0-9_]+){0,3}`;
const BOUND = String.raw`(?:[<>]=?|[=!~]=)${VERSION}(?:\.\*)?`;
const PYTHON_VERSION = new RegExp(`^(?:${NAMED}|cpython|pypy|graalpy|${BOUND}(?:,${BOUND})*)$`);

// PEP 508 names and extras with PEP 440 bounds; no markers and no URLs.
const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const PACKAGE_BOUND = String.raw`(?:[<>]=?|[=!~]=|===)[A-Za-z0-9](?:[A-Za-z0-9.!+_-]|\.\*)*`;
const REQUIREMENT = new RegExp(
  String.raw`^${NAME}(?:\[${NAME}(?:,${NAME})*\])?(?:${PACKAGE_BOUND}(?:,${PACKAGE_BOUND})*)?$`,
);

const MODULE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

function matching(
  pattern: RegExp,
  kind: 'python-version' | 'requirement' | 'module',
  text: string,
  slot: string,
): Word {
  if (text.length > 1_000 || !pattern.test(text)) throw new FragmentFault(kind, slot);
  return literal(text);
}

/** @throws FragmentFault `ssh.python-version`. */
export function parsePythonVersion(text: string, slot = 'the Python version'): Word {
  return matching(PYTHON_VERSION, 'python-version', text, slot);
}

/**
 * Returns the word of a requirement, or of a wheel on the host.
 *
 * @throws FragmentFault `ssh.requirement`, and for a path as {@link RemotePath.parseAnchored}.
 */
export function parseRequirement(requirement: Argument, slot = 'a requirement'): Word {
  if (typeof requirement !== 'string') return RemotePath.parseAnchored(requirement.path, slot).word;
  return matching(REQUIREMENT, 'requirement', requirement, slot);
}

/** @throws FragmentFault `ssh.module`. */
export function parseModule(text: string, slot = 'the module'): Word {
  return matching(MODULE, 'module', text, slot);
}

/** Returns the words of a list of arguments that follow a program. */
export function parseArguments(list: readonly Argument[] = [], slot = 'arguments'): readonly Word[] {
  return list.map((argument, index) => parseArgument(argument, `${slot}[${index}]`));
}
