// Who may sign: the text of an allowed signers file (ssh-keygen(1), ALLOWED SIGNERS). A line that could be read in two ways, or
// asks for what is not read here, refuses the whole list: it may be the line that takes trust away.
import { fromBase64 } from '../../evidence/bytes.ts';
import { readKey, SshFault, type SshKey } from './ssh-key.ts';

export interface AllowedSigner {
  /** As the line names them; nobody compared them with anything. */
  readonly principals: readonly string[];
  readonly key: SshKey;
  /** Absent: every purpose. */
  readonly namespaces?: readonly string[] | undefined;
  /** Seconds since 1970, both inclusive, as for ssh-keygen. */
  readonly validAfter?: number | undefined;
  readonly validBefore?: number | undefined;
}

/** Of a pattern's characters, all but those that mean something else elsewhere; no negation, for nobody is compared with it. */
const PRINCIPAL = String.raw`[\w.@*?%+/:=~-]+`;
const OPTIONS = String.raw`(?:[^\s"]|"[^"]*")+`;
const LINE = new RegExp(
  String.raw`^(?<principals>${PRINCIPAL}(?:,${PRINCIPAL})*)[ \t]+(?:(?<options>${OPTIONS})[ \t]+)??` +
    String.raw`(?<type>[\w@.-]+)[ \t]+(?<key>[A-Za-z0-9+/]+=*)(?:[ \t].*)?$`,
);
const OPTION =
  /^(?:namespaces="(?<namespaces>[^"]*)"|valid-(?<which>after|before)="(?<time>[^"]*)")(?:,(?=.)|$)/i;
const TIME = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z$/;

/** Returns seconds since 1970. Without a Z the time would be another in each time zone. */
function secondsOf(text: string): number {
  const parts = TIME.exec(text)
    ?.slice(1)
    .map((part) => Number(part ?? 0));
  if (!parts) throw new SshFault('has a time that is not in UTC, with a Z');
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number];
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const written = time.toISOString().replace(/[-:T]|\.\d+/g, '');
  if (written.slice(0, 8) !== text.slice(0, 8) || hour > 23 || minute > 59 || second > 59)
    throw new SshFault('has a time that is in no calendar');
  return time.getTime() / 1000;
}

type Options = Pick<AllowedSigner, 'namespaces' | 'validAfter' | 'validBefore'>;

function readOptions(text: string): Options {
  const found = new Map<string, string>();
  for (let rest = text; rest !== ''; ) {
    const option = OPTION.exec(rest);
    if (!option) throw new SshFault('has an option that is not taken (cert-authority is one)');
    const { namespaces, which, time = '' } = option.groups ?? {};
    const name = which?.toLowerCase() ?? 'namespaces';
    if (found.has(name)) throw new SshFault('has an option twice');
    found.set(name, namespaces ?? time);
    rest = rest.slice(option[0].length);
  }
  const namespaces = found.get('namespaces')?.split(',');
  if (namespaces?.some((name) => !/^[\w@.-]+$/.test(name)))
    throw new SshFault('has namespaces that are patterns');
  const [validAfter, validBefore] = ['after', 'before'].map((name) => {
    const time = found.get(name);
    return time === undefined ? undefined : secondsOf(time);
  });
  if (validAfter !== undefined && validBefore !== undefined && validBefore <= validAfter)
    throw new SshFault('is valid at no time');
  return { namespaces, validAfter, validBefore };
}

function readLine(line: string): AllowedSigner {
  const { principals = '', options = '', type, key = '' } = LINE.exec(line)?.groups ?? {};
  const blob = fromBase64(key);
  if (type === undefined || !blob) throw new SshFault('is not: principals, options, type, key');
  const read = readKey(Buffer.from(blob));
  if (read.type !== type) throw new SshFault('has a key of another type than it says');
  return { principals: principals.split(','), key: read, ...readOptions(options) };
}

/** Returns the signers that a list names. @throws SshFault with the number of the line. */
export function readAllowedSigners(text: string): readonly AllowedSigner[] {
  const signers: AllowedSigner[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (/^[ \t]*(?:#|$)/.test(line)) continue;
    try {
      signers.push(readLine(line));
    } catch (error) {
      if (error instanceof SshFault) throw new SshFault(`line ${index + 1} ${error.message}`);
      throw error;
    }
  }
  return signers;
}
