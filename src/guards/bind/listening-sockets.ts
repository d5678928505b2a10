// What a process and everything below it really listens on, from the kernel's own tables (proc(5)). A program that was
// told one address may open others: only its sockets say.
import { readdir, readFile, readlink } from 'node:fs/promises';
import { endianness } from 'node:os';
import { errnoOf } from '../../evidence/coded-error.ts';

/** One listening socket. A unix socket has port 0; of one without a name in the file system `host` begins with `@`. */
export interface ListeningSocket {
  /** Dotted decimal, RFC 5952, or a path. */
  readonly host: string;
  readonly family: 4 | 6 | 'unix';
  readonly port: number;
}

export interface ProcessSockets {
  /** Why there is no answer; `undefined` when there is one. */
  readonly unseen: string | undefined;
  /** Processes that were looked at. */
  readonly processes: number;
  readonly sockets: readonly ListeningSocket[];
}

const LISTEN = '0A'; // TCP_LISTEN, include/net/tcp_states.h
const ACCEPTS = 0x10000; // __SO_ACCEPTCON, include/linux/net.h

/** The tables hold addresses as words in the byte order of the host. */
function bytesOf(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  return endianness() === 'LE' ? bytes.swap32() : bytes;
}

function addressOf(hex: string): string {
  const bytes = bytesOf(hex);
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_unused, at) => bytes.readUInt16BE(2 * at).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1); // as RFC 5952
}

/** Listening sockets by inode, from the text of /proc/net/tcp or tcp6. */
export function readTcpTable(text: string, family: 4 | 6): ReadonlyMap<string, ListeningSocket> {
  const sockets = new Map<string, ListeningSocket>();
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    const [address, port] = local.split(':');
    if (state !== LISTEN || inode === undefined || !address || port === undefined) continue;
    sockets.set(inode, { host: addressOf(address), family, port: Number.parseInt(port, 16) });
  }
  return sockets;
}

/** Two rows say different things of one inode: a name forged one of them. */
const FORGED = 'a name of another socket reads like a row about one of them';
type Table = ReadonlyMap<string, ListeningSocket | typeof FORGED>;
const UNIX_ROW = /^\S+: [\dA-F]{8} [\dA-F]{8} ([\dA-F]{8}) [\dA-F]{4} [\dA-F]{2} +(\d+)(?: (.*))?$/s;

/**
 * Listening sockets by inode, from the text of /proc/net/unix. The kernel prints a name as it is, line feeds too: what is no row
 * belongs to the name before, and what looks like one may be part of a name.
 */
export function readUnixTable(text: string): Table {
  const rows: { readonly inode: string; readonly accepts: boolean; host: string }[] = [];
  for (const line of text.replace(/\n$/, '').split('\n').slice(1)) {
    const [, flags, inode, name = '@'] = UNIX_ROW.exec(line) ?? [];
    const before = rows.at(-1);
    if (flags !== undefined && inode !== undefined)
      rows.push({ inode, accepts: (Number.parseInt(flags, 16) & ACCEPTS) !== 0, host: name });
    else if (before) before.host += `\n${line}`;
  }
  const seen = new Map<string, (typeof rows)[number]>();
  const sockets = new Map<string, ListeningSocket | typeof FORGED>();
  for (const row of rows) {
    const { inode, accepts, host } = row;
    const other = seen.get(inode);
    seen.set(inode, row);
    if (other && (other.accepts !== accepts || other.host !== host)) sockets.set(inode, FORGED);
    else if (accepts && !sockets.has(inode)) sockets.set(inode, { host, family: 'unix', port: 0 });
  }
  return sockets;
}

const ENDED = new Set(['ENOENT', 'ESRCH', 'EINVAL', 'ENOTDIR']);

/** Returns what `look` finds of a process, or `undefined` for one that has ended. */
async function ofLiving<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (ENDED.has(errnoOf(error))) return undefined;
    throw error;
  }
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

async function readProcess(pid: number): Promise<Process | undefined> {
  const text = await ofLiving(readFile(`/proc/${pid}/stat`, 'latin1'));
  // The name in parentheses may hold anything, parentheses included.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  const [state, parent, , session] = fields;
  // A process whose first thread has ended looks like a dead one, and goes on for as long as it has others.
  const isDead = (state === 'Z' && Number(fields[17]) <= 1) || state === 'X';
  if (state === undefined || isDead) return undefined;
  return { pid, parent: Number(parent), session: Number(session) };
}

