// What a drill built, as one digest: the request, and each entry below its directory by kind, mode, owner and content. The
// claims name it, so that a drill which builds something easier than it is named for does not count. It is the same on every
// host: paths are made constant, and what is random by nature the drill itself names. It is read at once: states are thousands
// of small files, where each wait costs more than the file.
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../evidence/sha256.ts';

/** Where a state was built, and what in it is another each time. */
export interface Fixture {
  /** `undefined` when nothing was built in a directory. */
  readonly directory: string | undefined;
  /** What stands in the place of texts that are random by nature. */
  readonly random: readonly (readonly [name: string, what: string | RegExp])[];
  /** Files whose content is random by nature: paths below the directory, or what they match. */
  readonly unread: readonly (string | RegExp)[];
}

/** The read and search bits of others: they follow the umask of whoever drills, and no rule of a file asks for them. */
const UMASKED = 0o055;

interface Constants {
  text(given: string): string;
  /** The same, of a file's content. */
  bytes(data: Buffer): Buffer;
}

/**
 * Replaces what differs between hosts and runs. Not where this package lies: no drill builds anything there, and in a clone at
 * `/app` requests would lose what they say of another `/app`.
 */
function constants({ directory, random }: Fixture): Constants {
  const places: readonly (readonly [string, string | RegExp])[] = [
    ...(directory === undefined ? [] : [['SITE', directory] as const]),
    ['NODE', process.execPath],
    ...random,
  ];
  const text: Constants['text'] = (given) =>
    places.reduce((result, [name, what]) => result.replaceAll(what, `<${name}>`), given);
  const isSure = places.every(([, what]) => typeof what === 'string');
  return {
    text,
    bytes: (data) => {
      // Most files hold nothing of the kind, and a large one takes long to turn into text and back.
      const differs = !isSure || places.some(([, what]) => data.includes(what as string, 0, 'latin1'));
      return differs ? Buffer.from(text(data.toString('latin1')), 'latin1') : data;
    },
  };
}

function ownerOf(uid: number): string {
  if (uid === process.geteuid?.()) return 'own';
  return uid === 0 ? 'root' : FOREIGN;
}

const FOREIGN = 'foreign';

interface Entry {
  readonly path: string;
  readonly kind: string;
  readonly mode: string;
  readonly owner: string;
  readonly content: string;
}

const KINDS = ['isFile', 'isDirectory', 'isSymbolicLink', 'isFIFO', 'isSocket'] as const;

/** Files below this size are read whole. */
const LARGE = 1_048_576;

/** Where the zeros at the end of a file begin, in whole steps. By its content: what a file system says of holes is its own. */
function endOf(fd: number, size: number): number {
  const [room, zeros] = [Buffer.alloc(LARGE), Buffer.alloc(LARGE)];
  let end = size;
  while (end > 0) {
    const begin = end - (end % LARGE || LARGE);
    const part = room.subarray(0, end - begin);
    if (readSync(fd, part, 0, part.length, begin) !== part.length) break; // whole, then: something writes to it
    if (!part.equals(zeros.subarray(0, part.length))) break;
    end = begin;
  }
  return end;
}

/** Returns a file's content without the zeros at its end: what is there to be too large is mostly those. */
function withoutZeros(path: string, { size }: Stats): Buffer {
  if (size < LARGE) return readFileSync(path);
  const fd = openSync(path, 'r');
  try {
    const content = Buffer.alloc(endOf(fd, size));
    return content.subarray(0, readSync(fd, content, 0, content.length, 0));
  } finally {
    closeSync(fd);
  }
}

function contentOf({ unread }: Fixture, at: string, path: string, found: Stats, constant: Constants): string {
  if (found.isSymbolicLink()) return constant.text(readlinkSync(at));
  if (!found.isFile()) return '';
  if (unread.some((one) => (typeof one === 'string' ? one === path : one.test(path)))) return 'random';
  const content = withoutZeros(at, found);
  const digest = sha256Hex(constant.bytes(content));
  return content.length < found.size ? `${digest}, then zeros up to ${found.size}` : digest;
}

function entriesOf(fixture: Fixture, directory: string, constant: Constants, path = ''): readonly Entry[] {
  const at = join(directory, path);
  const found = lstatSync(at);
  const entry = {
    path: constant.text(path),
    kind: KINDS.find((is) => found[is]()) ?? 'isDevice',
    mode: (found.mode & 0o7777 & ~UMASKED).toString(8),
    owner: ownerOf(found.uid),
    content: contentOf(fixture, at, path, found, constant),
  };
  const names = found.isDirectory() ? readdirSync(at) : [];
  return [
    entry,
    ...names.flatMap((name) =>
      entriesOf(fixture, directory, constant, path === '' ? name : `${path}/${name}`),
    ),
  ];
}

/** The request as text. A request that is there to be refused may be no data at all. */
function textOf(request: unknown, anyOwner: boolean): string {
  const owned = (key: string, value: unknown): unknown => (anyOwner && key === 'owners' ? undefined : value);
  try {
    return JSON.stringify(request, owned) ?? 'nothing';
  } catch {
    return 'no data';
  }
}

/**
 * Returns what the digest is taken of, a line for the request and for each entry. Root gives files away to make them
 * foreign; everybody else asks the guard to trust root alone. In both cases nothing is said of who owns what.
 */
function fixtureLines(fixture: Fixture, request: unknown): readonly string[] {
  const constant = constants(fixture);
  const entries = fixture.directory === undefined ? [] : entriesOf(fixture, fixture.directory, constant);
  const asksRoot = typeof request === 'object' && request !== null && 'owners' in request;
  const anyOwner = asksRoot || entries.some(({ owner }) => owner === FOREIGN);
  const lines = entries.map(({ path, kind, mode, owner, content }) =>
    JSON.stringify([path, kind, mode, anyOwner ? 'any' : owner, content]),
  );
  return [constant.text(textOf(request, anyOwner)), ...lines.sort()];
}

/** Returns the SHA-256 (hex) of a state and of the request about it. */
export function fixtureDigest(fixture: Fixture, request: unknown): string {
  return sha256Hex(fixtureLines(fixture, request).join('\n'));
}