/** Returns a process, its descendants, and whatever else is in its session where it leads one: who forks twice is there. */
async function processTree(root: number): Promise<readonly number[]> {
  const names = (await readdir('/proc')).filter((name) => /^[1-9]\d*$/.test(name));
  const processes = (await Promise.all(names.map((name) => readProcess(Number(name))))).flatMap(
    (found) => found ?? [],
  );
  if (!processes.some(({ pid }) => pid === root)) return [];
  const tree = new Set([root]);
  for (let before = 0; before < tree.size; ) {
    before = tree.size;
    for (const { pid, parent, session } of processes) if (tree.has(parent) || session === root) tree.add(pid);
  }
  return [...tree].toSorted((a, b) => a - b);
}

/** Returns the directories of the threads of a process: each may have descriptors and a network of its own (unshare(2)). */
async function threadsOf(pid: number): Promise<readonly string[]> {
  const threads = (await ofLiving(readdir(`/proc/${pid}/task`))) ?? [];
  return threads.map((thread) => `/proc/${pid}/task/${thread}`);
}

/** Returns the inodes of every socket that a thread holds. */
async function socketInodes(thread: string): Promise<readonly string[]> {
  const names = (await ofLiving(readdir(`${thread}/fd`))) ?? [];
  const targets = await Promise.all(names.map((name) => ofLiving(readlink(`${thread}/fd/${name}`))));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target ?? '')?.[1] ?? []);
}

async function tablesOf(thread: string): Promise<readonly Table[]> {
  const read = async (name: string): Promise<string> =>
    (await ofLiving(readFile(`${thread}/net/${name}`, 'utf8'))) ?? '';
  return [
    readTcpTable(await read('tcp'), 4),
    readTcpTable(await read('tcp6'), 6),
    readUnixTable(await read('unix')),
  ];
}

/** Processes start while they are counted: two looks must agree. */
const MAX_LOOKS = 5;

async function lookOnce(tree: readonly number[]): Promise<readonly ListeningSocket[] | typeof FORGED> {
  const sockets = new Map<string, ListeningSocket>();
  const tables = new Map<string, readonly Table[]>();
  const threads = (await Promise.all(tree.map(threadsOf))).flat();
  for (const thread of threads) {
    const inodes = await socketInodes(thread);
    if (inodes.length === 0) continue;
    const network = (await ofLiving(readlink(`${thread}/ns/net`))) ?? '';
    // After the descriptors: a socket that listens only since then is not missed, it is one look later.
    const known = tables.get(network) ?? (await tablesOf(thread));
    // A thread that has ended meanwhile shows nothing, which says nothing of the others in its network.
    if ((await ofLiving(readlink(`${thread}/ns/net`))) === network) tables.set(network, known);
    for (const inode of inodes) {
      const socket = known.map((table) => table.get(inode)).find((found) => found !== undefined);
      if (socket === FORGED) return FORGED;
      if (socket) sockets.set(`${network} ${inode}`, socket);
    }
  }
  return [...sockets.values()];
}

/** How a look goes about the processes. */
export interface SocketLook {
  readonly tree: (pid: number) => Promise<readonly number[]>;
}

const wholeTree: SocketLook = { tree: processTree };

/** Returns every listening TCP and unix socket of a process, all its threads, and everything below it. */
export async function listeningSockets(
  pid: number,
  signal: AbortSignal,
  { tree: treeOf }: SocketLook = wholeTree,
): Promise<ProcessSockets> {
  const no = (unseen: string): ProcessSockets => ({ unseen, processes: 0, sockets: [] });
  try {
    let tree = await treeOf(pid);
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      signal.throwIfAborted();
      if (tree.length === 0) return no('there is no such process');
      const sockets = await lookOnce(tree);
      if (sockets === FORGED) return no(FORGED);
      const now = await treeOf(pid);
      if (now.join() === tree.join()) return { unseen: undefined, processes: tree.length, sockets };
      tree = now;
    }
    return no('its processes kept changing');
  } catch (error) {
    if (signal.aborted) throw error;
    return no(`its descriptors cannot be read (${errnoOf(error)})`);
  }
}
